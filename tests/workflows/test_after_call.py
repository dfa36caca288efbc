"""Steps in order, undone where a definition asks for it, and never more than once done."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from outdial.contracts.messages import AfterCallInput, AfterCallResult
from outdial.contracts.names import AFTER_QUEUE
from outdial.contracts.signatures.after_call import (
    AfterCallActivities,
    ChainEnd,
    ChainPlan,
    ChainRef,
    StepNote,
    StepPlan,
    StepRef,
    StepResult,
)
from outdial.domain.call.chain import StepState
from outdial.domain.definition.callbacks import After, StepRetry
from workflows.after_call import AfterCallWorkflow
from workflows.registry import sandbox

SOON = StepRetry(max_attempts=3, delay=timedelta(milliseconds=100))


class FakeSteps(AfterCallActivities):
    """Steps that end as a test says; every try is written down."""

    def __init__(self, *steps: StepPlan, **outcomes: Any) -> None:
        self.plan = ChainPlan(steps=steps)
        self.outcomes = outcomes
        """By kind: a StepState, or how many tries fail (99: all)."""
        self.tries: list[str] = []
        self.undone: list[str] = []
        self.notes: list[tuple[int, StepState]] = []
        self.ends: list[str | None] = []

    @activity.defn(name="read_chain")
    async def read_chain(self, chain: ChainRef) -> ChainPlan:
        return self.plan

    @activity.defn(name="run_step")
    async def run_step(self, step: StepRef) -> StepResult:
        kind = self._kind(step)
        self.tries.append(kind)
        outcome = self.outcomes.get(kind, StepState.DONE)
        if isinstance(outcome, int):
            if self.tries.count(kind) <= outcome:
                raise ApplicationError("the endpoint answered 503", type="StepFailed")
            outcome = StepState.DONE
        return StepResult(state=outcome)

    @activity.defn(name="undo_step")
    async def undo_step(self, step: StepRef) -> StepResult:
        self.undone.append(self._kind(step))
        return StepResult(state=StepState.UNDONE)

    @activity.defn(name="note_step")
    async def note_step(self, note: StepNote) -> None:
        self.notes.append((note.position, note.state))

    @activity.defn(name="finish_chain")
    async def finish_chain(self, end: ChainEnd) -> None:
        self.ends.append(end.error)

    def _kind(self, step: StepRef) -> str:
        return next(each.kind for each in self.plan.steps if each.position == step.position)


def plan(position: int, kind: str, **changes: Any) -> StepPlan:
    values: dict[str, Any] = {
        "position": position,
        "kind": kind,
        "state": StepState.PENDING,
        "retry": SOON,
    }
    return StepPlan(**(values | changes))


@asynccontextmanager
async def working(server: WorkflowEnvironment, steps: FakeSteps) -> AsyncIterator[str]:
    queue = uuid.uuid4().hex
    async with (
        Worker(
            server.client,
            task_queue=queue,
            workflows=[AfterCallWorkflow],
            activities=[steps.read_chain, steps.note_step, steps.finish_chain],
            workflow_runner=sandbox(),
        ),
        Worker(server.client, task_queue=AFTER_QUEUE, activities=[steps.run_step, steps.undo_step]),
    ):
        yield queue


async def carried_out(server: WorkflowEnvironment, steps: FakeSteps) -> AfterCallResult:
    async with working(server, steps) as queue:
        return await server.client.execute_workflow(
            AfterCallWorkflow.run,
            AfterCallInput(call_id="c1"),
            id=f"after/{queue}/1",
            task_queue=queue,
        )


async def test_steps_run_in_order_each_tried_as_often_as_it_says(
    server: WorkflowEnvironment,
) -> None:
    steps = FakeSteps(plan(0, "book"), plan(1, "webhook"), plan(2, "email"), webhook=2)
    result = await carried_out(server, steps)
    assert steps.tries == ["book", "webhook", "webhook", "webhook", "email"]
    assert (result.done, result.failed) == (3, None)
    assert steps.ends == [None]


async def test_a_later_failure_undoes_what_asks_for_it_newest_first(
    server: WorkflowEnvironment,
) -> None:
    steps = FakeSteps(
        plan(0, "book", undo=True),
        plan(1, "confirm"),
        plan(2, "move", undo=True),
        plan(3, "webhook"),
        plan(4, "email"),
        webhook=99,
    )
    result = await carried_out(server, steps)
    assert steps.tries.count("webhook") == SOON.max_attempts
    assert steps.undone == ["move", "book"]
    assert "email" not in steps.tries
    assert result.failed == "webhook"
    assert steps.notes == [(3, StepState.FAILED)]
    assert steps.ends == ["step 3 (webhook) failed"]


async def test_after_a_follow_up_only_those_for_it_run(server: WorkflowEnvironment) -> None:
    steps = FakeSteps(
        plan(0, "never", after=After.FOLLOW_UP),
        plan(1, "book"),
        plan(2, "thank"),
        plan(3, "tell_clinic", after=After.FOLLOW_UP),
        book=StepState.FOLLOW_UP,
    )
    result = await carried_out(server, steps)
    assert steps.tries == ["book", "tell_clinic"]
    assert steps.notes == [(0, StepState.SKIPPED), (2, StepState.SKIPPED)]
    assert (result.done, result.follow_ups) == (1, 1)


async def test_a_replay_leaves_out_what_is_done(server: WorkflowEnvironment) -> None:
    steps = FakeSteps(
        plan(0, "book", state=StepState.DONE, undo=True), plan(1, "webhook"), webhook=99
    )
    await carried_out(server, steps)
    assert "book" not in steps.tries
    assert steps.undone == ["book"]


class CrowdedSteps(FakeSteps):
    """Answers as a test says: `busy`, a failed try, or done; then done for ever."""

    def __init__(self, *steps: StepPlan, says: list[str]) -> None:
        super().__init__(*steps)
        self.says = says

    @activity.defn(name="run_step")
    async def run_step(self, step: StepRef) -> StepResult:
        assert step.may_wait
        says = self.says.pop(0)
        self.tries.append(says)
        if says == "busy":
            tries = activity.info().attempt - 1
            return StepResult(state=StepState.PENDING, busy=True, tries=tries)
        if says == "fail":
            raise ApplicationError("the endpoint answered 503", type="StepFailed")
        return StepResult(state=StepState.DONE)


async def test_a_busy_answer_is_no_failed_try(server: WorkflowEnvironment) -> None:
    says = ["fail", "busy", "fail", "done"]  # three real tries are allowed
    steps = CrowdedSteps(plan(0, "webhook"), says=list(says))
    result = await carried_out(server, steps)
    assert (result.done, result.failed) == (1, None)
    assert steps.tries == says


async def test_busy_answers_give_no_further_tries(server: WorkflowEnvironment) -> None:
    says = ["fail", "busy", "fail", "fail"]
    steps = CrowdedSteps(plan(0, "webhook"), says=list(says))
    result = await carried_out(server, steps)
    assert result.failed == "webhook"
    assert steps.tries == says
