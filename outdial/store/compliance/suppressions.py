"""Suppression lists: numbers that must not be called, read by every decision and by the fence.

Each tenant has a list, and one is for all tenants. What is listed now is one table, how it came
to be is another, to which rows are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, delete, func, insert, select
from sqlmodel import Session

from outdial.domain.call.status import CallStatus
from outdial.domain.numbers.phone import siblings, subscriber
from outdial.domain.record import CallRecord
from outdial.store.db.bulk import among
from outdial.store.db.dialect import insert_into
from outdial.store.db.tables import call, lease, suppression, suppression_change
from outdial.store.records import call_record
from outdial.store.webhooks.outbox import publish_suppressions

EVERY_TENANT = "*"
LISTED, LIFTED = "listed", "lifted"
_STEP = 500
BEFORE_A_TALK = (CallStatus.QUEUED.value, CallStatus.RINGING.value)

_AMONG = (
    select(suppression.c.phone, func.min(suppression.c.reason).label("reason"))
    .where(
        suppression.c.tenant.in_(bindparam("of_tenants", expanding=True)),
        among(suppression.c.phone, "phones"),
    )
    .group_by(suppression.c.phone)
)


@dataclass(frozen=True, slots=True)
class SuppressionChange:
    tenant: str
    change: str
    reason: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Suppression:
    phone: str
    reason: str
    source: str
    since: datetime


def reason_of(tenant: ColumnElement[str], phone: ColumnElement[str]) -> ScalarSelect[str | None]:
    """Why a number is on the tenant's list or on the one for all, as part of a statement."""
    query = select(func.min(suppression.c.reason)).where(
        suppression.c.tenant.in_([tenant, EVERY_TENANT]), suppression.c.phone == phone
    )
    return query.scalar_subquery()


def suppress_all(
    s: Session, tenant: str, numbers: Iterable[str], reason: str, *, now: datetime, source: str
) -> int:
    """Put numbers (E.164) on a list; how many of them were not on it.

    A number that is written in several forms is listed in each, so that a query by any form
    finds it; it is counted and published once.
    """
    # Sorted, so that two transactions with the same numbers lock them in one order.
    distinct = sorted({subscriber(number): number for number in sorted(set(numbers))}.values())
    added = 0
    for start in range(0, len(distinct), _STEP):
        step = distinct[start : start + _STEP]
        rows = [
            {
                "tenant": tenant,
                "phone": text,
                "reason": reason,
                "source": source,
                "created_at": now,
            }
            for number in step
            for text in sorted(siblings(number))
        ]
        new = s.connection().execute(
            insert_into(s, suppression)
            .values(rows)
            .on_conflict_do_nothing()
            .returning(suppression.c.phone)
        )
        listed = set(map(subscriber, new.scalars()))
        fresh = [number for number in step if subscriber(number) in listed]
        added += _note(s, tenant, fresh, LISTED, reason, source, now)
    return added


def lift(
    s: Session,
    tenant: str,
    number: str,
    *,
    now: datetime,
    reason: str = "lifted",
    source: str = "operator",
) -> bool:
    """Allow a number again; the history stays, and so do recipients that ended because of it."""
    removed = s.connection().execute(
        delete(suppression)
        .where(suppression.c.tenant == tenant, suppression.c.phone.in_(siblings(number)))
        .returning(suppression.c.phone)
    )
    lifted = [number] if removed.scalars().all() else []
    return _note(s, tenant, lifted, LIFTED, reason, source, now) > 0


def is_suppressed(s: Session, tenant: str, number: str) -> str | None:
    """Why a number must not be called; None when it may."""
    query = select(reason_of(bindparam("of_tenant", tenant), bindparam("number", number)))
    reason: str | None = s.connection().execute(query).scalar_one_or_none()
    return reason


def suppressed_among(s: Session, tenant: str, numbers: Sequence[str]) -> dict[str, str]:
    """Those of the numbers that must not be called, each with the reason."""
    reasons: dict[str, str] = {}
    for start in range(0, len(numbers), _STEP):
        of_step = {"of_tenants": [tenant, EVERY_TENANT], "phones": numbers[start : start + _STEP]}
        rows = s.connection().execute(_AMONG, of_step)
        reasons.update((row.phone, row.reason) for row in rows)
    return reasons


def list_suppressed(
    s: Session, tenant: str, *, limit: int, after: str | None = None
) -> list[Suppression]:
    """What is on a tenant's own list now, by number."""
    query = select(suppression).where(suppression.c.tenant == tenant)
    if after is not None:
        query = query.where(suppression.c.phone > after)
    rows = s.connection().execute(query.order_by(suppression.c.phone).limit(limit))
    return [Suppression(row.phone, row.reason, row.source, row.created_at) for row in rows]


def history(s: Session, tenant: str, number: str) -> list[SuppressionChange]:
    """Every listing and lifting of a number, for the tenant and for all, oldest first."""
    query = (
        select(suppression_change)
        .where(
            suppression_change.c.phone.in_(siblings(number)),
            suppression_change.c.tenant.in_([tenant, EVERY_TENANT]),
        )
        .order_by(suppression_change.c.id)
    )
    return [
        SuppressionChange(row.tenant, row.change, row.reason, row.source, row.at)
        for row in s.connection().execute(query)
    ]


def calls_before_a_talk(s: Session, tenant: str, numbers: Sequence[str]) -> list[CallRecord]:
    """Calls to these numbers that are queued or ringing; `*`: of all tenants."""
    calls: list[CallRecord] = []
    numbers = [text for number in numbers for text in siblings(number)]
    for start in range(0, len(numbers), _STEP):
        step = (
            select(call)
            # Every lease has its call; "outer" keeps SQLite from starting with the longer table.
            .join_from(lease, call, call.c.id == lease.c.call_id, isouter=True)
            .where(
                lease.c.phone.in_(numbers[start : start + _STEP]),
                call.c.status.in_(BEFORE_A_TALK),
            )
            .order_by(call.c.id)
        )
        if tenant != EVERY_TENANT:
            step = step.where(lease.c.tenant == tenant)
        calls += [call_record(row) for row in s.connection().execute(step).mappings()]
    return calls


def _note(
    s: Session,
    tenant: str,
    numbers: Sequence[str],
    change: str,
    reason: str,
    source: str,
    now: datetime,
) -> int:
    if numbers:
        rows = [
            {
                "tenant": tenant,
                "phone": number,
                "change": change,
                "reason": reason,
                "source": source,
                "at": now,
            }
            for number in numbers
        ]
        s.connection().execute(insert(suppression_change), rows)
        if change == LISTED:
            publish_suppressions(s, tenant, numbers, reason, source, now=now)
    return len(numbers)
