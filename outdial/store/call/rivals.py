"""Calls that have to give way to one whose evidence comes late, locked together with it.

Locked in the order of a claim: numbers, calls by id, recipients. Whoever holds the numbers of a
person keeps claims of all campaigns from deciding about them, so that what is looked up behind
these locks is still true when it is used.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlmodel import Session

from outdial.domain.call.status import Fence
from outdial.domain.numbers.phone import siblings
from outdial.store.call.late_evidence import may_change_what_follows
from outdial.store.call.locked_call import LockedCall, lock_calls
from outdial.store.compliance.subscribers import number_lock
from outdial.store.db.dialect import lock_keys
from outdial.store.db.tables import call, lease, recipient

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
_REDIALS = select(call.c.id).where(
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


@dataclass(frozen=True, slots=True)
class LockedCalls:
    calls: list[LockedCall]
    """The calls that were asked for."""
    rivals: list[LockedCall]
    """Others, claimed and not left, to the same recipients or numbers."""


def lock_with_rivals(s: Session, call_ids: Collection[str], late: Collection[str]) -> LockedCalls:
    """Lock calls with their recipients, and the rivals of those whose evidence comes `late`."""
    found = _rivals(s, late)
    loaded = lock_calls(s, {*call_ids, *found}, of_one_recipient=bool(found))
    calls = [locked for locked in loaded if locked.id in call_ids]
    rivals = [locked for locked in loaded if locked.id not in call_ids]
    # Ended between the look at it and the lock. What is locked now is out of order, and may have
    # to be repeated; that is rare enough.
    ended = {locked.id for locked in calls if locked.id not in late and _is_late(locked)}
    missed = _rivals(s, ended) - {locked.id for locked in loaded}
    if missed:
        again = lock_calls(s, {locked.id for locked in loaded} | missed, of_one_recipient=True)
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
    found = set(s.connection().execute(_REDIALS, people).scalars())
    for tenant in sorted({row.tenant for row in rows}):
        forms = {form for row in rows if row.tenant == tenant for form in siblings(row.phone)}
        of_numbers = {"of_tenant": tenant, "numbers": sorted(forms)}
        found |= set(s.connection().execute(_HOLDERS, of_numbers).scalars())
    return found - set(late)
