"""Callbacks, deliveries and sweeps, cancelled at each of their activities and waits."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from outdial.contracts.messages import CallbackRunInput
from outdial.contracts.signatures.delivery import EndpointRef
from outdial.contracts.signatures.sweep import SweepActivities, Swept
from outdial.domain.call.callback_run import CallbackState
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
from tests.workflows.holding import Hold
from tests.workflows.test_callbacks import FakeCallbacks, plan
from tests.workflows.test_delivery import LATER, FakeOutbox
from workflows.callbacks import CallbackWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.sweep import SweepWorkflow

# --- callbacks -----------------------------------------------------------------------------------


class Planned(FakeCallbacks):
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
    "at",
    [
        BEFORE,
        "read_callback_run",
        "run_callback",
        "note_callback",
        "undo_callback",
        "finish_callback_run",
    ],
)
async def test_callbacks_stop_and_are_undone(server: WorkflowEnvironment, at: str) -> None:
    queue, hold = uuid.uuid4().hex, Hold(at)
    callbacks = Planned(fails=at == "undo_callback")
    handle = await server.client.start_workflow(
        CallbackWorkflow.run,
        CallbackRunInput(call_id="c1"),
        id=f"callbacks/{queue}/1",
        task_queue=queue,
        **SHORT_TASKS,
    )
    if at == BEFORE:
        await handle.cancel()
    parts = (
        callbacks.read_callback_run,
        callbacks.run_callback,
        callbacks.undo_callback,
        callbacks.note_callback,
        callbacks.finish_callback_run,
    )
    async with working(server, queue, hold, *parts):
        await cancelled(hold, handle, lambda: holds(False))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 20)
        assert await status_of(handle) is WorkflowExecutionStatus.CANCELED
    [end] = callbacks.ends
    if at == "finish_callback_run":
        assert end is None, "it was done when it was cancelled"
        assert callbacks.tries == ["book", "webhook", "email"]
        return
    assert end is not None
    assert "email" not in callbacks.tries
    assert callbacks.undone == ["book"] * callbacks.tries.count("book")


async def test_a_callback_is_not_tried_again_after_a_cancellation(
    server: WorkflowEnvironment,
) -> None:
    class Broken(FakeCallbacks):
        @activity.defn(name="run_callback")
        async def run_callback(self, callback: Any) -> Any:
            self.tries.append("webhook")
            raise ApplicationError(
                "503", type="CallbackFailed", next_retry_delay=timedelta(hours=1)
            )

    queue, hold = uuid.uuid4().hex, Hold(WAITING)
    callbacks = Broken(plan(0, "webhook"))
    handle = await server.client.start_workflow(
        CallbackWorkflow.run,
        CallbackRunInput(call_id="c1"),
        id=f"callbacks/{queue}/1",
        task_queue=queue,
    )
    parts = (
        callbacks.read_callback_run,
        callbacks.run_callback,
        callbacks.undo_callback,
        callbacks.note_callback,
        callbacks.finish_callback_run,
    )
    async with working(server, queue, hold, *parts):
        await cancelled(hold, handle, lambda: holds(len(callbacks.tries) == 1))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 20)
    assert callbacks.notes == [(0, CallbackState.FAILED)]
    assert callbacks.ends == ["cancelled at callback 0 (webhook)"]


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
        await cancelled(hold, handle, lambda: holds(False))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 10)
        assert await status_of(handle) is WorkflowExecutionStatus.CANCELED
    assert set(sweeps.swept) <= set(SWEEPS[: SWEEPS.index(at) + 1])
