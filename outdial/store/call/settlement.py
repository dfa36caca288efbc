"""Calls end and are settled, in whichever transaction comes first; changed calls are saved.

A call is settled at its end when no analysis is awaited, else when the analysis arrives, else by
the first claim after the wait. Only the first of them changes anything. What follows for the
recipient is computed in `store.call.next_attempt`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Table, bindparam, delete, select, update
from sqlmodel import Session

from outdial.domain.call.event import CallEnd, CallEvent, EventSummary, ending_of
from outdial.domain.call.settlement import Close, Following, NextAttempt, follow
from outdial.domain.call.status import (
    NOBODY_REACHED,
    OPTED_OUT,
    OUTCOME_CANCELED,
    OUTCOME_UNKNOWN,
    AnsweredBy,
    CallStatus,
    FailureClass,
    Fence,
    outcome_of,
)
from outdial.domain.record import RecipientState, Settled
from outdial.store.appointments.slots import release_of_call
from outdial.store.budget.holds import settle_holds
from outdial.store.call.locked_call import LockedCall, lock_call, lock_calls, read_call
from outdial.store.call.next_attempt import (
    close_if_never_callable,
    earlier_outcomes,
    lines_after,
    recipient_after,
    replan_if_suppressed,
    settling_of,
)
from outdial.store.call.observation import observe_calls
from outdial.store.callbacks.effects import apply_callbacks
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import call, event, lease, recipient
from outdial.store.lines.health import record_line_result
from outdial.store.webhooks.outbox import publish_calls

log = logging.getLogger(__name__)

OVERTAKEN = "an earlier call was reported after it had been given up"
_OVERDUE = (
    select(call.c.id)
    .where(
        call.c.campaign_id == bindparam("campaign_id"),
        call.c.settled_at.is_(None),
        call.c.settle_by.is_not(None),
        call.c.settle_by <= bindparam("now"),
    )
    .order_by(call.c.settle_by)
    .limit(bindparam("most"))
)
_EVENTS = Lookup(select(event.c.call_id, event.c.payload), event.c.call_id, "call_ids")
_LAST_ATTEMPT = (
    select(call.c.id, call.c.status)
    .where(
        call.c.recipient_id == bindparam("of_recipient"),
        call.c.number < bindparam("before"),
        call.c.is_attempt,
        call.c.settled_at.is_not(None),
    )
    .order_by(call.c.number.desc())
    .limit(1)
)
_FREE = delete(lease).where(lease.c.call_id == bindparam("call_id"))
_FREE_EXPIRED = _FREE.where(lease.c.expires_at <= bindparam("by"))

_SAVE = {
    table.name: update(table).where(table.c.id == bindparam("row_id"))
    for table in (call, recipient)
}


def end_call(s: Session, call_id: str, end: CallEnd, *, now: datetime) -> Settled:
    """Record the end of a call and free its slot, unless that was done before.

    A call whose fence was never raised cannot be placed from here on. An end with
    `not_placed` changes nothing when reports prove that the call was placed: the returned status is
    not terminal then, and the workflow keeps following the call. Raises UnknownCall, and ValueError
    when the status of `end` is not terminal.
    """
    if not end.status.terminal:
        raise ValueError(f"found status {end.status}, which ends no call; give a terminal one")
    locked = lock_call(s, call_id)
    if locked.status.terminal:
        # A late report may have made it hold a slot again (`store.call.late_evidence`). An end
        # with `not_placed` doesn't take that report into account, so it frees no live slot.
        free = _FREE if end.may_have_rung and not end.not_placed else _FREE_EXPIRED
        s.connection().execute(free, {"call_id": call_id, "by": now})
        return locked.as_settled(changed=False)
    if end.not_placed and locked.call.fence in (Fence.PLACING, Fence.PLACED):
        return locked.as_settled(changed=False)
    end = _by_all_facts(locked, _as_answered(locked, end))
    _end(locked, end, now)
    if locked.plan.calendar is not None:
        release_of_call(s, call_id, now)
    s.connection().execute(_FREE, {"call_id": call_id})
    if end.analysis_wait <= timedelta(0) or locked.call.analysed_at is not None:
        settle_locked(s, [locked], now)
    save_calls(s, [locked], now)
    record_line_result(s, locked, now, fault=end.fault)
    return locked.as_settled(changed=True)


def withdraw_call(s: Session, locked: LockedCall, now: datetime, *, overtaken_by: str) -> bool:
    """Withdraw a call that was not sent yet, because of late evidence about an earlier one; False
    if it was sent. Its recipient waits then; the caller decides what follows, and saves it.
    """
    if locked.status.terminal or locked.call.fence is not Fence.CLAIMED:
        return False
    _end(locked, CallEnd.withdrawn(now, OVERTAKEN), now)
    if locked.plan.calendar is not None:
        release_of_call(s, locked.id, now)
    s.connection().execute(_FREE, {"call_id": locked.id})
    settle_locked(s, [locked], now, by_earlier=False)
    locked.overtaken_by = overtaken_by
    return True


def settle_call(s: Session, call_id: str, *, now: datetime) -> Settled:
    """Settle a call that has ended, whether or not its analysis has come. Raises UnknownCall."""
    locked = lock_call(s, call_id)
    if not locked.status.terminal or locked.settled:
        return locked.as_settled(changed=False)
    settle_locked(s, [locked], now)
    save_calls(s, [locked], now)
    return locked.as_settled(changed=True)


def settle_overdue(
    s: Session, campaign_id: int, *, now: datetime, limit: int = 500
) -> list[Settled]:
    """Settle calls whose analysis was awaited long enough, those waiting longest first."""
    bounds = {"campaign_id": campaign_id, "now": now, "most": limit}
    locked_calls = lock_calls(s, s.connection().execute(_OVERDUE, bounds).scalars())
    # Between the two queries another transaction may have settled one.
    due = [locked for locked in locked_calls if not locked.settled]
    settle_locked(s, due, now)
    save_calls(s, due, now)
    return [locked.as_settled(changed=True) for locked in due]


def revise_next_attempt(s: Session, locked: LockedCall, outcome: str, now: datetime) -> None:
    """Decide again what follows for the recipient, by an outcome proved after the settlement.

    The call keeps its status and outcome, and effects of the settlement are not undone.
    """
    moved = lines_after(locked)
    settling = settling_of(locked, outcome, earlier_outcomes(s, [locked])[locked.id], moved)
    following = close_if_never_callable(s, locked, follow(settling, locked.plan.retry), now)
    locked.change_recipient(**recipient_after(locked, outcome, following, moved))
    locked.next_attempt_revised = True
    if isinstance(following, Close) and following.suppress is not None:
        suppress_person(s, locked, following.suppress, now)


def settle_locked(
    s: Session, locked_calls: Sequence[LockedCall], now: datetime, *, by_earlier: bool = True
) -> None:
    """Decide what follows for calls that have ended; the caller saves them.

    A call that was no attempt leaves what came before it as it was: `by_earlier` is whether an
    earlier attempt is looked at, whose answer may have been proved since.
    """
    earlier = earlier_outcomes(s, locked_calls)
    for locked in locked_calls:
        outcome = _outcome(locked)
        moved = lines_after(locked)
        settling = settling_of(locked, outcome, earlier[locked.id], moved)
        following = follow(settling, locked.plan.retry)
        if outcome == OUTCOME_CANCELED:
            following = replan_if_suppressed(s, locked, following)
        following = apply_callbacks(s, locked, settling, following, now)
        if by_earlier and not locked.call.is_attempt and earlier[locked.id]:
            following, known_by = _by_answer_before(s, locked, following, earlier[locked.id])
        else:
            known_by = None
        following = close_if_never_callable(s, locked, following, now)
        locked.change_call(outcome=outcome, settled_at=now)
        locked.change_recipient(**recipient_after(locked, known_by or outcome, following, moved))
        if isinstance(following, Close) and following.suppress is not None:
            suppress_person(s, locked, following.suppress, now)
        else:
            suppress_opted_out(s, locked, now)


def _outcome(locked: LockedCall) -> str:
    call_values = locked.call
    return outcome_of(
        locked.status,
        answered_by=call_values.answered_by,
        failure=call_values.failure,
        disposition=call_values.disposition,
    )


def suppress_opted_out(s: Session, locked: LockedCall, now: datetime) -> None:
    """Suppress a person who asked not to be called, however and whenever it is reported."""
    if locked.call.disposition == OPTED_OUT and locked.call.answered_by not in NOBODY_REACHED:
        suppress_person(s, locked, "opted out in a call", now)


def _by_all_facts(locked: LockedCall, end: CallEnd) -> CallEnd:
    """The end, corrected by all stored events, of which the workflow gets only some.

    A call that an event was about was made, whatever the answer to its placement said.
    """
    values = locked.call
    answered_by = _sharper(values.answered_by, end.answered_by)
    known_end = end.model_copy(
        update={
            # What events reported is the same or newer.
            "answered_by": answered_by,
            "duration_seconds": _first(values.duration_seconds, end.duration_seconds),
            "may_have_rung": end.may_have_rung or was_made(locked),
        }
    )
    if known_end.may_have_rung:
        known_end = known_end.by_facts(
            answered_before=values.answered_at is not None,
            started_before=values.status is CallStatus.IN_PROGRESS,
        )
    if known_end.status is not CallStatus.COMPLETED or known_end.analysis_wait > timedelta(0):
        return known_end
    return known_end.model_copy(update={"analysis_wait": end.wait_if_answered})


def was_made(locked: LockedCall) -> bool:
    """Whether an event, or the provider's id, proves that the provider has the call."""
    values = locked.call
    if values.fence in (Fence.CLAIMED, Fence.CLOSED):
        return False  # nothing left that an event could be about
    proofs = (values.provider_call_id, values.ringing_at, values.answered_at)
    return values.fence is Fence.PLACED or any(proof is not None for proof in proofs)


def _as_answered(locked: LockedCall, end: CallEnd) -> CallEnd:
    """For a call that the provider refused, use the stored answer: the caller may know only that
    the call was not made."""
    values = locked.call
    if values.fence is not Fence.NOT_PLACED or end.may_have_rung or values.failure is None:
        return end
    return end.model_copy(
        update={
            "status": CallStatus.FAILED,
            "failure": values.failure,
            "detail": values.detail,
            "retry_after": end.retry_after if values.retry_after is None else values.retry_after,
        }
    )


def _end(locked: LockedCall, end: CallEnd, now: datetime) -> None:
    values = locked.call
    wait = end.retry_after
    failed = end.status is CallStatus.FAILED
    locked.change_call(
        status=end.status,
        ended_at=locked.instant(end.at, now),
        is_attempt=end.may_have_rung,
        failure=(end.failure or values.failure) if failed else None,
        detail=end.detail or values.detail,
        retry_after_seconds=None if wait is None else wait.total_seconds(),
        answered_by=end.answered_by,
        duration_seconds=end.duration_seconds,
        settle_by=now + end.analysis_wait,
    )
    if values.fence is Fence.CLAIMED:
        locked.change_call(fence=Fence.CLOSED)
    locked.change_recipient(
        state=RecipientState.SETTLING,
        attempts=locked.recipient.attempts + (1 if end.may_have_rung else 0),
    )


def _sharper(reported: AnsweredBy | None, observed: AnsweredBy | None) -> AnsweredBy | None:
    return observed if reported in (None, AnsweredBy.UNKNOWN) and observed is not None else reported


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _by_answer_before(
    s: Session, locked: LockedCall, following: Following, outcomes: list[str]
) -> tuple[Following, str | None]:
    """What follows a call that was no attempt, where the one before was answered, as its reports
    proved too late to keep this one from leaving; with the outcome that they prove."""
    answered = answered_before(s, locked)
    if answered is None or (isinstance(following, Close) and following.suppress is not None):
        return following, None
    earlier, outcome = answered
    settling = settling_of(earlier, outcome, outcomes[:-1], lines_after(earlier))
    then = follow(settling, locked.plan.retry)
    if isinstance(following, NextAttempt) and isinstance(then, NextAttempt):
        later = max(following, then, key=lambda attempt: attempt.not_before)
        # The settlement of the earlier call may have moved on to another number already.
        passed_on = following.next_number or (then.next_number and not earlier.number_changed)
        next_attempt = replace(later, next_number=passed_on, drop_number=following.drop_number)
        return next_attempt, outcome
    return (then if isinstance(then, Close) else following), outcome


def suppress_person(s: Session, locked: LockedCall, reason: str, now: datetime) -> None:
    """Suppress all numbers of the person, since the request is not about one telephone."""
    numbers, source = locked.phones, f"call {locked.id}"
    if locked.call.failure is FailureClass.REFUSED and locked.call.detail:
        source += f" ({locked.call.detail})"
    if suppress_all(s, locked.call.tenant, numbers, reason, now=now, source=source):
        locked.listed = tuple(numbers)


def readable_events(stored: Iterable[tuple[str, str]]) -> Iterator[tuple[str, CallEvent]]:
    """Calls' ids with their events, of those with their payloads.

    A payload that this version can't read counts as not reported, and is logged: it would be so in
    every round, and what has to be done for the call would never be.
    """
    for call_id, payload in stored:
        try:
            yield call_id, CallEvent.model_validate_json(payload)
        except ValidationError as error:
            # Without its content, which may be a transcript.
            wrong = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
            log.warning("an event of call %s can't be read: %s", call_id, ", ".join(wrong))


def read_events(s: Session, call_ids: Sequence[str]) -> dict[str, list[CallEvent]]:
    """The events that are stored for calls, by call."""
    events: dict[str, list[CallEvent]] = defaultdict(list)
    if call_ids:
        stored = _EVENTS.execute(s, {"call_ids": list(call_ids)})
        for call_id, reported in readable_events(stored):
            events[call_id].append(reported)
    return events


def proved_outcome(locked: LockedCall, summary: EventSummary) -> str:
    """The outcome that its events prove."""
    if summary.answered:
        return outcome_of(
            CallStatus.COMPLETED,
            answered_by=locked.call.answered_by,
            disposition=locked.call.disposition,
        )
    if summary.ending is None:
        return OUTCOME_UNKNOWN
    end = ending_of(summary.ending)
    return outcome_of(end.status, failure=end.failure)


def talked(summary: EventSummary, outcome: str) -> bool:
    """Whether events, and the outcome that they prove, say that the call was answered."""
    return summary.answered or outcome == CallStatus.COMPLETED.value


def answered_before(s: Session, locked: LockedCall) -> tuple[LockedCall, str] | None:
    """The recipient's last attempt before a call, where its reports prove that it was answered
    though its end says otherwise; with the outcome that they prove."""
    values = {"of_recipient": locked.call.recipient_id, "before": locked.call.number}
    row = s.connection().execute(_LAST_ATTEMPT, values).first()
    if row is None or row.status == CallStatus.COMPLETED.value:
        return None
    earlier = read_call(s, row.id)
    if earlier is None:
        return None
    earlier.recipient_row = locked.recipient_row
    summary = EventSummary.of(read_events(s, [earlier.id])[earlier.id])
    outcome = proved_outcome(earlier, summary)
    return (earlier, outcome) if talked(summary, outcome) else None


def save_calls(s: Session, locked_calls: Sequence[LockedCall], now: datetime) -> None:
    """Write the changes back, count what settled calls have cost, observe them for canaries, and
    publish the changes to the endpoints."""
    _save(s, call, [(locked.id, locked.call_row.changes) for locked in locked_calls])
    people = {locked.call.recipient_id: locked.recipient_row.changes for locked in locked_calls}
    _save(s, recipient, people.items())
    settle_holds(s, locked_calls)
    observe_calls(s, locked_calls, now)
    changed: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for locked in locked_calls:
        changed[locked.call.tenant] += [(locked.id, what) for what in locked.event_types]
    for tenant, changes in changed.items():
        publish_calls(s, tenant, changes, now=now)


def _save(s: Session, table: Table, changes: Iterable[tuple[Any, dict[str, Any]]]) -> None:
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for key, values in changes:
        if values:
            alike[tuple(sorted(values))].append({"row_id": key, **values})
    for rows in alike.values():
        s.connection().execute(_SAVE[table.name], rows)
