"""Messages to a campaign are bounded; what nobody announces is found; polls grow apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from outdial.contracts.messages import MAX_RECIPIENTS, CampaignInput, PauseRequest, StopRequest
from outdial.contracts.signatures.campaign import ClaimInput, Enrolled, EnrollInput
from outdial.domain.call.claim import CampaignState, Claim
from outdial.domain.definition.recipient import RecipientDraft
from tests.waiting import until
from tests.workflows.roster import FakeRoster, Row
from tests.workflows.test_campaign import campaign
from workflows.bounds import MAX_BYTES, MAX_INPUT_BYTES
from workflows.campaign import LONGEST_STRAY_POLL, STRAY_POLL, CampaignWorkflow


async def _is(truth: bool) -> bool:
    return truth


def people(count: int, **more: Any) -> dict[str, Any]:
    """As a client of another language writes it."""
    drafts = (
        RecipientDraft(position=i, phone=f"+1202555{i % 10_000:04d}", **more) for i in range(count)
    )
    return {
        "recipients": [draft.model_dump(mode="json", exclude_defaults=True) for draft in drafts]
    }


@pytest.mark.parametrize(
    ("update", "request_", "names"),
    [
        ("add_recipients", people(10_000), f"at most {MAX_RECIPIENTS}"),
        ("add_recipients", people(MAX_RECIPIENTS + 1), f"{MAX_RECIPIENTS + 1}"),
        (
            "add_recipients",
            people(2, variables={"note": "x" * MAX_BYTES}),
            "bytes",
        ),
        ("add_recipients", {"file": "x" * 1001}, "file: found 1001"),
        ("add_recipients", {"file": "more.csv"} | people(1), "send one of them"),
        (CampaignWorkflow.pause, PauseRequest(reason="x" * 501), "reason: found 501"),
        (CampaignWorkflow.stop, StopRequest(reason="x" * 100_000), "reason: found 100000"),
    ],
    ids=[
        "10,000",
        "one too many",
        "few and large",
        "a long path",
        "two sources",
        "a long reason",
        "a longer reason",
    ],
)
async def test_a_large_update_is_refused_with_a_sentence_and_leaves_no_trace(
    server: WorkflowEnvironment, update: Any, request_: Any, names: str
) -> None:
    async with campaign(server, recipients=1, max_concurrent=1, held=True) as (handle, _, calls):
        await until(lambda: _is(calls.placed == 1))
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(update, request_)
        cause = refused.value.cause
        assert isinstance(cause, ApplicationError)
        assert names in cause.message
        events = (await handle.fetch_history()).events
        assert sum(event.ByteSize() for event in events) < 50_000
        calls.go_on.set()
        assert (await handle.result()).state is CampaignState.FINISHED


async def test_what_is_within_the_bound_is_taken(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=1, max_concurrent=1, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 1))
        _ = await handle.execute_update(CampaignWorkflow.pause, PauseRequest(reason="x" * 500))
        _ = await handle.execute_update("add_recipients", people(MAX_RECIPIENTS))
        assert len(roster.rows) == MAX_RECIPIENTS + 1
        _ = await handle.execute_update(CampaignWorkflow.stop, StopRequest())
        calls.go_on.set()
        await handle.result()


class Staged(FakeRoster):
    """Rows are staged by somebody who dies before he can say so."""

    staged = 0

    @activity.defn(name="enroll_recipients")
    async def enroll_recipients(self, enroll: EnrollInput) -> Enrolled:
        rows, self.staged = self.staged, 0
        over = self.state is CampaignState.STOPPING
        self.rows.extend(Row(done=over) for _ in range(rows))
        self.enrolled += 1
        return Enrolled(rows=rows)

    @activity.defn(name="claim_calls")
    async def claim_calls(self, claim: ClaimInput) -> Claim:
        claimed = await super().claim_calls(claim)
        return claimed.model_copy(update={"staged": self.staged > 0})


@pytest.mark.parametrize("stopped", [False, True])
async def test_staged_rows_that_nobody_announces_are_enrolled(
    server: WorkflowEnvironment, stopped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.workflows.test_campaign.FakeRoster", Staged)
    async with campaign(server, recipients=2, max_concurrent=1, held=True) as (
        handle,
        roster,
        calls,
    ):
        assert isinstance(roster, Staged)
        await until(lambda: _is(calls.placed == 1))
        roster.staged = 3
        if stopped:
            _ = await handle.execute_update(CampaignWorkflow.stop, StopRequest())
        calls.go_on.set()
        await handle.result()
    assert roster.staged == 0
    assert [row.calls for row in roster.rows] == ([1, 0, 0, 0, 0] if stopped else [1] * 5)


def _campaign_of(strays: int) -> tuple[CampaignWorkflow, Claim]:
    input_ = CampaignInput(tenant="default", campaign="c", campaign_id=1, launch=1)
    return CampaignWorkflow(input_), Claim(state=CampaignState.RUNNING, in_flight=strays)


def test_calls_of_an_earlier_run_are_polled_for_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call of ten minutes costs a few polls, not one a second."""
    from tests.builders import NOW

    now = NOW
    monkeypatch.setattr("workflows.campaign.workflow.now", lambda: now)
    running, claim = _campaign_of(strays=1)
    waits: list[timedelta] = []
    while sum(waits, timedelta(0)) < timedelta(minutes=10):
        ((at, _),) = running._polls(claim)
        waits.append(at - now)
        now = at
    assert waits[0] == STRAY_POLL
    assert max(waits) == LONGEST_STRAY_POLL
    assert len(waits) < 30
    fewer = Claim(state=CampaignState.RUNNING, in_flight=0)
    assert list(running._polls(fewer)) == []
    ((at, _),) = running._polls(claim)
    assert at - now == STRAY_POLL, "from the start, once one has ended"


@pytest.mark.parametrize("workflow_type", ["RequestCallWorkflow", "RunCampaignWorkflow"])
async def test_a_large_input_is_refused_with_a_sentence(
    server: WorkflowEnvironment, workflow_type: str
) -> None:
    import uuid

    from temporalio.worker import Worker

    from workflows.registry import sandbox
    from workflows.request import RequestCallWorkflow
    from workflows.run_campaign import RunCampaignWorkflow

    large = "x" * (MAX_INPUT_BYTES + 1)
    request = {"to": "+12025550123", "agent": {"id": "a"}, "variables": {"note": large}}
    given: dict[str, Any] = {"tenant": "default"}
    if workflow_type == "RequestCallWorkflow":
        given["request"] = request
    else:
        given["definition"] = large
    queue = uuid.uuid4().hex
    async with Worker(
        server.client,
        task_queue=queue,
        workflows=[RequestCallWorkflow, RunCampaignWorkflow],
        workflow_runner=sandbox(),
    ):
        with pytest.raises(WorkflowFailureError) as failed:
            await server.client.execute_workflow(
                workflow_type, given, id=f"large/{queue}", task_queue=queue
            )
    assert "at most 1,048,576" in str(failed.value.cause)
