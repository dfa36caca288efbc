"""What follows for the recipient of a settled call: the next attempt, or the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.call.callback_effects import requested_redial
from outdial.domain.call.settlement import Close, Following, NextAttempt, Settling, numbers_after
from outdial.domain.call.status import CALL_ME_LATER, CallStatus, FailureClass
from outdial.domain.decision.decision import Candidate, Ledger, Never
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.line.routing import Moved, moved_after
from outdial.domain.record import RecipientState
from outdial.store.call.locked_call import LockedCall
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.compliance.suppressions import is_suppressed
from outdial.store.db.tables import call
from outdial.store.records import read_consent, read_marks


def earlier_outcomes(s: Session, locked_calls: Sequence[LockedCall]) -> dict[str, list[str]]:
    """Outcomes of the same recipients' earlier attempts, oldest first, by call."""
    outcomes: dict[int, list[str]] = defaultdict(list)
    repeated = [locked.call.recipient_id for locked in locked_calls if locked.call.number > 1]
    if repeated:
        statement = (
            select(call.c.id, call.c.recipient_id, call.c.outcome)
            .where(
                call.c.recipient_id.in_(repeated), call.c.is_attempt, call.c.settled_at.is_not(None)
            )
            .order_by(call.c.recipient_id, call.c.number)
        )
        own = {locked.id for locked in locked_calls}
        for call_id, recipient_id, outcome in s.connection().execute(statement):
            if call_id not in own:
                outcomes[recipient_id].append(outcome)
    return {locked.id: outcomes[locked.call.recipient_id] for locked in locked_calls}


def lines_after(locked: LockedCall) -> Moved:
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


def settling_of(locked: LockedCall, outcome: str, earlier: list[str], moved: Moved) -> Settling:
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
    """When the person asked to be called again; a time without a zone is read in the callee's."""
    if locked.call.disposition != CALL_ME_LATER:
        return None
    return requested_redial(locked.call.structured or {}, locked.zones, locked.ended_at)


def recipient_after(
    locked: LockedCall, outcome: str, following: Following, moved: Moved
) -> dict[str, Any]:
    over = locked.closing_reason
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
    """The number to call next, and which lines have failed it."""
    if locked.number_changed:
        return {}  # the first settlement chose the number; this call was to another one
    numbers = numbers_after(locked.call.phone, locked.recipient.alternate_phones, following)
    if numbers is None:
        return {"line_marks": {line: mark.value for line, mark in moved.marks.items()}}
    phone, others = numbers
    # Failures of a line with one number say nothing about another.
    return {"phone": phone, "alternate_phones": others, "line_marks": {}}


def replan_if_suppressed(s: Session, locked: LockedCall, following: Following) -> Following:
    """If the number was suppressed during the call, schedule at once: the next claim moves on to
    another number of the person, or ends the recipient."""
    suppression = is_suppressed(s, locked.call.tenant, locked.call.phone)
    if suppression is None:
        return following
    reason = Reason("suppressed", f"stopped, the number must not be called: {suppression}")
    return NextAttempt(locked.ended_at, reason)


def close_if_never_callable(
    s: Session, locked: LockedCall, following: Following, now: datetime
) -> Following:
    """End the recipient if no calling window opens before the campaign's end."""
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
