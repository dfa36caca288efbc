"""What providers report of a call after its end was recorded.

The status and the outcome of the call stay. What limits count changes: a call that was taken for
one that was never placed is an attempt from then on, and whoever answered or refused it is not
called again as if nothing had happened.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from domain.call import (
    OUTCOME_UNKNOWN,
    AnsweredBy,
    CallStatus,
    FailureClass,
    outcome_of,
)
from domain.event import CallEvent
from domain.evidence import ending_of
from domain.record import RecipientState
from store.cases import Case
from store.late_slots import free_slot, hold_number_again
from store.settlement import decide_anew, suppress_person, was_made

_WAITS = frozenset({RecipientState.WAITING.value, RecipientState.READY.value})


def take_late_evidence(
    s: Session, case: Case, answered: bool, ending: CallEvent | None, now: datetime
) -> None:
    """Bring attempts, suppressions and what follows up to date; the caller saves the case.

    `answered` is whether any event proves an answer, `ending` is the last that told of an end.
    """
    counted = case.call["is_attempt"]
    if not counted:
        if not was_made(case):
            return
        case.change_call(is_attempt=True)
        case.change_recipient(attempts=case.recipient["attempts"] + 1)
        if ending is None:
            hold_number_again(s, case, now)
    if ending is not None:
        free_slot(s, case)
    if not case.settled:
        return
    outcome = _outcome(case, answered, ending)
    if outcome == f"failed:{FailureClass.REFUSED}" != case.call["outcome"]:
        suppress_person(s, case, "refused a call", now)
    talked = answered or outcome == CallStatus.COMPLETED.value
    proved_later = talked and case.status is not CallStatus.COMPLETED
    if (proved_later or not counted) and _waits_for_what_follows(case):
        decide_anew(s, case, outcome, now)


def _outcome(case: Case, answered: bool, ending: CallEvent | None) -> str:
    """How the call went, by what is known now."""
    told = case.call["answered_by"]
    if answered:
        return outcome_of(
            CallStatus.COMPLETED,
            answered_by=None if told is None else AnsweredBy(told),
            disposition=case.call["disposition"],
        )
    if ending is None:
        return OUTCOME_UNKNOWN
    end = ending_of(ending)
    return outcome_of(end.status, failure=end.failure)


def _waits_for_what_follows(case: Case) -> bool:
    """Whether the recipient waits for the call that follows this one."""
    person = case.recipient
    return person["state"] in _WAITS and person["calls"] == case.call["number"]
