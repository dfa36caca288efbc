"""A revision is applied by an update: checked before it leaves a trace, and in force at once."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from outdial.contracts.messages import ApplyRequest, CampaignView, PauseRequest, ResumeRequest
from outdial.domain.call.claim import CampaignState
from tests.waiting import until
from tests.workflows.test_campaign import Handle, campaign
from workflows.campaign import CampaignWorkflow


def proposed(**changes: Any) -> ApplyRequest:
    values = {"proposal": "first", "campaign_id": 1, "launch": 1, "revision": 1}
    return ApplyRequest.model_validate(values | changes)


async def apply(handle: Handle, request: ApplyRequest) -> CampaignView:
    view: CampaignView = await handle.execute_update("apply", request, result_type=CampaignView)
    return view


async def _is(truth: bool) -> bool:
    return truth


async def test_a_revision_is_in_force_at_the_next_claim(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=5, max_concurrent=1, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 1))
        view = await apply(handle, proposed())
        assert (view.state, view.revision) == (CampaignState.RUNNING, 2)
        await until(lambda: _is(calls.placed == 2))
        calls.go_on.set()
        assert (await handle.result()).state is CampaignState.FINISHED
        assert [row.calls for row in roster.rows] == [1] * 5


async def test_a_paused_campaign_stays_paused(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=2, max_concurrent=1, held=True) as (handle, _, calls):
        await until(lambda: _is(calls.placed == 1))
        _ = await handle.execute_update(CampaignWorkflow.pause, PauseRequest())
        view = await apply(handle, proposed())
        assert (view.state, view.revision) == (CampaignState.PAUSED, 2)
        _ = await handle.execute_update(CampaignWorkflow.resume, ResumeRequest())
        calls.go_on.set()
        await handle.result()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"campaign_id": 2}, "another campaign or launch"),
        ({"launch": 2}, "another campaign or launch"),
        ({"revision": 0}, "made from revision 0"),
        ({"proposal": "x" * 101}, "found 101 characters"),
        ({"proposal": "x" * 300_000}, "found 300000 characters"),
    ],
    ids=["another campaign", "another launch", "an older revision", "a long id", "a large one"],
)
async def test_what_can_not_be_applied_leaves_no_trace(
    server: WorkflowEnvironment, changes: dict[str, Any], says: str
) -> None:
    async with campaign(server, recipients=1, max_concurrent=1, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 1))
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await apply(handle, proposed(**changes))
        cause = refused.value.cause
        assert isinstance(cause, ApplicationError)
        assert says in cause.message
        assert roster.applied == []
        events = (await handle.fetch_history()).events
        assert sum(event.ByteSize() for event in events) < 50_000
        calls.go_on.set()
        await handle.result()


async def test_a_revision_that_was_overtaken_is_refused(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=1, max_concurrent=1, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 1))
        await apply(handle, proposed())
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await apply(handle, proposed(proposal="second"))
        assert "is at revision 2" in str(refused.value.cause)
        roster.refuse = "it is over"
        with pytest.raises(WorkflowUpdateFailedError):
            await apply(handle, proposed(proposal="third", revision=2))
        assert roster.applied == ["first"]
        calls.go_on.set()
        await handle.result()
