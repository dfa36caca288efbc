"""Locks on recipients' numbers: two claims never start calls to one person at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, null, select, union_all
from sqlmodel import Session

from outdial.domain.numbers.phone import siblings, subscriber
from outdial.store.claims.candidates import NOT_CALLED, Recipient
from outdial.store.compliance.subscribers import number_lock
from outdial.store.db.bulk import among
from outdial.store.db.dialect import lock_keys, on_postgresql
from outdial.store.db.tables import lease, recipient

_LIVE = select(lease.c.phone).where(
    lease.c.tenant == bindparam("of_tenant"),
    among(lease.c.phone, "phones"),
)
_LIVE_AND_RECIPIENTS = union_all(
    select(
        recipient.c.id,
        recipient.c.attempts,
        recipient.c.calls,
        recipient.c.not_before,
        null().label("phone"),
    ).where(among(recipient.c.id, "ids"), recipient.c.state.in_(NOT_CALLED)),
    select(null(), null(), null(), null(), lease.c.phone).where(
        lease.c.tenant == bindparam("of_tenant"),
        among(lease.c.phone, "phones"),
    ),
)
"""Both in one statement: round trips dominate the cost of a claim."""


def lock_numbers(
    s: Session, tenant: str, recipients: Sequence[Recipient]
) -> tuple[set[str], set[int]]:
    """Lock all numbers of the recipients until the transaction ends.

    Returns the numbers (as subscribers) that have a call in flight, and the ids of recipients that
    a late report has changed since they were read. The others can't change while locked.
    """
    subscribers = sorted({number for each in recipients for number in each.subscribers})
    if not subscribers:
        return set(), set()
    lock_keys(s, [number_lock(tenant, number) for number in subscribers])
    phones = [text for number in subscribers for text in siblings(number)]
    values: dict[str, Any] = {"of_tenant": tenant, "phones": phones}
    if not on_postgresql(s):  # no other transaction writes
        live = s.connection().execute(_LIVE, values)
        return set(map(subscriber, live.scalars())), set()
    values["ids"] = [each.id for each in recipients]
    busy, changed = set[str](), {each.id: each for each in recipients}
    for row in s.connection().execute(_LIVE_AND_RECIPIENTS, values):
        if row.phone is not None:
            busy.add(subscriber(row.phone))
        elif _unchanged(changed[row.id], row):
            del changed[row.id]
    return busy, set(changed)


def _unchanged(before: Recipient, row: Row[Any]) -> bool:
    candidate = before.candidate
    return (before.calls, candidate.attempts, candidate.not_before) == (
        row.calls,
        row.attempts,
        row.not_before,
    )
