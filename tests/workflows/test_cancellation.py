"""Every workflow, cancelled at each of its activities and waits: it ends, what it did is written
down, and nobody is called afterwards.

Cancelling while an activity runs arrives as an ActivityError that was caused by it, not as a
CancelledError; the activity itself goes on.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.signatures.call import HangUp, HangUpInput, LookUp
from activities.signatures.delivery import EndpointRef
from activities.signatures.launch import LaunchInput
from activities.signatures.request import (
    RequestActivities,
    Requested,
    RequestInput,
    RequestRef,
    RequestState,
)
from activities.signatures.sweep import SweepActivities, Swept
from domain.call import CallStatus
from domain.chain import StepState
from domain.claim import CampaignState, ClaimedCall
from domain.definition import Agent
from domain.plan import CallRequest
from domain.roster import RecipientDraft
from tests.waiting import until
from tests.workflows.fakes import FakeCalls
from tests.workflows.holding import Handle, Hold, cancel_seen
from tests.workflows.roster import FakeRoster
from tests.workflows.test_after_call import FakeSteps, plan
from tests.workflows.test_call import claimed, report
from tests.workflows.test_campaign import AnsweringCalls
from tests.workflows.test_delivery import LATER, FakeOutbox
from tests.workflows.test_run_campaign import FakeLaunches
from workflows import names
from workflows.after_call import AfterCallWorkflow
from workflows.call import CallWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.messages import (
    AddRequest,
    AfterCallInput,
    CampaignInput,
    PauseRequest,
    RequestCallInput,
    StopRequest,
)
from workflows.registry import sandbox
from workflows.request import RequestCallWorkflow
from workflows.run_campaign import RunCampaignWorkflow
from workflows.sweep import SweepWorkflow

BEFORE = "before its first task"
WAITING = "while it waits"
SHORT_TASKS: dict[str, Any] = {"task_timeout": timedelta(seconds=1)}
"""A task that waits for a local activity hears of a cancellation no later than that."""
OTHER_QUEUES = (names.CALL_QUEUE, names.DELIVERY_QUEUE, names.AFTER_QUEUE)


@asynccontextmanager
async def working(
    server: WorkflowEnvironment,
    queue: str,
    hold: Hold,
    *activities: Callable[..., Any],
    runner: WorkflowRunner | None = None,
) -> AsyncIterator[None]:
    """All workflows, and these activities on every queue."""
    workflows = [
        CampaignWorkflow,
        CallWorkflow,
        RequestCallWorkflow,
        AfterCallWorkflow,
        DeliveryWorkflow,
        SweepWorkflow,
        RunCampaignWorkflow,
    ]
    async with Worker(
        server.client,
        task_queue=queue,
        workflows=workflows,
        activities=list(activities),
        workflow_runner=runner or sandbox(),
        interceptors=[hold],
    ):
        workers = [
            Worker(
                server.client, task_queue=other, activities=list(activities), interceptors=[hold]
            )
            for other in OTHER_QUEUES
        ]
        async with workers[0], workers[1], workers[2]:
            yield


async def status_of(handle: Handle) -> WorkflowExecutionStatus | None:
    return (await handle.describe()).status


async def timer_started(handle: Handle) -> bool:
    events = (await handle.fetch_history()).events
    return any(event.HasField("timer_started_event_attributes") for event in events)


async def cancelled(hold: Hold, handle: Handle, waits: Callable[[], Awaitable[bool]]) -> None:
    """Cancel it where the case says; `waits` tells that it waits."""
    if hold.at == WAITING:
        await until(waits)
        await cancel_seen(handle)
    elif hold.at != BEFORE:
        await hold.cancel(handle)


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
    asked = RequestCallInput(
        tenant="default", request=CallRequest(to="+12025550123", agent=Agent(id="a"))
    )
    handle = await server.client.start_workflow(
        RequestCallWorkflow.run, asked, id=f"request/{queue}", task_queue=queue
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
        self.lookups = [LookUp(found=True, reports=(self._end,))]

    @activity.defn(name="hang_up_call")
    async def hang_up_call(self, hang_up: HangUpInput) -> HangUp:
        self.hung_up += 1
        if self.placed and self._tells:
            await self._handle.signal(CallWorkflow.report, self._end)
        return HangUp(asked=self.placed > 0)


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
            await until(lambda: _holds(phone.placed == 1))
            await handle.signal(CallWorkflow.hang_up)
        if at == "end_call":
            await until(lambda: _holds(phone.placed == 1))
            await handle.signal(CallWorkflow.report, report(call, CallStatus.BUSY))
        await cancelled(hold, handle, lambda: timer_started(handle))
        result = await asyncio.wait_for(handle.result(), 30)
    # A task that a signal overtakes runs its local activity once more; the store ends a call once.
    assert {end.status for end in phone.ends} == {result.status}
    assert result.status is (CallStatus.BUSY if at == "end_call" else CallStatus.CANCELED)
    assert phone.placed <= 1


async def _holds(truth: bool) -> bool:
    return truth


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
        await cancelled(hold, handle, lambda: _holds(calls.placed == 2))
        calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 20)
        if update is not None:  # a pause may have come too late
            await asyncio.gather(update, return_exceptions=True)
    # One that had nobody left may have finished before it was cancelled.
    assert result.state is roster.state
    assert result.state is CampaignState.STOPPED or at == "finish_campaign"
    assert all(row.done and row.live is None for row in roster.rows)
    assert calls.placed == sum(row.calls for row in roster.rows) <= 2


async def test_a_standing_campaign_closes_and_leaves_its_requests(
    server: WorkflowEnvironment,
) -> None:
    name, hold = f"c-{uuid.uuid4().hex[:8]}", Hold(WAITING)
    roster = FakeRoster(name, 3, 1)
    calls = AnsweringCalls(server, roster)
    calls.go_on.clear()
    handle = await server.client.start_workflow(
        CampaignWorkflow.run,
        CampaignInput(tenant="default", campaign=name, campaign_id=1, launch=1, standing=True),
        id=names.campaign_workflow_id("default", name),
        task_queue=name,
    )
    async with working(server, name, hold, *roster.activities, *calls.activities):
        await cancelled(hold, handle, lambda: _holds(calls.placed == 1))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 10)
        assert await status_of(handle) is WorkflowExecutionStatus.CANCELED
        assert roster.state is CampaignState.RUNNING
        calls.go_on.set()
        await until(lambda: _holds(roster.in_flight == 0))
    assert [row.done for row in roster.rows] == [True, False, False]


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
        await cancelled(hold, handle, lambda: _holds(calls.placed == 2))
        calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 30)
    assert (result.state, roster.state) == (CampaignState.STOPPED, CampaignState.STOPPED)
    assert all(row.done and row.live is None for row in roster.rows)
    assert calls.placed == sum(row.calls for row in roster.rows) <= 2


# --- what follows a call -------------------------------------------------------------------------


class Chain(FakeSteps):
    """A booking, a reminder that is left out, an endpoint, a mail."""

    def __init__(self, *, fails: bool) -> None:
        outcomes = {"webhook": 99} if fails else {}
        super().__init__(
            plan(0, "book", undo=True),
            plan(1, "remind", after="follow_up"),
            plan(2, "webhook"),
            plan(3, "email"),
            **outcomes,
        )


@pytest.mark.parametrize(
    "at", [BEFORE, "read_chain", "run_step", "note_step", "undo_step", "finish_chain"]
)
async def test_callbacks_stop_and_are_undone(server: WorkflowEnvironment, at: str) -> None:
    queue, hold = uuid.uuid4().hex, Hold(at)
    steps = Chain(fails=at == "undo_step")
    handle = await server.client.start_workflow(
        AfterCallWorkflow.run,
        AfterCallInput(call_id="c1"),
        id=f"after/{queue}/1",
        task_queue=queue,
        **SHORT_TASKS,
    )
    if at == BEFORE:
        await handle.cancel()
    parts = (steps.read_chain, steps.run_step, steps.undo_step, steps.note_step, steps.finish_chain)
    async with working(server, queue, hold, *parts):
        await cancelled(hold, handle, lambda: _holds(False))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 20)
        assert await status_of(handle) is WorkflowExecutionStatus.CANCELED
    [end] = steps.ends
    if at == "finish_chain":
        assert end is None, "it was done when it was cancelled"
        assert steps.tries == ["book", "webhook", "email"]
        return
    assert end is not None
    assert "email" not in steps.tries
    assert steps.undone == ["book"] * steps.tries.count("book")


async def test_a_step_that_is_tried_again_and_again_is_not_tried_after_a_cancellation(
    server: WorkflowEnvironment,
) -> None:
    class Broken(FakeSteps):
        @activity.defn(name="run_step")
        async def run_step(self, step: Any) -> Any:
            self.tries.append("webhook")
            raise ApplicationError("503", type="StepFailed", next_retry_delay=timedelta(hours=1))

    queue, hold = uuid.uuid4().hex, Hold(WAITING)
    steps = Broken(plan(0, "webhook"))
    handle = await server.client.start_workflow(
        AfterCallWorkflow.run, AfterCallInput(call_id="c1"), id=f"after/{queue}/1", task_queue=queue
    )
    parts = (steps.read_chain, steps.run_step, steps.undo_step, steps.note_step, steps.finish_chain)
    async with working(server, queue, hold, *parts):
        await cancelled(hold, handle, lambda: _holds(len(steps.tries) == 1))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 20)
    assert steps.notes == [(0, StepState.FAILED)]
    assert steps.ends == ["cancelled at step 0 (webhook)"]


# --- deliveries and sweeps -----------------------------------------------------------------------


@pytest.mark.parametrize("at", [BEFORE, "drain_endpoint", WAITING])
async def test_a_drain_ends_with_what_is_under_way(server: WorkflowEnvironment, at: str) -> None:
    queue, hold, outbox = uuid.uuid4().hex, Hold(at), FakeOutbox(LATER)
    handle = await server.client.start_workflow(
        DeliveryWorkflow.run,
        EndpointRef(tenant="default", endpoint_id="ep_1"),
        id=f"delivery/{queue}",
        task_queue=queue,
    )
    if at == BEFORE:
        await handle.cancel()
    async with working(server, queue, hold, outbox.drain_endpoint):
        await cancelled(hold, handle, lambda: timer_started(handle))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 10)
        assert await status_of(handle) is WorkflowExecutionStatus.CANCELED
    assert outbox.drains <= 1


class Sweepers(SweepActivities):
    def __init__(self) -> None:
        self.swept: list[str] = []

    def _note(self, name: str) -> Swept:
        self.swept.append(name)
        return Swept()

    @activity.defn(name="sweep_events")
    async def sweep_events(self) -> Swept:
        return self._note("sweep_events")

    @activity.defn(name="sweep_leases")
    async def sweep_leases(self) -> Swept:
        return self._note("sweep_leases")

    @activity.defn(name="sweep_campaigns")
    async def sweep_campaigns(self) -> Swept:
        return self._note("sweep_campaigns")

    @activity.defn(name="sweep_requests")
    async def sweep_requests(self) -> Swept:
        return self._note("sweep_requests")


SWEEPS = ("sweep_events", "sweep_leases", "sweep_campaigns", "sweep_requests")


@pytest.mark.parametrize("at", SWEEPS)
async def test_a_sweep_begins_nothing_more(server: WorkflowEnvironment, at: str) -> None:
    queue, hold, sweeps = uuid.uuid4().hex, Hold(at), Sweepers()
    handle = await server.client.start_workflow(
        SweepWorkflow.run, id=f"sweep/{queue}", task_queue=queue
    )
    parts = [getattr(sweeps, name) for name in SWEEPS]
    async with working(server, queue, hold, *parts):
        await cancelled(hold, handle, lambda: _holds(False))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 10)
        assert await status_of(handle) is WorkflowExecutionStatus.CANCELED
    assert set(sweeps.swept) <= set(SWEEPS[: SWEEPS.index(at) + 1])
