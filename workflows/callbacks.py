"""Carries out the callbacks of one call, in order, each with its own retries."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from outdial.contracts import names, options
    from outdial.contracts.messages import CallbackRunInput, CallbackRunResult
    from outdial.contracts.signatures.callback import (
        CallbackActivities,
        CallbackNote,
        CallbackPlan,
        CallbackRef,
        CallbackResult,
        CallbackRunEnd,
        CallbackRunRef,
    )
    from outdial.domain.call.callback_run import CallbackState
    from outdial.domain.definition.callbacks import After, CallbackRetry
    from workflows.cancellation import run_to_end

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=3), timedelta(minutes=5)
"""Between tries while the tenant's share is taken; doubled each time, to keep the history short."""

_SKIPPED = {
    After.DONE: "a callback before it needs a person",
    After.FOLLOW_UP: "no callback before it needs a person",
}


@workflow.defn(name="CallbackWorkflow")
class CallbackWorkflow:
    """Runs after the call, and holds no lease, however long it takes."""

    @workflow.init
    def __init__(self, callbacks: CallbackRunInput) -> None:
        self._call_id = callbacks.call_id
        self._follow_ups = 0
        self._done: list[CallbackPlan] = []
        self._cancelled = False
        self._try: asyncio.Task[CallbackResult] | None = None
        """The callback that runs now: the only activity that a cancellation cancels."""

    @workflow.run
    async def run(self, callbacks: CallbackRunInput) -> CallbackRunResult:
        """Cancelled, it stops after the current try, undoes what can be undone, records that, and
        closes as cancelled; it can be retried like one that failed."""
        result = await run_to_end(self._carry_out_all(callbacks), self._on_cancel)
        if self._cancelled:
            raise asyncio.CancelledError
        return result

    def _on_cancel(self) -> None:
        self._cancelled = True
        if self._try is not None:
            self._try.cancel()

    async def _carry_out_all(self, callbacks: CallbackRunInput) -> CallbackRunResult:
        plan = await workflow.execute_local_activity_method(
            CallbackActivities.read_callback_run,
            CallbackRunRef(call_id=callbacks.call_id, run=callbacks.run),
            summary="read the callbacks",
            **options.SHORT_WRITE,
        )
        failed: CallbackPlan | None = None
        for callback in plan.callbacks:
            cut_short = self._cancelled and callback.state is CallbackState.PENDING
            if cut_short or not await self._carry_out(callback):
                failed = callback
                break
        if failed is not None:
            await self._undo()
        await self._finish(callbacks, failed)
        return CallbackRunResult(
            call_id=callbacks.call_id,
            done=len(self._done),
            follow_ups=self._follow_ups,
            failed=None if failed is None else failed.kind,
        )

    async def _carry_out(self, callback: CallbackPlan) -> bool:
        """Run one callback with its retries; False when it failed for good."""
        state = callback.state
        if state is CallbackState.PENDING and callback.after is not self._after:
            await self._note(callback, CallbackState.SKIPPED, _SKIPPED[callback.after])
            return True
        if state is CallbackState.PENDING:
            workflow.set_current_details(f"callback {callback.position}: {callback.kind}")
            try:
                result = await self._run(callback)
            except ActivityError as error:
                await self._note(callback, CallbackState.FAILED, _reason_of(error))
                return False
            if result.busy:
                waiting = "cancelled while it waited for the tenant's share"
                await self._note(callback, CallbackState.FAILED, waiting)
                return False
            state = result.state
        if state is CallbackState.DONE:
            self._done.append(callback)
        elif state is CallbackState.FOLLOW_UP:
            self._follow_ups += 1
        return True

    @property
    def _after(self) -> After:
        """The result of the callbacks so far, which selects those that run next."""
        return After.FOLLOW_UP if self._follow_ups else After.DONE

    async def _run(self, callback: CallbackPlan) -> CallbackResult:
        """Run one callback. The result is `busy` only if the run was cancelled while it waited for
        the tenant's share."""
        retry, wait = callback.retry, FIRST_WAIT
        while True:
            self._try = workflow.start_activity_method(
                CallbackActivities.run_callback,
                self._ref(callback),
                task_queue=names.CALLBACK_QUEUE,
                summary=f"{callback.position}: {callback.kind}",
                # Only the activity itself knows whether it was done.
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                **options.callback(retry),
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

    async def _undo_one(self, callback: CallbackPlan) -> None:
        retry, wait = callback.retry, FIRST_WAIT
        while True:
            result = await workflow.execute_activity_method(
                CallbackActivities.undo_callback,
                self._ref(callback),
                task_queue=names.CALLBACK_QUEUE,
                summary=f"undo {callback.position}: {callback.kind}",
                **options.callback(retry),
            )
            if not result.busy:
                return
            await workflow.sleep(wait)
            retry, wait = _left_of(retry, result.tries), min(2 * wait, LONGEST_WAIT)

    async def _undo(self) -> None:
        """Undo what was done, newest first; failures are recorded, and do not stop the others."""
        for callback in reversed(self._done):
            if not callback.undo:
                continue
            try:
                await self._undo_one(callback)
            except ActivityError as error:
                await self._note(
                    callback, CallbackState.DONE, f"could not be undone: {_reason_of(error)}"
                )

    async def _note(self, callback: CallbackPlan, state: CallbackState, text: str) -> None:
        await workflow.execute_local_activity_method(
            CallbackActivities.note_callback,
            CallbackNote(call_id=self._call_id, position=callback.position, state=state, note=text),
            summary=f"{callback.position}: {callback.kind} is {state}",
            **options.SHORT_WRITE,
        )

    async def _finish(self, callbacks: CallbackRunInput, failed: CallbackPlan | None) -> None:
        error = None if failed is None else f"callback {failed.position} ({failed.kind}) failed"
        if failed is not None and self._cancelled:
            error = f"cancelled at callback {failed.position} ({failed.kind})"
        workflow.set_current_details(error or "done")
        await workflow.execute_local_activity_method(
            CallbackActivities.finish_callback_run,
            CallbackRunEnd(call_id=callbacks.call_id, run=callbacks.run, error=error),
            summary="record the end",
            **options.SHORT_WRITE,
        )

    def _ref(self, callback: CallbackPlan) -> CallbackRef:
        timeout = callback.retry.timeout
        return CallbackRef(
            call_id=self._call_id, position=callback.position, timeout=timeout, may_wait=True
        )


def _left_of(retry: CallbackRetry, tries: int) -> CallbackRetry:
    """The retry policy for the tries that are left; `busy` results do not count as tries."""
    if not tries:
        return retry
    delay = min(retry.delay * 2 ** min(tries, 20), max(retry.longest, retry.delay))
    left = max(1, retry.max_attempts - tries)
    return retry.model_copy(update={"delay": delay, "max_attempts": left})


def _reason_of(error: ActivityError) -> str:
    cause = error.cause
    if isinstance(cause, CancelledError):
        return "cancelled; it may have arrived"
    return cause.message if isinstance(cause, ApplicationError) else str(cause or error)
