"""Activities of one telephone call: place it once, look it up, hang up, record its end."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeat import heartbeating
from activities.measuring import EMPTY_SLOTS, provider_request
from outdial.contracts.signatures.call import (
    CallActivities,
    Ended,
    HangUp,
    HangUpInput,
    LookUp,
    LookUpInput,
    PlaceInput,
    Placement,
    PlacementResult,
)
from outdial.dispatch.settlements import propagate_settlement
from outdial.domain.call.claim import FencePass, FenceVerdict
from outdial.domain.call.event import CallEnd, CallEvent, CallSnapshot, reports_of
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.settlement import MISCONFIGURED_WAIT
from outdial.domain.call.status import FailureClass, Fence
from outdial.domain.record import CallRecord
from outdial.metrics.calls import (
    CALLS_ENDED,
    DIAL_LATENESS,
    FENCE_WAIT,
    OPT_OUT_SECONDS,
    PLACEMENTS,
)
from outdial.providers.errors import (
    Misconfigured,
    NotPlaced,
    ProviderError,
    Throttled,
    Unavailable,
    Unsendable,
)
from outdial.providers.http.departure import watching
from outdial.providers.lines import Line, LinePolicy
from outdial.providers.port import Placed
from outdial.resources.resources import Resources
from outdial.store.call import calls, events, settlement
from outdial.store.claims import fence, leases
from outdial.store.db.errors import UnknownCall
from outdial.store.lines import lines

log = logging.getLogger(__name__)

LONGEST_RATE_WAIT = timedelta(seconds=30)
"""Beyond that the activity fails and is retried, with the fence still down."""

LONGEST_OUTCOME = 100
"""It becomes a search attribute, for which a run that gives more is terminated; rows of older
versions hold an agent's text as it was written."""


class Calls(CallActivities):
    """Placing and following calls through the providers of our lines."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @activity.defn(name="place_call")
    async def place_call(self, place: PlaceInput) -> Placement:
        async with heartbeating():
            passed, request = await self._raise_fence(place.call_id)
            line = self._resources.lines.get(passed.line)
            if request is not None:
                if line is None:
                    return await self._not_placed(place.call_id, passed.line, _removed(passed))
                return await self._dial(line, request, passed)
            if passed.verdict is FenceVerdict.WITHDRAWN:
                PLACEMENTS.labels(passed.line, PlacementResult.WITHDRAWN.value).inc()
                return self._placement(passed.line, PlacementResult.WITHDRAWN, detail=passed.reason)
            if passed.verdict is FenceVerdict.NOT_PLACED:
                return self._answered(passed)
            placed = passed.verdict is FenceVerdict.ALREADY_PLACED
            # An earlier execution placed it: what was reported since may not have been signalled.
            reported = await self._resources.database.read(
                lambda s: events.events_of_call(s, place.call_id)
            )
            return self._placement(
                passed.line,
                PlacementResult.PLACED if placed else PlacementResult.UNKNOWN,
                reports=reports_of(place.call_id, reported),
            )

    @activity.defn(name="look_up_call")
    async def look_up_call(self, look_up: LookUpInput) -> LookUp:
        call = await self._read(look_up.call_id)
        line = self._resources.lines[call.line]
        snapshot = await _ask(line, call)
        if snapshot is None:
            return LookUp(exists=False, absent=await self._is_absent(line, call))
        if call.provider_call_id is None:
            await self._record_placed(call.id, snapshot.provider_call_id)
        stored = await self._store(call.id, call.line, snapshot.events)
        return LookUp(exists=True, reports=reports_of(call.id, stored))

    @activity.defn(name="hang_up_call")
    async def hang_up_call(self, hang_up: HangUpInput) -> HangUp:
        now = self._resources.clock()
        # What has not left yet does not leave any more.
        fence = await self._resources.database.write(
            lambda s: leases.close_fence(s, hang_up.call_id, now=now)
        )
        if fence not in (Fence.PLACING, Fence.PLACED):
            return HangUp(requested=False)
        call = await self._read(hang_up.call_id)
        line = self._resources.lines[call.line]
        if not line.provider.capabilities.can_end:
            return HangUp(requested=False, possible=False)
        provider_call_id = call.provider_call_id or await self._find(line, call)
        if provider_call_id is None:
            return HangUp(requested=False)
        with provider_request(line.name, "end"):
            await line.provider.end(provider_call_id)
        return HangUp(requested=True)

    async def _find(self, line: Line, call: CallRecord) -> str | None:
        """The provider's id of a call whose placement is unknown, if its provider knows it."""
        snapshot = await _ask(line, call)
        if snapshot is None:
            return None
        await self._record_placed(call.id, snapshot.provider_call_id)
        await self._store(call.id, call.line, snapshot.events)
        return snapshot.provider_call_id

    @activity.defn(name="end_call")
    async def end_call(self, call_id: str, end: CallEnd) -> Ended:
        now = self._resources.clock()
        settled = await self._resources.database.write(
            lambda s: settlement.end_call(s, call_id, end, now=now)
        )
        if settled.changed:
            CALLS_ENDED.labels(settled.line, settled.status.value).inc()
            EMPTY_SLOTS.empty(settled.line)
            signalled = await propagate_settlement(
                self._resources.database, self._resources.temporal, settled, now
            )
            if settled.listed and signalled:
                took = self._resources.clock() - end.at
                OPT_OUT_SECONDS.observe(max(0.0, took.total_seconds()))
        outcome = settled.outcome and settled.outcome[:LONGEST_OUTCOME]
        return Ended(status=settled.status, outcome=outcome, settled=settled.settled)

    async def _raise_fence(self, call_id: str) -> tuple[FencePass, PlaceRequest | None]:
        """Wait for the line's rate, then raise the fence. Raises when the wait is too long."""

        def pass_fence(s: Session, now: datetime) -> tuple[FencePass, PlaceRequest | None]:
            line = fence.line_of(s, call_id)
            policy = self._policy(line)
            return fence.raise_fence(
                s,
                call_id,
                now=now,
                placement_timeout=policy.placement_timeout,
                caller_id=next(iter(policy.caller_ids), None),
                webhook_url=self._resources.webhook_url(line),
            )

        begun = time.perf_counter()
        give_up = self._resources.clock() + LONGEST_RATE_WAIT
        while True:
            now = self._resources.clock()
            passed, request = await self._resources.database.write(
                lambda s, now=now: pass_fence(s, now)  # type: ignore[misc]
            )
            if passed.verdict is not FenceVerdict.WAIT_FOR_RATE:
                FENCE_WAIT.labels(passed.line).observe(time.perf_counter() - begun)
                return passed, request
            if passed.retry_at is None or passed.retry_at > give_up:
                raise ApplicationError(passed.reason, type="LineRate")
            await asyncio.sleep(max(0.0, (passed.retry_at - now).total_seconds()))

    def _policy(self, line: str) -> LinePolicy:
        """The default one for a line that was removed from the settings."""
        configured = self._resources.lines.get(line)
        return LinePolicy() if configured is None else configured.policy

    async def _read(self, call_id: str) -> CallRecord:
        return await self._resources.database.read(lambda s: _require_call(s, call_id))

    async def _dial(self, line: Line, request: PlaceRequest, passed: FencePass) -> Placement:
        call_id = request.call_id
        if self._too_late(line, passed.deadline):
            stopped = Unavailable("this process was stopped for too long to send it safely")
            return await self._not_placed(call_id, line.name, stopped)
        with watching() as departure:
            try:
                with provider_request(line.name, "place"):
                    placed = await line.provider.place(request)
            except NotPlaced as error:
                return await self._not_placed(call_id, line.name, error)
            except ProviderError as error:
                return await self._in_doubt(call_id, line, error.provider_code)
            except Exception as error:
                if line.provider.notes_departure and not departure.begun:
                    return await self._not_placed(call_id, line.name, _unsendable(line, error))
                # An adapter that fails in its own way may have sent the request.
                log.exception("placing on line %s failed unexpectedly", line.name)
                return await self._in_doubt(call_id, line, None)
        if passed.due_at is not None:
            late = self._resources.clock() - passed.due_at
            DIAL_LATENESS.labels(line.name).observe(max(0.0, late.total_seconds()))
        return await self._placed(call_id, line, placed)

    def _too_late(self, line: Line, deadline: datetime | None) -> bool:
        """Whether a request sent now could arrive after the deadline, at which others take the call
        for lost and dial again; so it may be after a process was suspended."""
        longest = line.provider.line.request_timeout
        return deadline is not None and self._resources.clock() + longest > deadline

    async def _placed(self, call_id: str, line: Line, placed: Placed) -> Placement:
        PLACEMENTS.labels(line.name, PlacementResult.PLACED.value).inc()
        early = await self._record_placed(call_id, placed.provider_call_id)
        if placed.events:
            early += await self._store(call_id, line.name, placed.events)
        return self._placement(
            line.name, PlacementResult.PLACED, reports=reports_of(call_id, early)
        )

    async def _store(
        self, call_id: str, line_name: str, reported: Sequence[CallEvent]
    ) -> list[CallEvent]:
        """Store what the provider answered; the caller passes it on to the workflow."""
        line, now = self._resources.lines[line_name], self._resources.clock()
        answered = [
            event.model_copy(update={"call_id": call_id}) for event in line.normalize(reported)
        ]

        def store(s: Session) -> events.StoredEvents:
            stored = events.store_events(s, line_name, answered, now=now, tenant=line.tenant)
            keys = [(line.tenant, line_name, event.event_id) for event in stored.events]
            events.mark_signalled(s, keys, now=now)
            return stored

        stored = await self._resources.database.write(store)
        for settled in stored.settled:
            await propagate_settlement(
                self._resources.database, self._resources.temporal, settled, now
            )
        return stored.events

    async def _record_placed(self, call_id: str, provider_call_id: str) -> list[CallEvent]:
        now = self._resources.clock()
        return await self._resources.database.write(
            lambda s: events.record_placed(s, call_id, provider_call_id, now=now)
        )

    async def _not_placed(self, call_id: str, line: str, error: NotPlaced) -> Placement:
        PLACEMENTS.labels(line, PlacementResult.NOT_PLACED.value).inc()
        now = self._resources.clock()
        detail = str(error)[:500]

        retry_after = error.retry_after if isinstance(error, Throttled) else None

        def record(session: Session) -> CallRecord:
            calls.record_not_placed(
                session,
                call_id,
                failure=error.failure,
                detail=detail,
                now=now,
                retry_after=retry_after,
            )
            call = _require_call(session, call_id)
            if isinstance(error, Misconfigured):
                lines.hold_line(session, call.tenant, line, now + MISCONFIGURED_WAIT, detail)
            return call

        call = await self._resources.database.write(record)
        if call.fence is Fence.PLACED:
            # Its own reports came before this answer, and prove the opposite.
            return self._placement(line, PlacementResult.PLACED)
        return self._placement(
            line, PlacementResult.NOT_PLACED, detail=detail, retry_after=retry_after
        ).model_copy(update={"failure": error.failure})

    def _answered(self, passed: FencePass) -> Placement:
        """The stored answer to an earlier execution of this activity whose worker died."""
        return self._placement(
            passed.line,
            PlacementResult.NOT_PLACED,
            detail=passed.reason or None,
            retry_after=passed.retry_after,
        ).model_copy(update={"failure": passed.failure})

    async def _in_doubt(self, call_id: str, line: Line, code: str | None) -> Placement:
        PLACEMENTS.labels(line.name, PlacementResult.UNKNOWN.value).inc()
        now, detail = self._resources.clock(), code or "no answer that can be understood"
        await self._resources.database.write(
            lambda s: calls.record_doubt(s, call_id, detail=detail, now=now)
        )
        return self._placement(line.name, PlacementResult.UNKNOWN, detail=code)

    def _placement(
        self,
        line: str,
        result: PlacementResult,
        *,
        detail: str | None = None,
        retry_after: timedelta | None = None,
        reports: tuple[CallEvent, ...] = (),
    ) -> Placement:
        policy = self._policy(line)
        return Placement(
            result=result,
            detail=detail,
            retry_after=retry_after,
            reports=reports,
            upsert_status=self._resources.upsert_status,
            ring_silence=policy.ring_silence,
            talk_silence=policy.talk_silence,
            analysis_wait=self._resources.analysis_wait(line),
        )

    async def _is_absent(self, line: Line, call: CallRecord) -> bool:
        """Whether a look-up without a result proves that the call was never placed.

        Stored reports of the call take precedence: `record_not_placed` is False then.
        """
        capabilities = line.provider.capabilities
        if call.fence is Fence.NOT_PLACED:
            return True
        if call.provider_call_id is not None or not capabilities.can_find:
            return False
        if call.fence is not Fence.PLACING or call.fence_deadline is None:
            return False
        if self._resources.clock() <= call.fence_deadline + capabilities.listing_lag:
            return False
        return await self._resources.database.write(
            lambda s: calls.record_not_placed(
                s,
                call.id,
                failure=FailureClass.UNAVAILABLE,
                detail="never arrived",
                now=self._resources.clock(),
                answered=False,
            )
        )


def _removed(passed: FencePass) -> Misconfigured:
    return Misconfigured(f"line {passed.line} is not in the settings of this worker")


def _require_call(session: Session, call_id: str) -> CallRecord:
    call = calls.get_call(session, call_id)
    if call is None:
        raise UnknownCall(call_id)
    return call


def _unsendable(line: Line, error: Exception) -> Unsendable:
    """The error leaves out the original text, which may contain personal data."""
    kind = type(error).__name__
    where = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "line %s: an order can't be built (%s in %s:%s)",
        line.name,
        kind,
        where.filename,
        where.lineno,
    )
    return Unsendable(
        f"line {line.name}: this order can't be built ({kind}); look at its variables and at the "
        "agent's settings",
        code="unsendable",
    )


async def _ask(line: Line, call: CallRecord) -> CallSnapshot | None:
    capabilities = line.provider.capabilities
    if call.provider_call_id is not None:
        if not capabilities.can_look_up:
            return None  # there are webhooks only; the longest duration is the limit
        with provider_request(line.name, "look_up"):
            return await line.provider.look_up(call.provider_call_id)
    if capabilities.can_find:
        with provider_request(line.name, "find"):
            return await line.provider.find(call.id, to=call.to, since=call.created_at)
    return None
