"""One phone call: queued → ringing → in_progress → its end."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from outdial.contracts import names, options, search_attributes
    from outdial.contracts.messages import CallResult
    from outdial.contracts.signatures.call import (
        CallActivities,
        Ended,
        HangUpInput,
        LookUp,
        LookUpInput,
        PlaceInput,
        Placement,
        PlacementResult,
    )
    from outdial.domain.call.claim import ClaimedCall
    from outdial.domain.call.event import CallEnd, CallEvent, was_answered, was_started
    from outdial.domain.call.lease import lease_duration
    from outdial.domain.call.status import CallStatus, advance
    from workflows.cancellation import run_to_end

HANG_UP_GRACE = timedelta(seconds=15)
"""How long a provider may take to report the end of a call that we ended. Then it is asked to end
it once more, and so on until it has ended; each wait is twice as long."""
LONGEST_GRACE = timedelta(minutes=2)
UNKNOWN_POLL = timedelta(seconds=5)
"""How soon an unknown placement is looked for, since its slot is idle; doubled each time."""
LONGEST_POLL = timedelta(minutes=1)
HANG_UP_AGAIN = "hang-up-again"
HANG_UP_WHILE_PLACING = "hang-up-while-placing"
"""Versions of this workflow that send commands which earlier ones did not."""


@workflow.defn(name="CallWorkflow")
class CallWorkflow:
    """Places one call, follows it to its end, frees its slot."""

    @workflow.init
    def __init__(self, call: ClaimedCall) -> None:
        self._call = call
        self._status = CallStatus.QUEUED
        self._event_ids: set[str] = set()
        self._answered = self._started = False
        self._end: CallEnd | None = None
        self._placement = Placement(result=PlacementResult.UNKNOWN, upsert_status=False)
        self._placed_at = workflow.now()
        self._last_report_at = workflow.now()
        self._look_ups = 0
        self._hang_up_requested = False
        self._evidence = 0
        """Grows with everything that is reported about the call."""
        self._can_hang_up = True
        self._watchdog: asyncio.Task[None] | None = None
        self._withdrawal: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, call: ClaimedCall) -> CallResult:
        self._show("placing the call")
        # A placement is never cancelled half way: it is finished, then hung up.
        return await run_to_end(self._carry_out(), self.hang_up)

    @workflow.signal(description="A report of the provider about this call")
    def report(self, event: CallEvent) -> None:
        """Events may come twice, late or out of order."""
        if event.call_id != self._call.call_id or event.event_id in self._event_ids:
            return
        if event.status is None:
            return
        self._event_ids.add(event.event_id)
        self._evidence += 1
        self._last_report_at = workflow.now()
        self._answered = self._answered or was_answered(event) is True
        self._started = self._started or was_started(event)
        before, self._status = self._status, advance(self._status, event.status)
        if self._status is before:
            return
        if self._status.terminal and self._end is None:
            self._end = CallEnd.of(
                event, answered_before=self._answered, started_before=self._started
            )
        elif not self._status.terminal:
            self._publish_status()

    @workflow.signal(description="Hang up")
    def hang_up(self) -> None:
        self._hang_up_requested = True

    @workflow.query(description="Where the call is")
    def status(self) -> CallStatus:
        return self._status

    async def _carry_out(self) -> CallResult:
        await self._place()
        await self._follow()
        return await self._record()

    async def _place(self) -> None:
        placing = workflow.start_activity_method(
            CallActivities.place_call,
            PlaceInput(call_id=self._call.call_id),
            task_queue=names.CALL_QUEUE,
            summary=f"dial {self._call.masked} on {self._call.line}",
            **options.PLACE,
        )
        self._withdrawal = asyncio.create_task(self._withdraw_on_request(placing))
        self._placement = placement = await placing
        self._placed_at = self._last_report_at = workflow.now()
        if self._status is not CallStatus.QUEUED:
            self._publish_status()
        for early in placement.reports:
            self.report(early)
        if self._over() or placement.result in (PlacementResult.PLACED, PlacementResult.UNKNOWN):
            return
        withdrawn = placement.result is PlacementResult.WITHDRAWN
        self._end = CallEnd(
            status=CallStatus.CANCELED if withdrawn else CallStatus.FAILED,
            at=workflow.now(),
            failure=placement.failure,
            detail=placement.detail,
            may_have_rung=False,
            not_placed=not withdrawn,
            retry_after=placement.retry_after,
        )

    async def _withdraw_on_request(self, placing: asyncio.Task[Placement]) -> None:
        """Request the hang-up while the placement still runs: what was not sent yet never is."""
        await workflow.wait_condition(lambda: self._hang_up_requested or placing.done())
        if not placing.done() and workflow.patched(HANG_UP_WHILE_PLACING):
            await self._hang_up()

    async def _follow(self) -> None:
        """Wait for the end; the watchdog looks the call up when nothing is reported."""
        if self._over():
            return
        self._show("waiting for the provider")
        # Not cancelled at the end: a timer that dies with its run costs no event.
        if self._watchdog is None or self._watchdog.done():
            self._watchdog = asyncio.create_task(self._watch())
        await workflow.wait_condition(lambda: self._over() or self._hang_up_requested)
        if not self._over():
            await self._end_by_hanging_up()

    async def _end_by_hanging_up(self) -> None:
        """Ask the provider to end it until it has ended: a request may be lost, and of a placement
        that is unknown the provider's id is not known before something is reported of it."""
        evidence = self._evidence
        requested, grace = await self._hang_up(), HANG_UP_GRACE
        again = not requested and workflow.patched(HANG_UP_AGAIN)
        while not self._over():
            try:
                await workflow.wait_condition(
                    lambda evidence=evidence, again=again: (  # type: ignore[misc]
                        self._over() or (again and self._evidence != evidence)
                    ),
                    timeout=grace,
                    timeout_summary="the call was hung up",
                )
            except TimeoutError:
                grace = min(grace * 2, LONGEST_GRACE)
                await self._check_provider()
                again = workflow.patched(HANG_UP_AGAIN)
            again = again and self._can_hang_up
            if not self._over() and again:
                evidence = self._evidence
                again = not await self._hang_up()

    async def _watch(self) -> None:
        while not self._over():
            wait = min(self._next_look_up(), self._deadline()) - workflow.now()
            if wait > timedelta(0):
                await workflow.sleep(
                    wait, summary="look the call up, if nothing is reported so long"
                )
            else:
                await self._check_provider()

    async def _check_provider(self) -> None:
        answer = await self._look_up()
        self._look_ups += 1
        self._last_report_at = workflow.now()
        if self._over():
            return
        if answer is not None and answer.exists:
            self._evidence += 1
        if answer is not None and answer.absent and not self._event_ids:
            self._end = CallEnd.absent(workflow.now())
        elif workflow.now() >= self._deadline():
            await self._close_at_deadline()

    def _over(self) -> bool:
        return self._end is not None

    def _deadline(self) -> datetime:
        """When the call has certainly ended, by the provider's limit or ours."""
        return self._placed_at + lease_duration(self._call)

    def _next_look_up(self) -> datetime:
        if self._placement.result is PlacementResult.UNKNOWN and not self._event_ids:
            return self._last_report_at + min(
                UNKNOWN_POLL * (1 << min(self._look_ups, 6)), LONGEST_POLL
            )
        if self._status is CallStatus.IN_PROGRESS:
            return self._last_report_at + self._placement.talk_silence
        return self._last_report_at + self._placement.ring_silence

    async def _look_up(self) -> LookUp | None:
        try:
            answer = await workflow.execute_activity_method(
                CallActivities.look_up_call,
                LookUpInput(call_id=self._call.call_id),
                task_queue=names.CALL_QUEUE,
                summary="ask the provider what became of the call",
                **options.ASK_PROVIDER,
            )
        except ActivityError:
            return None  # the watchdog looks it up again
        for report in answer.reports:
            self.report(report)
        return answer

    async def _hang_up(self) -> bool:
        self._show("hanging up")
        try:
            result = await workflow.execute_activity_method(
                CallActivities.hang_up_call,
                HangUpInput(call_id=self._call.call_id),
                task_queue=names.CALL_QUEUE,
                summary="hang up",
                **options.ASK_PROVIDER,
            )
        except ActivityError:
            return False
        self._can_hang_up = result.possible
        return result.requested

    async def _close_at_deadline(self) -> None:
        """No call lasts longer: end it at the provider, then settle for what is known."""
        if await self._hang_up():
            await workflow.sleep(HANG_UP_GRACE, summary="the provider may still report the end")
            await self._look_up()
        if not self._over():
            detail = "the provider did not report how it ended"
            self._end = CallEnd.unknown(workflow.now(), detail)

    async def _record(self) -> CallResult:
        ended = await self._record_end()
        while not ended.status.terminal:
            # It was believed never placed, and its own reports have proved it since.
            self._end, self._status = None, ended.status
            self._event_ids.clear()  # a look-up reports again what came meanwhile
            self._placement = self._placement.model_copy(update={"result": PlacementResult.PLACED})
            self._last_report_at = workflow.now()
            await self._follow()
            ended = await self._record_end()
        if self._placement.upsert_status:
            workflow.upsert_search_attributes(
                [
                    search_attributes.CALL_STATUS.value_set(ended.status.value),
                    search_attributes.OUTCOME.value_set(ended.outcome or ended.status.value),
                ]
            )
        self._show("over")
        return CallResult(call_id=self._call.call_id, status=ended.status, outcome=ended.outcome)

    async def _record_end(self) -> Ended:
        end = self._end
        assert end is not None
        if self._answered or self._started:
            end = end.by_facts(answered_before=self._answered, started_before=self._started)
        wait = self._placement.analysis_wait
        # The store knows of reports that were not passed on here: it may have been answered.
        waits = "analysis_wait" if end.status is CallStatus.COMPLETED else "wait_if_answered"
        end = end.model_copy(update={waits: wait})
        self._status = end.status
        self._show("recording the end")
        return await workflow.execute_local_activity_method(
            CallActivities.end_call,
            args=[self._call.call_id, end],
            summary=f"record that it ended: {end.status}",
            **options.SHORT_WRITE,
        )

    def _publish_status(self) -> None:
        if self._placement.upsert_status:
            workflow.upsert_search_attributes(
                [search_attributes.CALL_STATUS.value_set(self._status.value)]
            )
        self._show("waiting for the provider")

    def _show(self, doing: str) -> None:
        workflow.set_current_details(
            f"**{self._status}** · {self._call.masked} on line {self._call.line}, "
            f"attempt {self._call.attempt}\n\n{doing}"
        )
