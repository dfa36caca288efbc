"""Which endpoints have something due, at a cost that does not grow with what is pending.

Each endpoint carries `due_at`, when a worker looks into its outbox next: set by the transaction
that writes a delivery, moved on by the worker that takes the endpoint up, and cleared when its
outbox is found empty. Whatever is pending, the query for due endpoints reads those that are due.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from sqlalchemy import ColumnElement, func, literal_column, or_, select, update
from sqlmodel import Session

from outdial.domain.endpoint import EndpointKind, EndpointState
from outdial.store.db.dialect import unindexed
from outdial.store.db.ending import run_last
from outdial.store.db.ranges import read_in_order
from outdial.store.db.tables import endpoint
from outdial.store.webhooks.queues import next_due

TAKEN_FOR = timedelta(seconds=2)
"""A worker that takes an endpoint up starts or signals its delivery workflow; until then no other
worker looks, and no transaction that writes a delivery needs to say so."""
_WINDOW = 1000
"""Due endpoints that are shared out among their tenants at once."""
_ENABLED: ColumnElement[bool] = endpoint.c.state == literal_column(
    f"'{EndpointState.ENABLED.value}'"
)
"""Written out: with a parameter in its place no database knows that a partial index is meant."""
_IS_ENABLED = unindexed(endpoint.c.state) == EndpointState.ENABLED.value
"""Of endpoints that are named: without statistics PostgreSQL may look for an id in a partial index
of other columns, which is the smaller one."""


def mark_due(s: Session, endpoint_ids: Iterable[str], now: datetime) -> None:
    """Have a worker look into the outboxes of endpoints, once this transaction is committed.

    It writes only where nobody looks within `TAKEN_FOR`, and last of all: what waits for these
    rows holds none that another transaction that has them could still want.
    """
    marked: set[str] = s.info.setdefault("endpoints_due", set())
    if not marked:
        run_last(s, lambda: _mark(s, sorted(marked), now))
    marked.update(endpoint_ids)


def _mark(s: Session, marked: Sequence[str], now: datetime) -> None:
    # After the deliveries are written: each holds its endpoint's key, so that `rest` either
    # waits for this transaction or has cleared the mark before this statement reads it.
    idle = (
        select(endpoint.c.id)
        .where(
            endpoint.c.id.in_(marked),
            or_(endpoint.c.due_at.is_(None), endpoint.c.due_at > now + TAKEN_FOR),
        )
        .order_by(endpoint.c.id)
        .with_for_update(key_share=True)
    )
    ids = list(s.connection().execute(idle).scalars())
    if ids:
        s.connection().execute(update(endpoint).where(endpoint.c.id.in_(ids)).values(due_at=now))


def endpoints_due(s: Session, *, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Tenant and id of endpoints for which something is due: the longest due of each tenant
    first, the tenants by turns."""
    due = (
        select(endpoint.c.tenant, endpoint.c.id)
        .where(_ENABLED, endpoint.c.due_at <= now)
        .order_by(endpoint.c.due_at, endpoint.c.id)
    )
    rows = s.connection().execute(due.limit(_WINDOW)).all()
    if len(rows) == _WINDOW:
        tenants = _tenants_due(s, now, limit)
        share = -(-limit // max(1, len(tenants)))  # others may have taken all meanwhile
        rows = [
            row
            for tenant in tenants
            for row in s.connection().execute(due.where(endpoint.c.tenant == tenant).limit(share))
        ]
    of_tenants: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        of_tenants.setdefault(row.tenant, []).append((row.tenant, row.id))
    turns = zip_longest(*of_tenants.values())
    return [one for turn in turns for one in turn if one is not None][:limit]


def _tenants_due(s: Session, now: datetime, limit: int) -> list[str]:
    """Tenants with a due endpoint, the longest due first, by one step in the index each."""
    first = select(func.min(endpoint.c.tenant).label("tenant")).where(
        _ENABLED, endpoint.c.due_at.is_not(None)
    )
    steps = first.cte("tenants_due", recursive=True)
    following = (
        select(func.min(endpoint.c.tenant))
        .where(_ENABLED, endpoint.c.due_at.is_not(None), endpoint.c.tenant > steps.c.tenant)
        .correlate(steps)
        .scalar_subquery()
    )
    tenants = steps.union_all(select(following).where(steps.c.tenant.is_not(None)))
    oldest = (
        select(func.min(endpoint.c.due_at))
        .where(_ENABLED, endpoint.c.tenant == tenants.c.tenant, endpoint.c.due_at <= now)
        .correlate(tenants)
        .scalar_subquery()
    )
    since = select(tenants.c.tenant, oldest.label("since")).subquery()
    ordered = select(since.c.tenant).where(since.c.since.is_not(None)).order_by(since.c.since)
    return list(s.connection().execute(ordered.limit(limit)).scalars())


def take_up(s: Session, endpoint_ids: Sequence[str], *, now: datetime) -> set[str]:
    """Those of the due endpoints that no other worker has taken up; it looks again after
    `TAKEN_FOR`, should this one end before their outboxes are empty."""
    free = (
        select(endpoint.c.id)
        .where(endpoint.c.id.in_(endpoint_ids), _IS_ENABLED, endpoint.c.due_at <= now)
        .order_by(endpoint.c.id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    ids = list(s.connection().execute(free).scalars())
    if ids:
        taken = update(endpoint).where(endpoint.c.id.in_(ids)).values(due_at=now + TAKEN_FOR)
        s.connection().execute(taken)
    return set(ids)


def rest(s: Session, endpoint_id: str) -> datetime | None:
    """When something is due for an endpoint next, which is when a worker looks again; None when
    nothing is pending."""
    # A transaction that has written a delivery, and is not committed, holds the endpoint's key:
    # then the mark stays as it is.
    unused = (
        select(endpoint.c.id)
        .where(endpoint.c.id == endpoint_id, _IS_ENABLED)
        .with_for_update(skip_locked=True)
    )
    alone = s.connection().execute(unused).first() is not None
    at = next_due(s, endpoint_id)
    if alone:
        s.connection().execute(
            update(endpoint).where(endpoint.c.id == endpoint_id).values(due_at=at)
        )
    return at


def busy_urls(s: Session, tenant: str, limit: int) -> int:
    """How many URLs that calls have named still have deliveries pending; at most `limit`."""
    busy = (
        select(endpoint.c.id)
        .where(
            _ENABLED,
            endpoint.c.tenant == tenant,
            endpoint.c.due_at.is_not(None),
            unindexed(endpoint.c.kind) == EndpointKind.CALL.value,
        )
        .limit(limit)
        .subquery()
    )
    return int(read_in_order(s, select(func.count()).select_from(busy)).scalar_one())
