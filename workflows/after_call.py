"""What follows a call elsewhere: its steps, in order, each as often as its definition says."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from outdial.contracts import names, options
    from outdial.contracts.messages import AfterCallInput, AfterCallResult
    from outdial.contracts.signatures.after_call import (
        AfterCallActivities,
        ChainEnd,
        ChainRef,
        StepNote,
        StepPlan,
        StepRef,
        StepResult,
    )
    from outdial.domain.call.chain import StepState
    from outdial.domain.definition.callbacks import After, StepRetry
    from workflows.cancellation import run_to_end

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=3), timedelta(minutes=5)
"""Between asks for a place while the tenant's are taken: doubled each time, for the history."""


@workflow.defn(name="AfterCallWorkflow")
class AfterCallWorkflow:
    """Holds no slot: the call is over, however long this takes."""

    @workflow.init
    def __init__(self, after: AfterCallInput) -> None:
        self._call_id = after.call_id
        self._follow_ups = 0
        self._done: list[StepPlan] = []
        self._cancelled = False
        self._try: asyncio.Task[StepResult] | None = None
        """The step under way: the only activity that a cancellation ends."""

    @workflow.run
    async def run(self, after: AfterCallInput) -> AfterCallResult:
        """Cancelled, it stops after the try that is under way, undoes what can be undone, writes
        that down, and closes as cancelled; it can be retried like one that failed."""
        result = await run_to_end(self._follow_up(after), self._on_cancel)
        if self._cancelled:
            raise asyncio.CancelledError
        return result

    def _on_cancel(self) -> None:
        self._cancelled = True
        if self._try is not None:
            self._try.cancel()

    async def _follow_up(self, after: AfterCallInput) -> AfterCallResult:
        plan = await workflow.execute_local_activity_method(
            AfterCallActivities.read_chain,
            ChainRef(call_id=after.call_id, run=after.run),
            summary="read the steps",
            **options.SHORT_WRITE,
        )
        failed: StepPlan | None = None
        for step in plan.steps:
            cut_short = self._cancelled and step.state is StepState.PENDING
            if cut_short or not await self._carry_out(step):
                failed = step
                break
        if failed is not None:
            await self._undo()
        await self._finish(after, failed)
        return AfterCallResult(
            call_id=after.call_id,
            done=len(self._done),
            follow_ups=self._follow_ups,
            failed=None if failed is None else failed.kind,
        )

    async def _carry_out(self, step: StepPlan) -> bool:
        """False when the step failed for good."""
        state = step.state
        if state is StepState.PENDING and (step.after is After.FOLLOW_UP) != bool(self._follow_ups):
            await self._note(step, StepState.SKIPPED, "what went before is not what it is for")
            return True
        if state is StepState.PENDING:
            workflow.set_current_details(f"step {step.position}: {step.kind}")
            try:
                result = await self._run(step)
            except ActivityError as error:
                await self._note(step, StepState.FAILED, _why(error))
                return False
            if result.busy:
                await self._note(step, StepState.FAILED, "cancelled before its turn came")
                return False
            state = result.state
        if state is StepState.DONE:
            self._done.append(step)
        elif state is StepState.FOLLOW_UP:
            self._follow_ups += 1
        return True

    async def _run(self, step: StepPlan) -> StepResult:
        """Busy only when it was cancelled while the tenant's places were taken."""
        retry, wait = step.retry, FIRST_WAIT
        while True:
            self._try = workflow.start_activity_method(
                AfterCallActivities.run_step,
                self._ref(step),
                task_queue=names.AFTER_QUEUE,
                summary=f"{step.position}: {step.kind}",
                # Only its own answer tells whether it was done.
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                **options.step(retry),
            )
            try:
                result = await self._try
            finally:
                self._try = None
            if not result.busy or self._cancelled:
                return result
            try:
                await workflow.wait_condition(lambda: self._cancelled, timeout=wait)
            except TimeoutError:
                retry, wait = _left_of(retry, result.tries), min(2 * wait, LONGEST_WAIT)
            else:
                return result

    async def _undo_step(self, step: StepPlan) -> None:
        retry, wait = step.retry, FIRST_WAIT
        while True:
            result = await workflow.execute_activity_method(
                AfterCallActivities.undo_step,
                self._ref(step),
                task_queue=names.AFTER_QUEUE,
                summary=f"undo {step.position}: {step.kind}",
                **options.step(retry),
            )
            if not result.busy:
                return
            await workflow.sleep(wait)
            retry, wait = _left_of(retry, result.tries), min(2 * wait, LONGEST_WAIT)

    async def _undo(self) -> None:
        """Newest first; what cannot be undone is noted, and does not keep the others."""
        for step in reversed(self._done):
            if not step.undo:
                continue
            try:
                await self._undo_step(step)
            except ActivityError as error:
                await self._note(step, StepState.DONE, f"could not be undone: {_why(error)}")

    async def _note(self, step: StepPlan, state: StepState, text: str) -> None:
        await workflow.execute_local_activity_method(
            AfterCallActivities.note_step,
            StepNote(call_id=self._call_id, position=step.position, state=state, note=text),
            summary=f"{step.position}: {step.kind} is {state}",
            **options.SHORT_WRITE,
        )

    async def _finish(self, after: AfterCallInput, failed: StepPlan | None) -> None:
        error = None if failed is None else f"step {failed.position} ({failed.kind}) failed"
        if failed is not None and self._cancelled:
            error = f"cancelled at step {failed.position} ({failed.kind})"
        workflow.set_current_details(error or "done")
        await workflow.execute_local_activity_method(
            AfterCallActivities.finish_chain,
            ChainEnd(call_id=after.call_id, run=after.run, error=error),
            summary="write down how it ended",
            **options.SHORT_WRITE,
        )

    def _ref(self, step: StepPlan) -> StepRef:
        timeout = step.retry.timeout
        return StepRef(
            call_id=self._call_id, position=step.position, timeout=timeout, may_wait=True
        )


def _left_of(retry: StepRetry, tries: int) -> StepRetry:
    """What a policy allows after so many failed tries; a busy answer was none."""
    if not tries:
        return retry
    delay = min(retry.delay * 2 ** min(tries, 20), max(retry.longest, retry.delay))
    left = max(1, retry.max_attempts - tries)
    return retry.model_copy(update={"delay": delay, "max_attempts": left})


def _why(error: ActivityError) -> str:
    cause = error.cause
    if isinstance(cause, CancelledError):
        return "cancelled; it may have arrived"
    return cause.message if isinstance(cause, ApplicationError) else str(cause or error)
