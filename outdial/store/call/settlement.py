"""What a call's end leads to: the settlement, in whichever transaction comes first.

The end of a call settles it when no analysis is awaited, else the analysis does, else the first
claim after the wait. All of them come here, and only the first one changes anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session

from outdial.domain.call.callback_effects import requested_redial
from outdial.domain.call.end import CallEnd
from outdial.domain.call.settlement import Close, Following, NextAttempt, Settling, follow
from outdial.domain.call.status import (
    CALL_ME_LATER,
    OPTED_OUT,
    OUTCOME_CANCELED,
    AnsweredBy,
    CallStatus,
    FailureClass,
    Fence,
    outcome_of,
)
from outdial.domain.decision.decision import Candidate, Ledger, Never
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.line.routing import Moved, moved_after
from outdial.domain.record import RecipientState, Settled
from outdial.store.appointments.slots import release_of_call
from outdial.store.call.locked_call import LockedCall, lock_call, lock_calls, save_calls
from outdial.store.call.proving import answered_before
from outdial.store.callbacks.effects import apply_callbacks
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.compliance.suppressions import is_suppressed, suppress_all
from outdial.store.db.tables import call, lease
from outdial.store.lines.health import note_end
from outdial.store.records import read_consent, read_marks

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
_FREE = delete(lease).where(lease.c.call_id == bindparam("call_id"))
_FREE_EXPIRED = _FREE.where(lease.c.expires_at <= bindparam("by"))


def end_call(s: Session, call_id: str, end: CallEnd, *, now: datetime) -> Settled:
    """Record the end of a call and free its slot, unless that was done before.

    A call whose fence was never raised cannot be placed from here on. An end that says `not_placed`
    of a call that its own reports prove changes nothing: the status given back is not terminal
    then, and the call is to be followed on. Raises UnknownCall, and ValueError when `end` is none.
    """
    if not end.status.terminal:
        raise ValueError(f"found status {end.status}, which ends no call; give a terminal one")
    locked = lock_call(s, call_id)
    if locked.status.terminal:
        # A late report may have made it hold a slot again (`store.call.late_slots`). Whoever says
        # that it was never placed knows nothing of that, and nothing of its end.
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
    note_end(s, locked, now, fault=end.fault)
    return locked.as_settled(changed=True)


def withdraw_call(s: Session, locked: LockedCall, now: datetime) -> bool:
    """End a call that has not left, because of what an earlier one turned out to be; whether that
    could be done. Its recipient waits then; the caller decides what follows, and saves it.
    """
    if locked.status.terminal or locked.call.fence is not Fence.CLAIMED:
        return False
    _end(locked, CallEnd.withdrawn(now, OVERTAKEN), now)
    if locked.plan.calendar is not None:
        release_of_call(s, locked.id, now)
    s.connection().execute(_FREE, {"call_id": locked.id})
    settle_locked(s, [locked], now, by_earlier=False)
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
    # Between the two queries somebody else may have settled one.
    due = [locked for locked in locked_calls if not locked.settled]
    settle_locked(s, due, now)
    save_calls(s, due, now)
    return [locked.as_settled(changed=True) for locked in due]


def decide_anew(s: Session, locked: LockedCall, outcome: str, now: datetime) -> None:
    """What follows for the recipient of a settled call, by an outcome that was proved later.

    The call keeps its status and outcome, and what was done after it stays done.
    """
    moved = _moved(locked)
    settling = _settling(locked, outcome, _earlier_outcomes(s, [locked])[locked.id], moved)
    following = _before_the_end(s, locked, follow(settling, locked.plan.retry), now)
    locked.change_recipient(**_recipient_after(locked, outcome, following, moved))
    locked.decided_anew = True
    if isinstance(following, Close) and following.suppress is not None:
        suppress_person(s, locked, following.suppress, now)


def settle_locked(
    s: Session, locked_calls: Sequence[LockedCall], now: datetime, *, by_earlier: bool = True
) -> None:
    """Decide what follows for calls that have ended; the caller saves them.

    A call that was no attempt leaves what came before it as it was: `by_earlier` is whether an
    earlier attempt is looked at, whose answer may have been proved since.
    """
    earlier = _earlier_outcomes(s, locked_calls)
    for locked in locked_calls:
        outcome = _outcome(locked)
        moved = _moved(locked)
        settling = _settling(locked, outcome, earlier[locked.id], moved)
        following = follow(settling, locked.plan.retry)
        if outcome == OUTCOME_CANCELED:
            following = _after_a_stop(s, locked, following)
        following = apply_callbacks(s, locked, settling, following, now)
        if by_earlier and not locked.call.is_attempt and earlier[locked.id]:
            following, known_by = _by_answer_before(s, locked, following, earlier[locked.id])
        else:
            known_by = None
        following = _before_the_end(s, locked, following, now)
        locked.change_call(outcome=outcome, settled_at=now)
        locked.change_recipient(**_recipient_after(locked, known_by or outcome, following, moved))
        if isinstance(following, Close) and following.suppress is not None:
            suppress_person(s, locked, following.suppress, now)
        else:
            suppress_opted_out(s, locked, now)


def suppress_opted_out(s: Session, locked: LockedCall, now: datetime) -> None:
    """Whoever asked not to be called is not called, however and whenever we learn of it."""
    if locked.call.disposition == OPTED_OUT and locked.call.answered_by is not AnsweredBy.MACHINE:
        suppress_person(s, locked, "opted out in a call", now)


def _by_all_facts(locked: LockedCall, end: CallEnd) -> CallEnd:
    """The end, by what events told as well: the workflow sees only some of them.

    A call that an event was about was made, whatever the answer to its placement said.
    """
    known = locked.call
    answered_by = _known_better(known.answered_by, end.answered_by)
    seen = end.model_copy(
        update={
            # What events told is the same or newer.
            "answered_by": answered_by,
            "duration_seconds": _first(known.duration_seconds, end.duration_seconds),
            "may_have_rung": end.may_have_rung or was_made(locked),
        }
    )
    if seen.may_have_rung:
        seen = seen.by_facts(
            answered_before=known.answered_at is not None,
            started_before=known.status is CallStatus.IN_PROGRESS,
        )
    if seen.status is not CallStatus.COMPLETED or seen.analysis_wait > timedelta(0):
        return seen
    return seen.model_copy(update={"analysis_wait": end.wait_if_answered})


def was_made(locked: LockedCall) -> bool:
    """Whether an event, or the provider's id, proves that the provider has the call."""
    known = locked.call
    if known.fence in (Fence.CLAIMED, Fence.CLOSED):
        return False  # nothing left that an event could be about
    proofs = (known.provider_call_id, known.ringing_at, known.answered_at)
    return known.fence is Fence.PLACED or any(proof is not None for proof in proofs)


def _as_answered(locked: LockedCall, end: CallEnd) -> CallEnd:
    """Of a call that the provider did not take, its answer tells most: whoever records the end may
    know no more than that the call was not made."""
    known = locked.call
    if known.fence is not Fence.NOT_PLACED or end.may_have_rung or known.failure is None:
        return end
    return end.model_copy(
        update={
            "status": CallStatus.FAILED,
            "failure": known.failure,
            "detail": known.detail,
            "retry_after": end.retry_after if known.retry_after is None else known.retry_after,
        }
    )


def _end(locked: LockedCall, end: CallEnd, now: datetime) -> None:
    known = locked.call
    wait = end.retry_after
    failed = end.status is CallStatus.FAILED
    locked.change_call(
        status=end.status,
        ended_at=locked.instant(end.at, now),
        is_attempt=end.may_have_rung,
        failure=(end.failure or known.failure) if failed else None,
        detail=end.detail or known.detail,
        retry_after_seconds=None if wait is None else wait.total_seconds(),
        answered_by=end.answered_by,
        duration_seconds=end.duration_seconds,
        settle_by=now + end.analysis_wait,
    )
    if known.fence is Fence.CLAIMED:
        locked.change_call(fence=Fence.CLOSED)
    locked.change_recipient(
        state=RecipientState.SETTLING,
        attempts=locked.recipient.attempts + (1 if end.may_have_rung else 0),
    )


def _known_better(told: AnsweredBy | None, seen: AnsweredBy | None) -> AnsweredBy | None:
    return seen if told in (None, AnsweredBy.UNKNOWN) and seen is not None else told


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _outcome(locked: LockedCall) -> str:
    known = locked.call
    return outcome_of(
        locked.status,
        answered_by=known.answered_by,
        failure=known.failure,
        disposition=known.disposition,
    )


def _moved(locked: LockedCall) -> Moved:
    """Which of the campaign's lines are left for the person."""
    failure = None
    if locked.status is CallStatus.FAILED:
        failure = locked.call.failure or FailureClass.UNAVAILABLE
    return moved_after(
        locked.plan.shares,
        read_marks(locked.recipient.line_marks),
        locked.call.line,
        failure,
        may_have_rung=locked.call.is_attempt,
    )


def _settling(locked: LockedCall, outcome: str, earlier: list[str], moved: Moved) -> Settling:
    return Settling(
        outcome=outcome,
        counts_as_attempt=locked.call.is_attempt,
        lines_left=moved.left,
        earlier_outcomes=earlier,
        zones=locked.zones,
        ended_at=locked.ended_at,
        redial_at=locked.call.redial_at or _requested_redial(locked),
        retry_after=locked.call.retry_after,
        other_numbers=len(locked.other_phones),
        seed=str(locked.call.recipient_id),
    )


def _requested_redial(locked: LockedCall) -> datetime | None:
    """A time that the agent wrote without a zone is the callee's."""
    if locked.call.disposition != CALL_ME_LATER:
        return None
    return requested_redial(locked.call.structured or {}, locked.zones, locked.ended_at)


def _recipient_after(
    locked: LockedCall, outcome: str, following: Following, moved: Moved
) -> dict[str, Any]:
    over = locked.takes_no_more_calls
    if isinstance(following, Close) or over is not None:
        reason = following.reason.text if isinstance(following, Close) else over
        return {"state": RecipientState.DONE, "outcome": outcome, "reason": reason}
    return {
        "state": RecipientState.WAITING,
        "outcome": outcome,
        "reason": following.reason.text,
        "not_before": following.not_before,
        "due_at": following.not_before,
        "promised": following.promised,
        "turn": 0,
        **_number_after(locked, following, moved),
    }


def _number_after(locked: LockedCall, following: NextAttempt, moved: Moved) -> dict[str, Any]:
    """Whose turn it is among the person's numbers, and what lines think of that one."""
    if locked.turn_moved:
        return {}  # the first settlement saw to it; what the call shows is about another number
    alternates = locked.recipient.alternate_phones
    if not alternates or not (following.next_number or following.drop_number):
        return {"line_marks": {line: mark.value for line, mark in moved.marks.items()}}
    phone, *others = alternates
    if not following.drop_number:
        others.append(locked.call.phone)
    # What lines think of the one number says nothing about the other.
    return {"phone": phone, "alternate_phones": others, "line_marks": {}}


def _earlier_outcomes(s: Session, locked_calls: Sequence[LockedCall]) -> dict[str, list[str]]:
    """Outcomes of the same recipients' earlier attempts, oldest first, by call."""
    outcomes: dict[int, list[str]] = defaultdict(list)
    repeated = [locked.call.recipient_id for locked in locked_calls if locked.call.number > 1]
    if repeated:
        found = (
            select(call.c.id, call.c.recipient_id, call.c.outcome)
            .where(
                call.c.recipient_id.in_(repeated), call.c.is_attempt, call.c.settled_at.is_not(None)
            )
            .order_by(call.c.recipient_id, call.c.number)
        )
        own = {locked.id for locked in locked_calls}
        for call_id, recipient_id, outcome in s.connection().execute(found):
            if call_id not in own:
                outcomes[recipient_id].append(outcome)
    return {locked.id: outcomes[locked.call.recipient_id] for locked in locked_calls}


def _by_answer_before(
    s: Session, locked: LockedCall, following: Following, outcomes: list[str]
) -> tuple[Following, str | None]:
    """What follows a call that was no attempt, where the one before was answered, as its reports
    proved too late to keep this one from leaving; with the outcome that they prove."""
    found = answered_before(s, locked)
    if found is None or (isinstance(following, Close) and following.suppress is not None):
        return following, None
    earlier, outcome = found
    settling = _settling(earlier, outcome, outcomes[:-1], _moved(earlier))
    then = follow(settling, locked.plan.retry)
    if isinstance(following, NextAttempt) and isinstance(then, NextAttempt):
        later = max(following, then, key=lambda redial: redial.not_before)
        # The earlier call moved the turn itself, if it was another number's.
        passed_on = following.next_number or (then.next_number and not earlier.turn_moved)
        redial = replace(later, next_number=passed_on, drop_number=following.drop_number)
        return redial, outcome
    return (then if isinstance(then, Close) else following), outcome


def _after_a_stop(s: Session, locked: LockedCall, following: Following) -> Following:
    """A call that was stopped because its number was listed: the claim says what that leads to,
    another number of the person or their end."""
    suppression = is_suppressed(s, locked.call.tenant, locked.call.phone)
    if suppression is None:
        return following
    reason = Reason("suppressed", f"stopped, the number must not be called: {suppression}")
    return NextAttempt(locked.ended_at, reason)


def _before_the_end(
    s: Session, locked: LockedCall, following: Following, now: datetime
) -> Following:
    """A redial for which no window opens before the campaign's end is none."""
    if isinstance(following, Close) or locked.plan.schedule.end is None:
        return following
    evidence = locked.evidence
    again = Candidate(
        zones=evidence.candidates,
        jurisdictions=evidence.jurisdictions,
        attempts=locked.recipient.attempts,
        not_before=following.not_before,
        consent=read_consent(locked.recipient.consent),
        promised=following.promised,
    )
    rulebook = read_rulebook(s, locked.call.tenant, now)
    decision = decide(again, locked.plan, Ledger(), now, rulebook)
    return Close(decision.reason) if isinstance(decision, Never) else following


def suppress_person(s: Session, locked: LockedCall, reason: str, now: datetime) -> None:
    """All numbers of the person: it was the person who asked, not the telephone."""
    numbers, source = locked.phones, f"call {locked.id}"
    if locked.call.failure is FailureClass.REFUSED and locked.call.detail:
        source += f" ({locked.call.detail})"
    if suppress_all(s, locked.call.tenant, numbers, reason, now=now, source=source):
        locked.listed = tuple(numbers)
