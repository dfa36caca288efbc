"""Every workflow, cancelled at each of its activities and waits: it ends, what it did is written
down, and nobody is called afterwards.

Cancelling while an activity runs arrives as an ActivityError that was caused by it, not as a
CancelledError; the activity itself goes on.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner

from outdial.contracts import names
from outdial.contracts.messages import (
    AddRequest,
    CampaignInput,
    PauseRequest,
    RequestCallInput,
    StopRequest,
)
from outdial.contracts.signatures.call import HangUp, HangUpInput, LookUp
from outdial.contracts.signatures.launch import LaunchInput
from outdial.contracts.signatures.request import (
    RequestActivities,
    Requested,
    RequestInput,
    RequestRef,
    RequestState,
)
from outdial.domain.call.claim import CampaignState, ClaimedCall
from outdial.domain.call.plan import CallRequest
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.recipient import RecipientDraft
from tests.waiting import until
from tests.workflows.cancelling import (
    BEFORE,
    SHORT_TASKS,
    WAITING,
    cancelled,
    holds,
    status_of,
    timer_started,
    working,
)
from tests.workflows.fakes import FakeCalls
from tests.workflows.holding import Handle, Hold, cancel_and_wait
from tests.workflows.roster import FakeRoster
from tests.workflows.test_call import claimed, report
from tests.workflows.test_campaign import AnsweringCalls
from tests.workflows.test_run_campaign import FakeLaunches
from workflows.call import CallWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.request import RequestCallWorkflow
from workflows.run_campaign import RunCampaignWorkflow

# --- a request -----------------------------------------------------------------------------------


class Roster(RequestActivities):
    """A row that a claim would call for as long as it is entered and not withdrawn."""

    def __init__(self) -> None:
        self.entered = self.withdrawn = False

    @activity.defn(name="enroll_request")
    async def enroll_request(self, request: RequestInput) -> Requested:
        self.entered = True
        self.withdrawn = self.withdrawn or request.withdrawn
        return Requested(recipient_id=1)

    @activity.defn(name="read_request")
    async def read_request(self, request: RequestRef) -> RequestState:
        outcome = "canceled" if self.withdrawn else None
        return RequestState(done=self.withdrawn, outcome=outcome, waiting_for="its turn")

    @activity.defn(name="withdraw_request")
    async def withdraw_request(self, request: RequestRef) -> RequestState:
        self.withdrawn = True
        return await self.read_request(request)


@pytest.mark.parametrize("at", [BEFORE, "enroll_request", "read_request", WAITING])
async def test_a_request_is_taken_back(server: WorkflowEnvironment, at: str) -> None:
    queue, rows, hold = uuid.uuid4().hex, Roster(), Hold(at)
    message = RequestCallInput(
        tenant="default", request=CallRequest(to="+12025550123", agent=Agent(id="a"))
    )
    handle = await server.client.start_workflow(
        RequestCallWorkflow.run, message, id=f"request/{queue}", task_queue=queue
    )
    if at == BEFORE:
        await handle.cancel()
    parts = (rows.enroll_request, rows.read_request, rows.withdraw_request)
    async with working(server, queue, hold, *parts):
        await cancelled(hold, handle, lambda: timer_started(handle))
        result = await asyncio.wait_for(handle.result(), 10)
    assert result.outcome == "canceled"
    assert not rows.entered or rows.withdrawn


# --- a call --------------------------------------------------------------------------------------


class Phone(FakeCalls):
    """A call that ends when it is hung up, if it was placed."""

    def __init__(self, handle: Handle, call: ClaimedCall, *, tells: bool) -> None:
        super().__init__()
        self._handle = handle
        self._end = report(call, CallStatus.CANCELED)
        self._tells = tells
        """Reports the end by itself; else it has to be asked."""
        self.lookups = [LookUp(exists=True, reports=(self._end,))]

    @activity.defn(name="hang_up_call")
    async def hang_up_call(self, hang_up: HangUpInput) -> HangUp:
        self.hung_up += 1
        if self.placed and self._tells:
            await self._handle.signal(CallWorkflow.report, self._end)
        return HangUp(requested=self.placed > 0)


@pytest.mark.parametrize(
    "at", [BEFORE, "place_call", "hang_up_call", "look_up_call", "end_call", WAITING]
)
async def test_a_call_is_hung_up_and_recorded(
    server: WorkflowEnvironment, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.call.HANG_UP_GRACE", timedelta(milliseconds=200))
    queue, hold, call = uuid.uuid4().hex, Hold(at), claimed()
    handle = await server.client.start_workflow(
        CallWorkflow.run, call, id=call.workflow_id, task_queue=queue, **SHORT_TASKS
    )
    if at == BEFORE:
        await handle.cancel()
    phone = Phone(handle, call, tells=at != "look_up_call")
    # The sandbox would load the module anew, with the grace that it has.
    runner = UnsandboxedWorkflowRunner()
    async with working(server, queue, hold, *phone.activities, runner=runner):
        if at in ("hang_up_call", "look_up_call"):
            await until(lambda: holds(phone.placed == 1))
            await handle.signal(CallWorkflow.hang_up)
        if at == "end_call":
            await until(lambda: holds(phone.placed == 1))
            await handle.signal(CallWorkflow.report, report(call, CallStatus.BUSY))
        await cancelled(hold, handle, lambda: timer_started(handle))
        result = await asyncio.wait_for(handle.result(), 30)
    # A task that a signal overtakes runs its local activity once more; the store ends a call once.
    assert {end.status for end in phone.ends} == {result.status}
    assert result.status is (CallStatus.BUSY if at == "end_call" else CallStatus.CANCELED)
    assert phone.placed <= 1


# --- a campaign ----------------------------------------------------------------------------------


async def _steer(handle: Handle, at: str) -> asyncio.Task[Any] | None:
    """The update that leads to an activity, for those that no campaign runs by itself."""
    recipients = (RecipientDraft(position=6, phone="+12025550123"),)
    updates: dict[str, tuple[Any, Any]] = {
        "set_campaign_state": (CampaignWorkflow.pause, PauseRequest()),
        "add_recipients": (CampaignWorkflow.add_recipients, AddRequest(recipients=recipients)),
        "hang_up_calls": (CampaignWorkflow.stop, StopRequest(hang_up=True)),
    }
    if at not in updates:
        return None
    update, request = updates[at]
    return asyncio.create_task(handle.execute_update(update, request))


@pytest.mark.parametrize(
    "at",
    [
        BEFORE,
        "enroll_recipients",
        "claim_calls",
        "set_campaign_state",
        "add_recipients",
        "hang_up_calls",
        "finish_campaign",
        WAITING,
    ],
)
async def test_a_campaign_is_stopped(server: WorkflowEnvironment, at: str) -> None:
    name, hold = f"c-{uuid.uuid4().hex[:8]}", Hold(at)
    roster = FakeRoster(name, 0 if at == "finish_campaign" else 6, 2)
    calls = AnsweringCalls(server, roster)
    calls.go_on.clear()
    handle: Handle = await server.client.start_workflow(
        CampaignWorkflow.run,
        CampaignInput(tenant="default", campaign=name, campaign_id=1, launch=1),
        id=names.campaign_workflow_id("default", name),
        task_queue=name,
        **SHORT_TASKS,
    )
    if at == BEFORE:
        await handle.cancel()
    parts = (*roster.activities, *calls.activities)
    async with working(server, name, hold, *parts):
        update = await _steer(handle, at)
        await cancelled(hold, handle, lambda: holds(calls.placed == 2))
        calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 20)
        if update is not None:  # a pause may have come too late
            await asyncio.gather(update, return_exceptions=True)
    # One that had nobody left may have finished before it was cancelled.
    assert result.state is roster.state
    assert result.state is CampaignState.STOPPED or at == "finish_campaign"
    assert all(row.done and row.live is None for row in roster.rows)
    assert calls.placed == sum(row.calls for row in roster.rows) <= 2


async def test_a_direct_campaign_closes_and_leaves_its_requests(
    server: WorkflowEnvironment,
) -> None:
    name, hold = f"c-{uuid.uuid4().hex[:8]}", Hold(WAITING)
    roster = FakeRoster(name, 3, 1)
    calls = AnsweringCalls(server, roster)
    calls.go_on.clear()
    handle = await server.client.start_workflow(
        CampaignWorkflow.run,
        CampaignInput(tenant="default", campaign=name, campaign_id=1, launch=1, direct=True),
        id=names.campaign_workflow_id("default", name),
        task_queue=name,
    )
    async with working(server, name, hold, *roster.activities, *calls.activities):
        await cancelled(hold, handle, lambda: holds(calls.placed == 1))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 10)
        assert await status_of(handle) is WorkflowExecutionStatus.CANCELED
        assert roster.state is CampaignState.RUNNING
        calls.go_on.set()
        await until(lambda: holds(roster.in_flight == 0))
    assert [row.done for row in roster.rows] == [True, False, False]


async def test_a_campaign_that_was_over_when_cancelled_ends(server: WorkflowEnvironment) -> None:
    """Stopping it is refused: its state may have been written by a task that was repeated."""
    name, hold = f"c-{uuid.uuid4().hex[:8]}", Hold(WAITING)
    roster = FakeRoster(name, 6, 2)
    calls = AnsweringCalls(server, roster)
    calls.go_on.clear()
    handle: Handle = await server.client.start_workflow(
        CampaignWorkflow.run,
        CampaignInput(tenant="default", campaign=name, campaign_id=1, launch=1),
        id=names.campaign_workflow_id("default", name),
        task_queue=name,
        **SHORT_TASKS,
    )
    async with working(server, name, hold, *roster.activities, *calls.activities):
        await until(lambda: holds(calls.placed == 2))
        roster.state = CampaignState.STOPPED
        for row in roster.rows:
            row.done = row.done or row.live is None
        await cancel_and_wait(handle)
        calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 20)
    assert result.state is CampaignState.STOPPED
    assert calls.placed == 2


@pytest.mark.parametrize("at", [BEFORE, "launch_campaign", "claim_calls", WAITING])
async def test_an_awaited_campaign_is_stopped(server: WorkflowEnvironment, at: str) -> None:
    name, hold = f"c-{uuid.uuid4().hex[:8]}", Hold(at)
    roster = FakeRoster(name, 6, 2)
    calls = AnsweringCalls(server, roster)
    calls.go_on.clear()
    launches = FakeLaunches(name)
    handle = await server.client.start_workflow(
        RunCampaignWorkflow.run,
        LaunchInput(tenant="default", definition="name: any"),
        id=f"run/{name}",
        task_queue=name,
        **SHORT_TASKS,
    )
    if at == BEFORE:
        await handle.cancel()
    parts = (*roster.activities, *calls.activities, launches.launch_campaign)
    async with working(server, name, hold, *parts):
        await cancelled(hold, handle, lambda: holds(calls.placed == 2))
        # The campaign learns of it later than whoever awaits it: until then calls must not end.
        await until(lambda: holds(roster.state is not CampaignState.RUNNING), timeout=20)
        calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 30)
    assert (result.state, roster.state) == (CampaignState.STOPPED, CampaignState.STOPPED)
    assert all(row.done and row.live is None for row in roster.rows)
    assert calls.placed == sum(row.calls for row in roster.rows) <= 2
