"""Callbacks run in order, are undone where a definition asks for it, and are done once at most."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest_asyncio
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from outdial.contracts.messages import CallbackRunInput, CallbackRunResult
from outdial.contracts.names import CALLBACK_QUEUE
from outdial.contracts.signatures.callback import (
    CallbackActivities,
    CallbackNote,
    CallbackPlan,
    CallbackRef,
    CallbackResult,
    CallbackRunEnd,
    CallbackRunPlan,
    CallbackRunRef,
)
from outdial.domain.call.callback_run import CallbackState
from outdial.domain.definition.callbacks import After, CallbackRetry
from tests.temporal import start_skipping
from workflows.callbacks import CallbackWorkflow
from workflows.registry import sandbox

SOON = CallbackRetry(max_attempts=3, delay=timedelta(milliseconds=100))


class FakeCallbacks(CallbackActivities):
    """Callbacks that end as a test says; every try is recorded."""

    def __init__(self, *callbacks: CallbackPlan, **outcomes: Any) -> None:
        self.plan = CallbackRunPlan(callbacks=callbacks)
        self.outcomes = outcomes
        """By kind: a CallbackState, or how many tries fail (99: all)."""
        self.tries: list[str] = []
        self.undone: list[str] = []
        self.notes: list[tuple[int, CallbackState]] = []
        self.ends: list[str | None] = []

    @activity.defn(name="read_callback_run")
    async def read_callback_run(self, run: CallbackRunRef) -> CallbackRunPlan:
        return self.plan

    @activity.defn(name="run_callback")
    async def run_callback(self, callback: CallbackRef) -> CallbackResult:
        kind = self._kind(callback)
        self.tries.append(kind)
        outcome = self.outcomes.get(kind, CallbackState.DONE)
        if isinstance(outcome, int):
            if self.tries.count(kind) <= outcome:
                raise ApplicationError("the endpoint answered 503", type="CallbackFailed")
            outcome = CallbackState.DONE
        return CallbackResult(state=outcome)

    @activity.defn(name="undo_callback")
    async def undo_callback(self, callback: CallbackRef) -> CallbackResult:
        self.undone.append(self._kind(callback))
        return CallbackResult(state=CallbackState.UNDONE)

    @activity.defn(name="note_callback")
    async def note_callback(self, note: CallbackNote) -> None:
        self.notes.append((note.position, note.state))

    @activity.defn(name="finish_callback_run")
    async def finish_callback_run(self, end: CallbackRunEnd) -> None:
        self.ends.append(end.error)

    def _kind(self, callback: CallbackRef) -> str:
        return next(each.kind for each in self.plan.callbacks if each.position == callback.position)


def plan(position: int, kind: str, **changes: Any) -> CallbackPlan:
    values: dict[str, Any] = {
        "position": position,
        "kind": kind,
        "state": CallbackState.PENDING,
        "retry": SOON,
    }
    return CallbackPlan(**(values | changes))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    """One that skips the seconds between two tries."""
    async with await start_skipping() as environment:
        yield environment


@asynccontextmanager
async def working(server: WorkflowEnvironment, callbacks: FakeCallbacks) -> AsyncIterator[str]:
    queue = uuid.uuid4().hex
    async with (
        Worker(
            server.client,
            task_queue=queue,
            workflows=[CallbackWorkflow],
            activities=[
                callbacks.read_callback_run,
                callbacks.note_callback,
                callbacks.finish_callback_run,
            ],
            workflow_runner=sandbox(),
        ),
        Worker(
            server.client,
            task_queue=CALLBACK_QUEUE,
            activities=[callbacks.run_callback, callbacks.undo_callback],
        ),
    ):
        yield queue


async def carried_out(server: WorkflowEnvironment, callbacks: FakeCallbacks) -> CallbackRunResult:
    async with working(server, callbacks) as queue:
        return await server.client.execute_workflow(
            CallbackWorkflow.run,
            CallbackRunInput(call_id="c1"),
            id=f"callbacks/{queue}/1",
            task_queue=queue,
        )


async def test_callbacks_run_in_order_each_with_its_own_retries(
    server: WorkflowEnvironment,
) -> None:
    callbacks = FakeCallbacks(plan(0, "book"), plan(1, "webhook"), plan(2, "email"), webhook=2)
    result = await carried_out(server, callbacks)
    assert callbacks.tries == ["book", "webhook", "webhook", "webhook", "email"]
    assert (result.done, result.failed) == (3, None)
    assert callbacks.ends == [None]


async def test_a_later_failure_undoes_what_asks_for_it_newest_first(
    server: WorkflowEnvironment,
) -> None:
    callbacks = FakeCallbacks(
        plan(0, "book", undo=True),
        plan(1, "confirm"),
        plan(2, "move", undo=True),
        plan(3, "webhook"),
        plan(4, "email"),
        webhook=99,
    )
    result = await carried_out(server, callbacks)
    assert callbacks.tries.count("webhook") == SOON.max_attempts
    assert callbacks.undone == ["move", "book"]
    assert "email" not in callbacks.tries
    assert result.failed == "webhook"
    assert callbacks.notes == [(3, CallbackState.FAILED)]
    assert callbacks.ends == ["callback 3 (webhook) failed"]


async def test_after_a_follow_up_only_those_for_it_run(server: WorkflowEnvironment) -> None:
    callbacks = FakeCallbacks(
        plan(0, "never", after=After.FOLLOW_UP),
        plan(1, "book"),
        plan(2, "thank"),
        plan(3, "tell_clinic", after=After.FOLLOW_UP),
        book=CallbackState.FOLLOW_UP,
    )
    result = await carried_out(server, callbacks)
    assert callbacks.tries == ["book", "tell_clinic"]
    assert callbacks.notes == [(0, CallbackState.SKIPPED), (2, CallbackState.SKIPPED)]
    assert (result.done, result.follow_ups) == (1, 1)


async def test_a_retry_leaves_out_what_is_done(server: WorkflowEnvironment) -> None:
    callbacks = FakeCallbacks(
        plan(0, "book", state=CallbackState.DONE, undo=True), plan(1, "webhook"), webhook=99
    )
    await carried_out(server, callbacks)
    assert "book" not in callbacks.tries
    assert callbacks.undone == ["book"]


class CrowdedCallbacks(FakeCallbacks):
    """Answers as a test says: `busy`, a failed try, or done; then done for ever."""

    def __init__(self, *callbacks: CallbackPlan, says: list[str]) -> None:
        super().__init__(*callbacks)
        self.says = says

    @activity.defn(name="run_callback")
    async def run_callback(self, callback: CallbackRef) -> CallbackResult:
        assert callback.may_wait
        says = self.says.pop(0)
        self.tries.append(says)
        if says == "busy":
            tries = activity.info().attempt - 1
            return CallbackResult(state=CallbackState.PENDING, busy=True, tries=tries)
        if says == "fail":
            raise ApplicationError("the endpoint answered 503", type="CallbackFailed")
        return CallbackResult(state=CallbackState.DONE)


async def test_a_busy_answer_is_no_failed_try(server: WorkflowEnvironment) -> None:
    says = ["fail", "busy", "fail", "done"]  # three real tries are allowed
    callbacks = CrowdedCallbacks(plan(0, "webhook"), says=list(says))
    result = await carried_out(server, callbacks)
    assert (result.done, result.failed) == (1, None)
    assert callbacks.tries == says


async def test_busy_answers_give_no_further_tries(server: WorkflowEnvironment) -> None:
    says = ["fail", "busy", "fail", "fail"]
    callbacks = CrowdedCallbacks(plan(0, "webhook"), says=list(says))
    result = await carried_out(server, callbacks)
    assert result.failed == "webhook"
    assert callbacks.tries == says
