"""Late evidence: provider reports about a call whose end is already recorded.

The status and the outcome of the call stay. What limits count changes: a call that was recorded as
never placed becomes an attempt, and what follows for the recipient is decided again if it was
answered or refused. While it is in flight it holds a slot again, until its end is reported or the
sweeper ends it.

Rivals are newer calls to the same person or number that were not sent yet: they are withdrawn. They
are locked together with the call, in the order of a claim: numbers, calls by id, recipients.
Whoever holds the numbers of a person keeps claims of all campaigns from deciding about them, so
what is looked up behind these locks is still true when it is used.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session

from outdial.domain.call.event import EventSummary
from outdial.domain.call.lease import lease_duration
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.numbers.phone import siblings
from outdial.domain.record import RecipientState
from outdial.store.call.locked_call import LockedCall, lock_calls
from outdial.store.call.settlement import (
    proved_outcome,
    revise_next_attempt,
    suppress_person,
    talked,
    was_made,
    withdraw_call,
)
from outdial.store.compliance.subscribers import number_lock
from outdial.store.db.dialect import insert_into, lock_keys
from outdial.store.db.tables import call, lease, recipient

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
_PERSONS = (
    select(
        call.c.tenant,
        call.c.phone,
        call.c.recipient_id,
        recipient.c.phone.label("own"),
        recipient.c.alternate_phones,
    )
    .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
    .where(call.c.id.in_(bindparam("call_ids", expanding=True)))
)
_CLAIMED = call.c.fence == Fence.CLAIMED.value
_LATER_CALLS = select(call.c.id).where(
    call.c.recipient_id.in_(bindparam("recipients", expanding=True)), _CLAIMED
)
_HOLDERS = (
    select(call.c.id)
    .join_from(lease, call, call.c.id == lease.c.call_id)
    .where(
        lease.c.tenant == bindparam("of_tenant"),
        lease.c.phone.in_(bindparam("numbers", expanding=True)),
        _CLAIMED,
    )
)
_SLOT_HOLDER = select(lease.c.call_id).where(
    lease.c.tenant == bindparam("of_tenant"),
    lease.c.phone.in_(bindparam("numbers", expanding=True)),
)
_FREE = delete(lease).where(lease.c.call_id == bindparam("of_call"))


def may_change_what_follows(status: CallStatus, is_attempt: bool, *, settled: bool) -> bool:
    """Whether reports about a call may change what was decided for its recipient at its end."""
    if not status.terminal or status is CallStatus.COMPLETED:
        return False
    return settled or not is_attempt


@dataclass(frozen=True, slots=True)
class LockedCalls:
    calls: list[LockedCall]
    """The calls that were to be locked."""
    rivals: list[LockedCall]
    """Other calls to the same recipients or numbers: claimed, and not sent yet."""


def lock_with_rivals(s: Session, call_ids: Collection[str], late: Collection[str]) -> LockedCalls:
    """Lock calls with their recipients, and the rivals of those whose evidence comes `late`."""
    rival_ids = _rivals(s, late)
    loaded = lock_calls(s, {*call_ids, *rival_ids})
    calls = [locked for locked in loaded if locked.id in call_ids]
    rivals = [locked for locked in loaded if locked.id not in call_ids]
    # Ended between the read and the lock. What is locked now is out of order, and may have
    # to be repeated; that is rare enough.
    ended = {locked.id for locked in calls if locked.id not in late and _is_late(locked)}
    missed = _rivals(s, ended) - {locked.id for locked in loaded}
    if missed:
        again = lock_calls(s, {locked.id for locked in loaded} | missed)
        calls = [locked for locked in again if locked.id in call_ids]
        rivals = [locked for locked in again if locked.id not in call_ids]
    return LockedCalls(calls, rivals)


def _is_late(locked: LockedCall) -> bool:
    return may_change_what_follows(locked.status, locked.call.is_attempt, settled=locked.settled)


def _rivals(s: Session, late: Collection[str]) -> set[str]:
    """Ids of the rivals of calls; all numbers of their recipients are locked."""
    if not late:
        return set()
    rows = s.connection().execute(_PERSONS, {"call_ids": sorted(late)}).all()
    numbers = {(r.tenant, n) for r in rows for n in (r.phone, r.own, *r.alternate_phones)}
    lock_keys(s, [number_lock(tenant, number) for tenant, number in numbers])
    people = {"recipients": sorted({row.recipient_id for row in rows})}
    rivals = set(s.connection().execute(_LATER_CALLS, people).scalars())
    for tenant in sorted({row.tenant for row in rows}):
        forms = {form for row in rows if row.tenant == tenant for form in siblings(row.phone)}
        of_numbers = {"of_tenant": tenant, "numbers": sorted(forms)}
        rivals |= set(s.connection().execute(_HOLDERS, of_numbers).scalars())
    return rivals - set(late)


def take_late_evidence(
    s: Session,
    locked: LockedCall,
    summary: EventSummary,
    others: Sequence[LockedCall],
    now: datetime,
) -> None:
    """Bring attempts, suppressions and what follows up to date; the caller saves the calls.

    `summary` is of all events of the call, `others` are the calls that are locked together with it.
    """
    counted, ending = locked.call.is_attempt, summary.ending
    if not counted and not was_made(locked):
        return
    if ending is None:
        locked.rings_again = not counted or locked.costs_most
    outcome = proved_outcome(locked, summary)
    proved_later = talked(summary, outcome) and locked.status is not CallStatus.COMPLETED
    if not counted or (locked.settled and proved_later):
        _withdraw_later_calls(s, locked, others, now)
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
        revise_next_attempt(s, locked, outcome, now)


def _withdraw_later_calls(
    s: Session, locked: LockedCall, others: Sequence[LockedCall], now: datetime
) -> None:
    """Withdraw later calls to the recipient that were claimed before this evidence came."""
    for other in others:
        same = other.call.recipient_id == locked.call.recipient_id
        if same and other.call.number > locked.call.number:
            withdraw_call(s, other, now, overtaken_by=locked.id)


def _waits_for_what_follows(s: Session, locked: LockedCall) -> bool:
    """Whether the recipient waits, and no later call to them has left."""
    if locked.recipient.state not in _WAITS:
        return False
    if locked.recipient.calls == locked.call.number:
        return True
    values = {"of_recipient": locked.call.recipient_id, "after": locked.call.number}
    return s.connection().execute(_LEFT_SINCE, values).first() is None


def free_slot(s: Session, locked: LockedCall) -> None:
    """Free the slot of a call whose end its provider has reported."""
    s.connection().execute(_FREE, {"of_call": locked.id})


def hold_number_again(
    s: Session, locked: LockedCall, others: Sequence[LockedCall], now: datetime
) -> None:
    """Take a slot for the call again, in place of one that was claimed and has not left.

    The number is locked, and who holds it is among `others` if it can be withdrawn.
    A second call that was already sent can't be recalled: both ring.
    """
    tenant, phone = locked.call.tenant, locked.call.phone
    of_number = {"of_tenant": tenant, "numbers": list(siblings(phone))}
    holder = s.connection().execute(_SLOT_HOLDER, of_number).scalars().first()
    if holder is not None:
        claimed = next((other for other in others if other.id == holder), None)
        if holder == locked.id or claimed is None:
            return
        if not withdraw_call(s, claimed, now, overtaken_by=locked.id):
            return
    s.connection().execute(
        insert_into(s, lease)
        .values(
            call_id=locked.id,
            campaign_id=locked.call.campaign_id,
            tenant=tenant,
            line=locked.call.line,
            phone=phone,
            acquired_at=now,
            expires_at=now + lease_duration(locked.call),
        )
        .on_conflict_do_nothing()
    )
