"""What providers report of a call after its end was recorded.

The status and the outcome of the call stay. What limits count changes: a call that was taken for
one that was never placed is an attempt from then on, and whoever answered or refused it is not
called again as if nothing had happened. A newer call to the same person that has not left yet is
withdrawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlmodel import Session

from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import RecipientState
from outdial.store.call.late_slots import free_slot, hold_number_again
from outdial.store.call.locked_call import LockedCall
from outdial.store.call.merging import Heard
from outdial.store.call.proving import proved_outcome, talked
from outdial.store.call.settlement import decide_anew, suppress_person, was_made, withdraw_call
from outdial.store.db.tables import call

_WAITS = frozenset({RecipientState.WAITING, RecipientState.READY})
_LEFT_SINCE = (
    select(call.c.id)
    .where(
        call.c.recipient_id == bindparam("of_recipient"),
        call.c.number > bindparam("after"),
        call.c.fence.in_([Fence.PLACING.value, Fence.PLACED.value]),
    )
    .limit(1)
)


def may_change_what_follows(status: CallStatus, is_attempt: bool, *, settled: bool) -> bool:
    """Whether reports about a call may change what was decided for its recipient at its end."""
    if not status.terminal or status is CallStatus.COMPLETED:
        return False
    return settled or not is_attempt


def take_late_evidence(
    s: Session, locked: LockedCall, heard: Heard, others: Sequence[LockedCall], now: datetime
) -> None:
    """Bring attempts, suppressions and what follows up to date; the caller saves the calls.

    `heard` is what all events of the call amount to, `others` are the calls that are locked
    together with it (`store.call.rivals`).
    """
    counted, ending = locked.call.is_attempt, heard.ending
    if not counted and not was_made(locked):
        return
    outcome = proved_outcome(locked, heard)
    proved_later = talked(heard, outcome) and locked.status is not CallStatus.COMPLETED
    if not counted or (locked.settled and proved_later):
        _withdraw_redials(s, locked, others, now)
    if not counted:
        locked.change_call(is_attempt=True)
        locked.change_recipient(attempts=locked.recipient.attempts + 1)
        if ending is None:
            hold_number_again(s, locked, others, now)
    if ending is not None:
        free_slot(s, locked)
    if not locked.settled:
        return
    if outcome == f"failed:{FailureClass.REFUSED}" != locked.call.outcome:
        suppress_person(s, locked, "refused a call", now)
    if (proved_later or not counted) and _waits_for_what_follows(s, locked):
        decide_anew(s, locked, outcome, now)


def _withdraw_redials(
    s: Session, locked: LockedCall, others: Sequence[LockedCall], now: datetime
) -> None:
    """What was claimed for the recipient on the strength of what was known before."""
    for other in others:
        same = other.call.recipient_id == locked.call.recipient_id
        if same and other.call.number > locked.call.number:
            withdraw_call(s, other, now)


def _waits_for_what_follows(s: Session, locked: LockedCall) -> bool:
    """Whether the recipient waits, and no later call to them has left."""
    if locked.recipient.state not in _WAITS:
        return False
    if locked.recipient.calls == locked.call.number:
        return True
    values = {"of_recipient": locked.call.recipient_id, "after": locked.call.number}
    return s.connection().execute(_LEFT_SINCE, values).first() is None
