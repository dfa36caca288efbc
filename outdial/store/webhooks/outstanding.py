"""Which endpoints have something due, at a cost that does not grow with what is pending.

Every worker queries this a few times a second. Deliveries behind one that waits for its next try
carry its time, so that no query reads them before it is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlmodel import Session

from outdial.domain.endpoint import Delivery, DeliveryState, EndpointKind, EndpointState
from outdial.store.db.tables import delivery, endpoint

_STATE: ColumnElement[str] = literal_column(f"'{DeliveryState.PENDING.value}'")
"""Written out: with a parameter in its place no database knows that a partial index is meant."""
PENDING = delivery.c.state == _STATE
_EARLIER = delivery.alias("earlier")
FIRST = ~exists().where(
    _EARLIER.c.endpoint_id == delivery.c.endpoint_id,
    _EARLIER.c.subject == delivery.c.subject,
    _EARLIER.c.state == _STATE,
    _EARLIER.c.id < delivery.c.id,
)
"""Nothing older of its subject is pending."""


def _with_pending() -> CTE:
    """Ids of endpoints with pending deliveries, by one step in the index each."""
    first = select(func.min(delivery.c.endpoint_id).label("id")).where(PENDING)
    steps = first.cte("with_pending", recursive=True)
    following = (
        select(func.min(delivery.c.endpoint_id))
        .where(PENDING, delivery.c.endpoint_id > steps.c.id)
        .correlate(steps)
        .scalar_subquery()
    )
    return steps.union_all(select(following).where(steps.c.id.is_not(None)))


def _endpoints_due() -> Select[Any]:
    """One due delivery of each endpoint that has pending ones."""
    steps = _with_pending()
    oldest = (
        select(delivery.c.next_at)
        .where(
            delivery.c.endpoint_id == endpoint.c.id,
            PENDING,
            delivery.c.next_at <= bindparam("now"),
            FIRST,
        )
        .order_by(delivery.c.next_at)
        .limit(1)
        .correlate(endpoint)
        .scalar_subquery()
    )
    oldest_due = (
        select(endpoint.c.tenant, endpoint.c.id, oldest.label("at"))
        .join_from(
            steps,
            endpoint,
            and_(endpoint.c.id == steps.c.id, endpoint.c.state == EndpointState.ENABLED.value),
        )
        .subquery()
    )
    turn = func.row_number().over(partition_by=oldest_due.c.tenant, order_by=oldest_due.c.at)
    by_turn = select(oldest_due, turn.label("turn")).where(oldest_due.c.at.is_not(None)).subquery()
    # The longest due of each tenant first, then the second of each: no tenant fills the list alone.
    return (
        select(by_turn.c.tenant, by_turn.c.id)
        .order_by(by_turn.c.turn, by_turn.c.at)
        .limit(bindparam("most"))
    )


_DUE = _endpoints_due()
_WITH_PENDING = _with_pending()
_BUSY_URLS = (
    select(func.count())
    .select_from(_WITH_PENDING)
    .join(endpoint, endpoint.c.id == _WITH_PENDING.c.id)
    .where(
        endpoint.c.tenant == bindparam("of_tenant"),
        endpoint.c.kind == EndpointKind.CALL.value,
        endpoint.c.state == EndpointState.ENABLED.value,
    )
)
_HEAD = delivery.alias("head")
_DUE_ROWS = (
    select(delivery.c.id, delivery.c.endpoint_id, delivery.c.subject)
    .where(PENDING, delivery.c.next_at <= bindparam("now"))
    .order_by(delivery.c.next_at, delivery.c.id)
)


def _first_behind(column: ColumnElement[Any], due: Any) -> Any:
    """A column of the oldest pending delivery of the same subject; that may be the same one.

    The comparison of pairs leaves one index that has the order: by `min(id)` PostgreSQL may go
    over the whole primary key instead."""
    return (
        select(column)
        .where(
            _HEAD.c.state == _STATE,
            _HEAD.c.endpoint_id == due.c.endpoint_id,
            tuple_(_HEAD.c.subject, _HEAD.c.id) >= tuple_(due.c.subject, literal_column("0")),
        )
        .order_by(_HEAD.c.subject, _HEAD.c.id)
        .limit(1)
        .correlate(due)
        .scalar_subquery()
    )


def _endpoints_blocked() -> Select[Any]:
    """Enabled endpoints that have blocked rows among those that are longest due."""
    steps = _with_pending()
    due = (
        _DUE_ROWS.where(delivery.c.endpoint_id == endpoint.c.id)
        .limit(bindparam("scanned"))
        .correlate(endpoint)
        .subquery("due")
    )
    waits = _first_behind(_HEAD.c.next_at, due) > bindparam("now")
    return (
        select(endpoint.c.id)
        .join_from(
            steps,
            endpoint,
            and_(endpoint.c.id == steps.c.id, endpoint.c.state == EndpointState.ENABLED.value),
        )
        .where(exists(select(due.c.id).where(waits).correlate(endpoint)))
    )


def _blocked_of_endpoint() -> Select[Any]:
    due = (
        _DUE_ROWS.where(delivery.c.endpoint_id == bindparam("of_endpoint"))
        .limit(bindparam("scanned"))
        .subquery("due")
    )
    return (
        select(due.c.id, _first_behind(_HEAD.c.id, due).label("head_id"))
        .where(_first_behind(_HEAD.c.next_at, due) > bindparam("now"))
        .limit(bindparam("most"))
    )


_BLOCKED_ENDPOINTS = _endpoints_blocked()
_BLOCKED = _blocked_of_endpoint()
_SCANNED = 1000
"""Due rows of one endpoint that one query reads. Those that are not blocked are first, or
behind one that is due: a drain takes them, and with them what hides blocked ones."""
_HEADS = (
    select(delivery.c.id, delivery.c.next_at)
    .where(
        delivery.c.id.in_(bindparam("ids", expanding=True)),
        PENDING,
        delivery.c.next_at > bindparam("now"),
    )
    # The delivery of the head moves those behind it up, and must see what is written here.
    .with_for_update(skip_locked=True)
)
_POSTPONE = (
    update(delivery)
    .where(delivery.c.id == bindparam("row_id"), PENDING)
    .values(next_at=bindparam("until"))
)


def endpoints_due(s: Session, *, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Tenant and id of endpoints for which something is due: the longest due of each tenant
    first, the tenants by turns."""
    rows = s.connection().execute(_DUE, {"now": now, "most": limit})
    return [(row.tenant, row.id) for row in rows]


def busy_urls(s: Session, tenant: str) -> int:
    """How many URLs that calls have named still have deliveries pending."""
    return int(s.connection().execute(_BUSY_URLS, {"of_tenant": tenant}).scalar_one())


class Blocked(NamedTuple):
    """A delivery that is due but stands behind one that waits for its next try."""

    id: int
    head_id: int


def find_blocked(s: Session, *, now: datetime, limit: int) -> list[Blocked]:
    """Blocked deliveries of enabled endpoints, the longest due of each; an equal share for each."""
    parameters = {"now": now, "scanned": _SCANNED}
    endpoints = s.connection().execute(_BLOCKED_ENDPOINTS, parameters).scalars().all()
    share = max(1, limit // max(1, len(endpoints)))
    blocked: list[Blocked] = []
    for one in endpoints[:limit]:
        rows = s.connection().execute(_BLOCKED, parameters | {"of_endpoint": one, "most": share})
        blocked += [Blocked(row.id, row.head_id) for row in rows]
    return blocked


def postpone(s: Session, blocked: Sequence[Blocked], *, now: datetime) -> int:
    """Give deliveries the time of the one that they stand behind, if it still waits; how many."""
    if not blocked:
        return 0
    ids = sorted({one.head_id for one in blocked})
    heads = {
        row.id: row.next_at for row in s.connection().execute(_HEADS, {"ids": ids, "now": now})
    }
    rows = [
        {"row_id": one.id, "until": heads[one.head_id]} for one in blocked if one.head_id in heads
    ]
    if rows:
        s.connection().execute(_POSTPONE, rows)
    return len(rows)


def wait_behind(s: Session, head: Delivery, at: datetime) -> None:
    """What is pending behind a delivery is due no earlier than its next try."""
    s.connection().execute(
        update(delivery)
        .where(
            delivery.c.endpoint_id == head.endpoint_id,
            delivery.c.subject == head.subject,
            delivery.c.id > head.id,
            PENDING,
            delivery.c.next_at < at,
        )
        .values(next_at=at)
    )


def move_up(s: Session, done: Sequence[Delivery], now: datetime) -> None:
    """What waited behind deliveries that are over is due."""
    for head in done:
        s.connection().execute(
            update(delivery)
            .where(
                delivery.c.endpoint_id == head.endpoint_id,
                delivery.c.subject == head.subject,
                delivery.c.id > head.id,
                PENDING,
                delivery.c.attempts == 0,
                delivery.c.next_at > now,
            )
            .values(next_at=now)
        )
