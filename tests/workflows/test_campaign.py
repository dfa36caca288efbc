"""A campaign calls everybody once, within its limit, whatever happens to it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from outdial.contracts import names
from outdial.contracts.messages import (
    AddRequest,
    CampaignInput,
    CampaignResult,
    PauseRequest,
    ResumeRequest,
    StopRequest,
)
from outdial.contracts.signatures.call import Ended, PlaceInput, Placement
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.event import CallEnd, CallEvent
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.recipient import RecipientDraft
from tests.waiting import until
from tests.workflows.fakes import PLACED, FakeCalls
from tests.workflows.roster import FakeRoster
from tests.workflows.test_call import AT
from workflows.call import CallWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.registry import sandbox

Handle = WorkflowHandle[CampaignWorkflow, CampaignResult]


class AnsweringCalls(FakeCalls):
    """Every call is answered at once, and its end frees its slot in the roster."""

    def __init__(self, environment: WorkflowEnvironment, roster: FakeRoster) -> None:
        super().__init__()
        self._environment = environment
        self._roster = roster
        self.go_on = asyncio.Event()
        """While it is not set, calls are placed but do not end."""
        self.go_on.set()
        self._hold: asyncio.Event | None = None

    def hold_first_end(self) -> asyncio.Event:
        """The next call frees its slot, but cannot say so until this is set."""
        self._hold = asyncio.Event()
        return self._hold

    @activity.defn(name="place_call")
    async def place_call(self, place: PlaceInput) -> Placement:
        self.placed += 1
        await self.go_on.wait()
        done = CallEvent(call_id=place.call_id, event_id="done", status=CallStatus.COMPLETED, at=AT)
        return PLACED.model_copy(update={"reports": (done,)})

    @activity.defn(name="end_call")
    async def end_call(self, call_id: str, end: CallEnd) -> Ended:
        self._roster.end(call_id)
        hold, self._hold = self._hold, None
        if hold is not None:
            await hold.wait()
        return await super().end_call(call_id, end)


@asynccontextmanager
async def campaign(
    environment: WorkflowEnvironment,
    *,
    recipients: int,
    max_concurrent: int,
    continue_after_events: int | None = None,
    held: bool = False,
) -> AsyncIterator[tuple[Handle, FakeRoster, AnsweringCalls]]:
    name = f"c-{uuid.uuid4().hex[:8]}"
    roster = FakeRoster(name, recipients, max_concurrent)
    calls = AnsweringCalls(environment, roster)
    if held:
        calls.go_on.clear()
    async with (
        Worker(
            environment.client,
            task_queue=name,
            workflows=[CampaignWorkflow, CallWorkflow],
            activities=[*roster.activities, calls.end_call],
            workflow_runner=sandbox(),
        ),
        Worker(environment.client, task_queue=names.CALL_QUEUE, activities=calls.activities),
    ):
        handle = await environment.client.start_workflow(
            CampaignWorkflow.run,
            CampaignInput(
                tenant="default",
                campaign=name,
                campaign_id=1,
                launch=1,
                continue_after_events=continue_after_events,
            ),
            id=names.campaign_workflow_id("default", name),
            task_queue=name,
        )
        yield handle, roster, calls


async def test_everybody_is_called_once_within_the_limit(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=21, max_concurrent=7) as (handle, roster, calls):
        result = await handle.result()
    assert result.state is CampaignState.FINISHED
    assert [row.calls for row in roster.rows] == [1] * 21
    assert calls.placed == 21
    assert roster.peak == 7


async def test_continue_as_new_loses_nobody(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=24, max_concurrent=6, continue_after_events=20) as (
        handle,
        roster,
        calls,
    ):
        first_run = handle.first_execution_run_id
        await handle.result()
        described = await server.client.get_workflow_handle(handle.id).describe()
    assert described.run_id != first_run
    assert [row.calls for row in roster.rows] == [1] * 24
    assert calls.placed == 24
    assert roster.enrolled == 1


async def test_a_terminated_call_does_not_hold_the_campaign_up(
    server: WorkflowEnvironment,
) -> None:
    async with campaign(server, recipients=8, max_concurrent=4, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 4))
        victim = roster.rows[0].live
        assert victim is not None
        await server.client.get_workflow_handle(f"call/default/{roster.name}/1/0/1").terminate()
        roster.end(victim)  # the sweeper of leases
        calls.go_on.set()
        await handle.signal(CampaignWorkflow.nudge)
        await handle.result()
    assert [row.calls for row in roster.rows] == [1] * 8


async def test_pause_resume_and_add(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 2))
        _ = await handle.execute_update(CampaignWorkflow.pause, PauseRequest())
        assert roster.state is CampaignState.PAUSED
        calls.go_on.set()
        await until(lambda: _is(roster.in_flight == 0))
        assert calls.placed == 2
        _ = await handle.execute_update(
            CampaignWorkflow.add_recipients,
            AddRequest(recipients=(RecipientDraft(position=6, phone="+12025550123"),)),
        )
        _ = await handle.execute_update(CampaignWorkflow.resume, ResumeRequest())
        result = await handle.result()
    assert result.attempts == 7


async def test_an_update_may_name_a_contact_file(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=1, max_concurrent=1, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 1))
        _ = await handle.execute_update(
            CampaignWorkflow.add_recipients, AddRequest(file="more.csv")
        )
        assert roster.files == ["more.csv"]
        calls.go_on.set()
        await handle.result()


@pytest.mark.parametrize("hang_up", [False, True])
async def test_stop_lets_calls_end(server: WorkflowEnvironment, hang_up: bool) -> None:
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 2))
        _ = await handle.execute_update(CampaignWorkflow.stop, StopRequest(hang_up=hang_up))
        calls.go_on.set()
        result = await handle.result()
    assert result.state is CampaignState.STOPPED
    assert calls.placed == 2
    assert roster.hang_ups == (1 if hang_up else 0)


async def test_cancelling_stops_and_lets_calls_end(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 2))
        await handle.cancel()
        await until(lambda: _is(roster.state is CampaignState.STOPPING))
        calls.go_on.set()
        result = await handle.result()
    assert result.state is CampaignState.STOPPED
    assert calls.placed == 2


async def test_a_reset_campaign_calls_nobody_twice(server: WorkflowEnvironment) -> None:
    async with campaign(server, recipients=10, max_concurrent=3) as (handle, roster, calls):
        await handle.result()
        roster.state = CampaignState.RUNNING
        await server.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=server.client.namespace,
                workflow_execution={  # type: ignore[arg-type]
                    "workflow_id": handle.id,
                    "run_id": handle.first_execution_run_id or "",
                },
                reason="test",
                workflow_task_finish_event_id=4,
                request_id=uuid.uuid4().hex,
            )
        )
        await server.client.get_workflow_handle(handle.id).result()
    assert calls.placed == 10
    assert [row.calls for row in roster.rows] == [1] * 10


async def test_a_call_that_closes_late_keeps_no_slot_empty(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker died after it had freed the slot; meanwhile others end."""
    monkeypatch.setattr("workflows.campaign.LATE_CLOSE_POLL", timedelta(milliseconds=200))
    monkeypatch.setattr("tests.workflows.test_campaign.sandbox", UnsandboxedWorkflowRunner)
    async with campaign(server, recipients=3, max_concurrent=1) as (handle, roster, calls):
        first = calls.hold_first_end()
        # More than one, where a late poll of the campaign comes first.
        await until(lambda: _is(calls.placed >= 1 and roster.in_flight == 0))
        await handle.signal(CampaignWorkflow.nudge)
        await until(lambda: _is(calls.placed == 3 and roster.in_flight == 0))
        first.set()
        await handle.result()
    assert [row.calls for row in roster.rows] == [1] * 3
    assert roster.peak == 1


async def test_an_update_that_the_store_refuses_fails_and_changes_nothing(
    server: WorkflowEnvironment,
) -> None:
    async with campaign(server, recipients=2, max_concurrent=1, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 1))
        roster.refuse = "it is over"
        with pytest.raises(WorkflowUpdateFailedError):
            _ = await handle.execute_update(CampaignWorkflow.pause, PauseRequest())
        assert roster.state is CampaignState.RUNNING
        calls.go_on.set()
        await handle.result()


async def _is(holds: bool) -> bool:
    return holds
