"""RequestCallWorkflow: a call that another service requests, and whose outcome it awaits."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from outdial.contracts import options
    from outdial.contracts.messages import RequestCallInput, RequestResult
    from outdial.contracts.signatures.request import (
        RequestActivities,
        RequestInput,
        RequestRef,
        RequestState,
    )
    from workflows.bounds import MAX_INPUT_BYTES, require_size, size_of

FIRST_CHECK = timedelta(minutes=1)
LONGEST_CHECK = timedelta(hours=1)
"""A settled request is signalled; looking now and then covers a signal lost in a crash."""


# Input that cannot be read fails the run, instead of being tried for ever.
@workflow.defn(name="RequestCallWorkflow", failure_exception_types=[ValidationError])
class RequestCallWorkflow:
    """Puts a row on the direct campaign's roster and returns its final outcome."""

    @workflow.init
    def __init__(self, request: RequestCallInput) -> None:
        self._input = request
        self._settled = False
        self._state = RequestState(done=False, waiting_for="its turn")

    @workflow.run
    async def run(self, request: RequestCallInput) -> RequestResult:
        """Cancelled, it takes the request back; a call that rings or talks is hung up."""
        if size_of(request) > MAX_INPUT_BYTES and workflow.patched("bounded-input"):
            require_size(request, MAX_INPUT_BYTES)
        row: RequestRef | None = None
        try:
            row = await self._enroll(withdrawn=False)
            await self._await_end(row)
        except (asyncio.CancelledError, ActivityError) as error:
            # Cancelling while an activity runs arrives as an ActivityError that it caused.
            if not is_cancelled_exception(error):
                raise
            row = await self._withdraw(row)
            await self._await_end(row)
        return _result(self._state)

    async def _enroll(self, *, withdrawn: bool) -> RequestRef:
        requested = await workflow.execute_activity_method(
            RequestActivities.enroll_request,
            RequestInput(
                tenant=self._input.tenant,
                key=self._input.key or workflow.info().workflow_id,
                request=self._input.request,
                workflow_id=workflow.info().workflow_id,
                withdrawn=withdrawn,
            ),
            summary="take it off the roster, or keep it off"
            if withdrawn
            else "put it on the roster",
            **options.READ,
        )
        return RequestRef(tenant=self._input.tenant, recipient_id=requested.recipient_id)

    async def _withdraw(self, row: RequestRef | None) -> RequestRef:
        if row is None:
            # It may be on the roster by now, or come there later: an execution that the
            # cancellation gave up on may still be running. Entered as withdrawn, it finds that.
            return await self._enroll(withdrawn=True)
        self._state = await workflow.execute_activity_method(
            RequestActivities.withdraw_request, row, summary="withdraw it", **options.READ
        )
        return row

    @workflow.signal(description="The request has its final outcome")
    def settled(self) -> None:
        self._settled = True

    @workflow.query(description="The state of the request")
    def state(self) -> RequestState:
        return self._state

    async def _await_end(self, row: RequestRef) -> None:
        check = FIRST_CHECK
        while not self._state.done:
            self._settled = False
            self._state = await workflow.execute_activity_method(
                RequestActivities.read_request, row, summary="read its state", **options.READ
            )
            if self._state.done:
                return
            workflow.set_current_details(f"waiting for {self._state.waiting_for}")
            try:
                await workflow.wait_condition(
                    lambda: self._settled,
                    timeout=check,
                    timeout_summary=f"waiting for {self._state.waiting_for}"[:200],
                )
            except TimeoutError:
                check = min(check * 2, LONGEST_CHECK)


def _result(state: RequestState) -> RequestResult:
    return RequestResult(
        outcome=state.outcome or "canceled",
        status=state.status,
        reason=state.reason,
        attempts=state.attempts,
        call_id=state.call_id,
        duration_seconds=state.duration_seconds,
    )
