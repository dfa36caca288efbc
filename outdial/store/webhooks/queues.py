"""The pending deliveries of one endpoint, in the order in which they may go out.

Of one subject only the oldest is sent. Few behind it stay due, and a query that meets them passes
over them. Where so many are due that a query would read on and on, those behind are set aside:
their `next_at` is `BEHIND` until the one before them is over, so each is read and written once,
however often the first is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    RowMapping,
    Select,
    Subquery,
    literal,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlmodel import Session

from outdial.domain.endpoint import BEHIND, Delivery, DeliveryState
from outdial.store.db.tables import delivery

WINDOW = 50
"""Pending rows of one endpoint that a query reads."""
SET_ASIDE_AT_ONCE = 1000
_STATE: ColumnElement[str] = literal_column(f"'{DeliveryState.PENDING.value}'")
"""Written out: with a parameter in its place no database knows that a partial index is meant."""
PENDING = delivery.c.state == _STATE
_TICK = timedelta(microseconds=1)
_OTHER = delivery.alias("other")
_ORDER = (_OTHER.c.subject, _OTHER.c.endpoint_id, _OTHER.c.id)
_IN_ORDER = tuple_(*_ORDER)


def _oldest(column: ColumnElement[int], of: FromClause) -> ColumnElement[int]:
    """A column of the oldest pending delivery of the same subject; that may be the same one.

    The comparison of three columns leaves one index that has the order: by `min(id)` PostgreSQL
    may go over the whole primary key instead."""
    return (
        select(column)
        .where(
            _OTHER.c.state == _STATE,
            tuple_(of.c.subject, of.c.endpoint_id, literal_column("0")) <= _IN_ORDER,
        )
        .order_by(*_ORDER)
        .limit(1)
        .correlate(of)
        .scalar_subquery()
    )


def _next_rows(endpoint_id: str, before: datetime, limit: int) -> Subquery:
    """What is pending for an endpoint and due until an instant, the longest due first."""
    return (
        select(delivery.c.id, delivery.c.endpoint_id, delivery.c.subject, delivery.c.next_at)
        .where(delivery.c.endpoint_id == endpoint_id, PENDING, delivery.c.next_at <= before)
        .order_by(delivery.c.next_at, delivery.c.id)
        .limit(limit)
        .subquery("next_rows")
    )


@dataclass(frozen=True, slots=True)
class DueRows:
    """Deliveries that may be sent now."""

    rows: list[RowMapping]
    crowded: bool
    """Those behind others hide what else is due: they are to be set aside."""


def read_due(s: Session, endpoint_id: str, *, now: datetime, limit: int) -> DueRows:
    """Deliveries of an endpoint that are due, one a subject, the longest due first."""
    window = _next_rows(endpoint_id, now, WINDOW)
    read = s.connection().execute(_firsts_of(window)).all()
    ids = [row.id for row in read if row.first][:limit]
    crowded = len(read) == WINDOW and len(ids) < min(limit, WINDOW)
    if not ids:
        return DueRows([], crowded)
    rows = s.connection().execute(select(delivery).where(delivery.c.id.in_(ids))).mappings()
    by_id = {row["id"]: row for row in rows}
    return DueRows([by_id[one] for one in ids if one in by_id], crowded)


def next_due(s: Session, endpoint_id: str) -> datetime | None:
    """When something is due for an endpoint next; None when nothing is pending. Too early, if it
    is hidden behind others."""
    window = _next_rows(endpoint_id, BEHIND - _TICK, WINDOW)
    read = s.connection().execute(_firsts_of(window)).all()
    at: datetime | None = next((row.next_at for row in (*filter(_is_first, read), *read)), None)
    return at


def _firsts_of(window: Subquery) -> Select[Any]:
    """Rows in their order, and whether each is the oldest of its subject."""
    first = _oldest(_OTHER.c.id, window) == window.c.id
    return select(window.c.id, window.c.next_at, first.label("first")).order_by(
        window.c.next_at, window.c.id
    )


def _is_first(row: Row[Any]) -> bool:
    return bool(row.first)


def set_aside(s: Session, endpoint_id: str, *, now: datetime) -> int:
    """Set aside deliveries of an endpoint that are due, but behind another of their subject; how
    many. Repeat it until it is none."""
    window = _next_rows(endpoint_id, now, SET_ASIDE_AT_ONCE)
    statement = select(window.c.id, _oldest(_OTHER.c.id, window).label("oldest"))
    behind = {
        row.id: row.oldest for row in s.connection().execute(statement) if row.oldest != row.id
    }
    if not behind:
        return 0
    # Whoever ends one of these advances the subject, and must see what is written here.
    waiting = (
        select(delivery.c.id)
        .where(delivery.c.id.in_(sorted(set(behind.values()))), PENDING)
        .order_by(delivery.c.id)
        .with_for_update(skip_locked=True)
    )
    oldest = set(s.connection().execute(waiting).scalars())
    ids = sorted(one for one, first in behind.items() if first in oldest)
    if ids:
        s.connection().execute(
            update(delivery).where(delivery.c.id.in_(ids), PENDING).values(next_at=BEHIND)
        )
    return len(ids)


def advance(s: Session, over: Delivery, now: datetime) -> None:
    """A delivery is over: the next of its subject is due, if it waited for that alone."""
    following = (
        select(*_ORDER, _OTHER.c.next_at, _OTHER.c.attempts)
        .where(
            _OTHER.c.state == _STATE,
            tuple_(literal(over.subject), literal(over.endpoint_id), literal_column("0"))
            <= _IN_ORDER,
        )
        .order_by(*_ORDER)
        .limit(1)
    )
    row = s.connection().execute(following).first()
    if row is None or (row.subject, row.endpoint_id) != (over.subject, over.endpoint_id):
        return
    if row.next_at <= now:
        return
    if row.attempts == 0 or row.next_at >= BEHIND:
        s.connection().execute(
            update(delivery).where(delivery.c.id == row.id, PENDING).values(next_at=now)
        )
