"""What a call's end leads to: the settlement, in whichever transaction comes first.

The end of a call settles it when no analysis is awaited, else the analysis does, else the first
claim after the wait. All of them come here, and only the first one changes anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session

from outdial.domain.call.consequences import asked_back
from outdial.domain.call.end import CallEnd
from outdial.domain.call.settlement import Close, Following, Redial, Settling, follow
from outdial.domain.call.status import (
    CALL_ME_LATER,
    OPTED_OUT,
    AnsweredBy,
    CallStatus,
    FailureClass,
    Fence,
    outcome_of,
)
from outdial.domain.decision.planner import Candidate, Ledger, Never, Reason, decide
from outdial.domain.line.routing import Moved, after_call
from outdial.domain.record import RecipientState, Settled
from outdial.store.appointments.slots import release_of_call
from outdial.store.call.cases import CANCELED, Case, load_cases, save_cases
from outdial.store.call.proving import answered_before
from outdial.store.callbacks.deciding import decide_after_call
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.compliance.suppressions import is_suppressed, suppress_all
from outdial.store.db.errors import UnknownCall
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
    case = _load(s, call_id)
    if case.status.terminal:
        # A late report may have made it hold a slot again (`store.call.late_slots`). Whoever says
        # that it was never placed knows nothing of that, and nothing of its end.
        free = _FREE if end.may_have_rung and not end.not_placed else _FREE_EXPIRED
        s.connection().execute(free, {"call_id": call_id, "by": now})
        return case.told(changed=False)
    if end.not_placed and case.call["fence"] in (Fence.PLACING, Fence.PLACED):
        return case.told(changed=False)
    end = _by_all_facts(case, _as_answered(case, end))
    _end(case, end, now)
    if case.plan.calendar is not None:
        release_of_call(s, call_id, now)
    s.connection().execute(_FREE, {"call_id": call_id})
    if end.analysis_wait <= timedelta(0) or case.call["analysed_at"] is not None:
        settle_cases(s, [case], now)
    save_cases(s, [case], now)
    note_end(s, case, now, fault=end.fault)
    return case.told(changed=True)


def withdraw_call(s: Session, case: Case, now: datetime) -> bool:
    """End a call that has not left, because of what an earlier one turned out to be; whether that
    could be done. Its recipient waits then; the caller decides what follows, and saves the case.
    """
    if case.status.terminal or case.call["fence"] != Fence.CLAIMED:
        return False
    _end(case, CallEnd.withdrawn(now, OVERTAKEN), now)
    if case.plan.calendar is not None:
        release_of_call(s, case.id, now)
    s.connection().execute(_FREE, {"call_id": case.id})
    settle_cases(s, [case], now, by_earlier=False)
    return True


def settle_call(s: Session, call_id: str, *, now: datetime) -> Settled:
    """Settle a call that has ended, whether or not its analysis has come. Raises UnknownCall."""
    case = _load(s, call_id)
    if not case.status.terminal or case.settled:
        return case.told(changed=False)
    settle_cases(s, [case], now)
    save_cases(s, [case], now)
    return case.told(changed=True)


def settle_overdue(
    s: Session, campaign_id: int, *, now: datetime, limit: int = 500
) -> list[Settled]:
    """Settle calls whose analysis was awaited long enough, those waiting longest first."""
    bounds = {"campaign_id": campaign_id, "now": now, "most": limit}
    cases = load_cases(s, s.connection().execute(_OVERDUE, bounds).scalars())
    # Between the two queries somebody else may have settled one.
    due = [case for case in cases if not case.settled]
    settle_cases(s, due, now)
    save_cases(s, due, now)
    return [case.told(changed=True) for case in due]


def decide_anew(s: Session, case: Case, outcome: str, now: datetime) -> None:
    """What follows for the recipient of a settled call, by an outcome that was proved later.

    The call keeps its status and outcome, and what was done after it stays done.
    """
    moved = _moved(case)
    settling = _settling(case, outcome, _earlier_outcomes(s, [case])[case.id], moved)
    following = _before_the_end(s, case, follow(settling, case.plan.retry), now)
    case.change_recipient(**_recipient_after(case, outcome, following, moved))
    case.decided_anew = True
    if isinstance(following, Close) and following.suppress is not None:
        suppress_person(s, case, following.suppress, now)


def settle_cases(
    s: Session, cases: Sequence[Case], now: datetime, *, by_earlier: bool = True
) -> None:
    """Decide what follows for calls that have ended; the caller saves them.

    A call that was no attempt leaves what came before it as it was: `by_earlier` is whether an
    earlier attempt is looked at, whose answer may have been proved since.
    """
    earlier = _earlier_outcomes(s, cases)
    for case in cases:
        outcome = _outcome(case)
        moved = _moved(case)
        settling = _settling(case, outcome, earlier[case.id], moved)
        following = follow(settling, case.plan.retry)
        if outcome == CANCELED:
            following = _after_a_stop(s, case, following)
        following = decide_after_call(s, case, settling, following, now)
        if by_earlier and not case.call["is_attempt"] and earlier[case.id]:
            following, known_by = _by_answer_before(s, case, following, earlier[case.id])
        else:
            known_by = None
        following = _before_the_end(s, case, following, now)
        case.change_call(outcome=outcome, settled_at=now)
        case.change_recipient(**_recipient_after(case, known_by or outcome, following, moved))
        if isinstance(following, Close) and following.suppress is not None:
            suppress_person(s, case, following.suppress, now)
        else:
            suppress_opted_out(s, case, now)


def suppress_opted_out(s: Session, case: Case, now: datetime) -> None:
    """Whoever asked not to be called is not called, however and whenever we learn of it."""
    if case.call["disposition"] == OPTED_OUT and case.call["answered_by"] != AnsweredBy.MACHINE:
        suppress_person(s, case, "opted out in a call", now)


def _load(s: Session, call_id: str) -> Case:
    cases = load_cases(s, [call_id])
    if not cases:
        raise UnknownCall(call_id)
    return cases[0]


def _by_all_facts(case: Case, end: CallEnd) -> CallEnd:
    """The end, by what events told as well: the workflow sees only some of them.

    A call that an event was about was made, whatever the answer to its placement said.
    """
    known = case.call
    answered_by = _known_better(known["answered_by"], end.answered_by)
    seen = end.model_copy(
        update={
            # What events told is the same or newer.
            "answered_by": None if answered_by is None else AnsweredBy(answered_by),
            "duration_seconds": _first(known["duration_seconds"], end.duration_seconds),
            "may_have_rung": end.may_have_rung or was_made(case),
        }
    )
    if seen.may_have_rung:
        seen = seen.by_facts(
            answered_before=known["answered_at"] is not None,
            started_before=known["status"] == CallStatus.IN_PROGRESS,
        )
    if seen.status is not CallStatus.COMPLETED or seen.analysis_wait > timedelta(0):
        return seen
    return seen.model_copy(update={"analysis_wait": end.wait_if_answered})


def was_made(case: Case) -> bool:
    """Whether an event, or the provider's id, proves that the provider has the call."""
    known = case.call
    if known["fence"] in (Fence.CLAIMED, Fence.CLOSED):
        return False  # nothing left that an event could be about
    proofs = (known["provider_call_id"], known["ringing_at"], known["answered_at"])
    return known["fence"] == Fence.PLACED or any(proof is not None for proof in proofs)


def _as_answered(case: Case, end: CallEnd) -> CallEnd:
    """Of a call that the provider did not take, its answer tells most: whoever records the end may
    know no more than that the call was not made."""
    known = case.call
    if known["fence"] != Fence.NOT_PLACED or end.may_have_rung or known["failure"] is None:
        return end
    wait = known["retry_after_seconds"]
    return end.model_copy(
        update={
            "status": CallStatus.FAILED,
            "failure": FailureClass(known["failure"]),
            "detail": known["detail"],
            "retry_after": end.retry_after if wait is None else timedelta(seconds=wait),
        }
    )


def _end(case: Case, end: CallEnd, now: datetime) -> None:
    known = case.call
    wait = end.retry_after
    failed = end.status is CallStatus.FAILED
    case.change_call(
        status=end.status.value,
        ended_at=case.instant(end.at, now),
        is_attempt=end.may_have_rung,
        failure=(end.failure or known["failure"]) if failed else None,
        detail=end.detail or known["detail"],
        retry_after_seconds=None if wait is None else wait.total_seconds(),
        answered_by=end.answered_by,
        duration_seconds=end.duration_seconds,
        settle_by=now + end.analysis_wait,
    )
    if known["fence"] == Fence.CLAIMED:
        case.change_call(fence=Fence.CLOSED.value)
    case.change_recipient(
        state=RecipientState.SETTLING.value,
        attempts=case.recipient["attempts"] + (1 if end.may_have_rung else 0),
    )


def _known_better(told: str | None, seen: AnsweredBy | None) -> str | None:
    if told in (None, AnsweredBy.UNKNOWN) and seen is not None:
        return seen.value
    return told


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _outcome(case: Case) -> str:
    known = case.call
    return outcome_of(
        case.status,
        answered_by=None if known["answered_by"] is None else AnsweredBy(known["answered_by"]),
        failure=None if known["failure"] is None else FailureClass(known["failure"]),
        disposition=known["disposition"],
    )


def _moved(case: Case) -> Moved:
    """Which of the campaign's lines are left for the person."""
    failure = None
    if case.status is CallStatus.FAILED:
        failure = FailureClass(case.call["failure"] or FailureClass.UNAVAILABLE)
    return after_call(
        case.plan.shares,
        read_marks(case.recipient["line_marks"]),
        case.call["line"],
        failure,
        may_have_rung=case.call["is_attempt"],
    )


def _settling(case: Case, outcome: str, earlier: list[str], moved: Moved) -> Settling:
    wait = case.call["retry_after_seconds"]
    return Settling(
        outcome=outcome,
        counts_as_attempt=case.call["is_attempt"],
        lines_left=moved.left,
        earlier_outcomes=earlier,
        zones=case.zones,
        ended_at=case.call["ended_at"],
        call_back_at=case.call["call_back_at"] or _asked_back(case),
        retry_after=None if wait is None else timedelta(seconds=wait),
        other_numbers=len(case.others),
        seed=str(case.call["recipient_id"]),
    )


def _asked_back(case: Case) -> datetime | None:
    """A time that the agent wrote without a zone is the callee's."""
    if case.call["disposition"] != CALL_ME_LATER:
        return None
    return asked_back(case.call["structured"] or {}, case.zones, case.call["ended_at"])


def _recipient_after(
    case: Case, outcome: str, following: Following, moved: Moved
) -> dict[str, Any]:
    over = case.takes_no_more_calls
    if isinstance(following, Close) or over is not None:
        because = following.because.text if isinstance(following, Close) else over
        return {"state": RecipientState.DONE.value, "outcome": outcome, "because": because}
    return {
        "state": RecipientState.WAITING.value,
        "outcome": outcome,
        "because": following.because.text,
        "not_before": following.not_before,
        "due_at": following.not_before,
        "promised": following.promised,
        "turn": 0,
        "line_marks": {line: mark.value for line, mark in moved.marks.items()},
        **_next_number(case, following),
    }


def _next_number(case: Case, following: Redial) -> dict[str, Any]:
    """Whose turn it is among the person's numbers; nothing when it stays."""
    if not case.others or not (following.next_number or following.drop_number):
        return {}
    phone, *others = case.others
    if not following.drop_number:
        others.append(case.call["phone"])
    # What lines think of the one number says nothing about the other.
    return {"phone": phone, "alternate_phones": others, "line_marks": {}}


def _earlier_outcomes(s: Session, cases: Sequence[Case]) -> dict[str, list[str]]:
    """Outcomes of the same recipients' earlier attempts, oldest first, by call."""
    outcomes: dict[int, list[str]] = defaultdict(list)
    repeated = [case.call["recipient_id"] for case in cases if case.call["number"] > 1]
    if repeated:
        found = (
            select(call.c.id, call.c.recipient_id, call.c.outcome)
            .where(
                call.c.recipient_id.in_(repeated), call.c.is_attempt, call.c.settled_at.is_not(None)
            )
            .order_by(call.c.recipient_id, call.c.number)
        )
        own = {case.id for case in cases}
        for call_id, recipient_id, outcome in s.connection().execute(found):
            if call_id not in own:
                outcomes[recipient_id].append(outcome)
    return {case.id: outcomes[case.call["recipient_id"]] for case in cases}


def _by_answer_before(
    s: Session, case: Case, following: Following, outcomes: list[str]
) -> tuple[Following, str | None]:
    """What follows a call that was no attempt, where the one before was answered, as its reports
    proved too late to keep this one from leaving; with the outcome that they prove."""
    found = answered_before(s, case)
    if found is None or (isinstance(following, Close) and following.suppress is not None):
        return following, None
    earlier, outcome = found
    settling = _settling(earlier, outcome, outcomes[:-1], _moved(earlier))
    then = follow(settling, case.plan.retry)
    if isinstance(following, Redial) and isinstance(then, Redial):
        return max(following, then, key=lambda redial: redial.not_before), outcome
    return (then if isinstance(then, Close) else following), outcome


def _after_a_stop(s: Session, case: Case, following: Following) -> Following:
    """A call that was stopped because its number was listed: the claim says what that leads to,
    another number of the person or their end."""
    reason = is_suppressed(s, case.call["tenant"], case.call["phone"])
    if reason is None:
        return following
    because = Reason("suppressed", f"stopped, the number must not be called: {reason}")
    return Redial(case.call["ended_at"], because)


def _before_the_end(s: Session, case: Case, following: Following, now: datetime) -> Following:
    """A redial for which no window opens before the campaign's end is none."""
    if isinstance(following, Close) or case.plan.schedule.end is None:
        return following
    evidence = case.evidence
    again = Candidate(
        zones=evidence.candidates,
        jurisdictions=evidence.jurisdictions,
        attempts=case.recipient["attempts"],
        not_before=following.not_before,
        consent=read_consent(case.recipient["consent"]),
        promised=following.promised,
    )
    rulebook = read_rulebook(s, case.call["tenant"], now)
    decision = decide(again, case.plan, Ledger(), now, rulebook)
    return Close(decision.because) if isinstance(decision, Never) else following


def suppress_person(s: Session, case: Case, reason: str, now: datetime) -> None:
    """All numbers of the person: it was the person who asked, not the telephone."""
    numbers = [case.call["phone"], *case.others]
    source = f"call {case.id}"
    if case.call["failure"] == FailureClass.REFUSED and case.call["detail"]:
        source += f" ({case.call['detail']})"
    if suppress_all(s, case.call["tenant"], numbers, reason, now=now, source=source):
        case.listed = tuple(numbers)
