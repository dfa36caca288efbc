"""Deliveries: what is due, what was sent, and the log of both.

Events of one subject go out one after another: while one waits to be tried again, those behind
it wait too. Events of other subjects go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    bindparam,
    delete,
    insert,
    select,
    union_all,
    update,
)
from sqlmodel import Session

from outdial.domain.endpoint import (
    RETRY_AFTER,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Endpoint,
    EndpointState,
    EventType,
    next_try,
)
from outdial.store.db.dialect import unindexed
from outdial.store.db.ranges import Equal, between, page_of, read_in_order
from outdial.store.db.tables import delivery, delivery_attempt, endpoint
from outdial.store.webhooks.endpoints import endpoint_of_row
from outdial.store.webhooks.outbox import OutboxEvent, publish
from outdial.store.webhooks.outstanding import mark_due
from outdial.store.webhooks.queues import advance, read_due
from outdial.store.webhooks.secrets import former_secrets

GONE = 410
_DROP_ATTEMPTS = delete(delivery_attempt).where(
    delivery_attempt.c.delivery_id == bindparam("of_delivery")
)
_DROP = delete(delivery).where(delivery.c.id == bindparam("of_delivery"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a delivery attempt."""

    attempt: DeliveryAttempt
    retry_after: timedelta | None = None
    """The time of its Retry-After."""
    never: bool = False
    """It can't be sent, now or later."""
    nothing: bool = False
    """The endpoint's scheme has no such event: nothing was sent, and nothing will be."""

    @property
    def delivered(self) -> bool:
        return self.attempt.status is not None and 200 <= self.attempt.status < 300


@dataclass(frozen=True, slots=True)
class Due:
    """What may be sent to an endpoint now."""

    to: Endpoint | None
    """With the secrets that are valid now; None for one that is not enabled."""
    deliveries: list[Delivery]
    """One a subject."""
    crowded: bool = False
    """Deliveries behind others hide what else is due: `queues.set_aside` is to be called."""


def due(s: Session, endpoint_id: str, *, now: datetime, limit: int) -> Due:
    """The endpoint and its deliveries that are due."""
    enabled = select(endpoint).where(
        endpoint.c.id == endpoint_id, unindexed(endpoint.c.state) == EndpointState.ENABLED.value
    )
    row = s.connection().execute(enabled).mappings().first()
    if row is None:
        return Due(None, [])
    rows = read_due(s, endpoint_id, now=now, limit=limit)
    to = endpoint_of_row(row)
    if rows.rows:
        former = former_secrets(s, endpoint_id, now=now)
        to = to.model_copy(update={"former_secrets": former})
    return Due(to, [_delivery(each) for each in rows.rows], rows.crowded)


def record_outcome(
    s: Session,
    sent: Delivery,
    outcome: Outcome,
    *,
    now: datetime,
    waits: Sequence[timedelta] = RETRY_AFTER,
) -> None:
    """Log a request, and decide whether its delivery is over.

    The last try of a delivery that fails, with nothing delivered since its first one, disables
    its endpoint; 410 does at once.
    """
    if outcome.nothing:
        _drop(s, [sent.id])  # it was not received, so it is not logged
        advance(s, sent, now)
        return
    attempt = outcome.attempt
    s.connection().execute(
        insert(delivery_attempt).values(delivery_id=sent.id, **attempt.model_dump())
    )
    values: dict[str, object] = {
        "attempts": sent.attempts + 1,
        "last_status": attempt.status,
        "last_error": attempt.error,
    }
    if outcome.delivered:
        _change(s, sent, values | {"state": DeliveryState.DELIVERED.value, "delivered_at": now})
        advance(s, sent, now)
        _of_endpoint(s, sent.endpoint_id, failing=None)
        return
    _of_endpoint(s, sent.endpoint_id, failing=attempt.at)
    wait = next_try(sent.attempts + 1, outcome.retry_after, waits)
    gone = attempt.status == GONE
    if wait is not None and not gone and not outcome.never:
        _change(s, sent, values | {"next_at": now + wait})
        return
    _change(s, sent, values | {"state": DeliveryState.FAILED.value})
    advance(s, sent, now)
    if gone:
        _disable(s, sent, "it answered 410 Gone", now)
    elif wait is None and _failing_since(s, sent.endpoint_id) <= _first_try(s, sent):
        _disable(
            s, sent, f"all {sent.attempts + 1} tries failed, the last one with {attempt.error}", now
        )


def redeliver(s: Session, tenant: str, delivery_id: int, *, now: datetime) -> bool:
    """Send one again, with all its retries; False when the tenant has no such delivery."""
    again = s.connection().execute(
        update(delivery)
        .where(delivery.c.tenant == tenant, delivery.c.id == delivery_id)
        .values(
            state=DeliveryState.PENDING.value,
            attempts=0,
            next_at=now,
            delivered_at=None,
        )
        .returning(delivery.c.endpoint_id)
    )
    endpoint_id = again.scalar_one_or_none()
    if endpoint_id is None:
        return False
    mark_due(s, [endpoint_id], now)
    return True


def delete_delivered(s: Session, *, before: datetime, limit: int) -> int:
    """Delete what was delivered before an instant, with its log; how many. Repeat it until it is
    fewer than `limit`. What was not delivered stays."""
    old = (
        select(delivery.c.id)
        .where(delivery.c.delivered_at < before)
        .order_by(delivery.c.delivered_at)
        .limit(limit)
        # Several workers look, and one may be redelivered by hand at this moment.
        .with_for_update(skip_locked=True)
    )
    ids = list(s.connection().execute(old).scalars())
    if ids:
        _drop(s, ids)
    return len(ids)


def _drop(s: Session, ids: Sequence[int]) -> None:
    # One by one: for a long list PostgreSQL may read the whole table.
    rows = [{"of_delivery": each} for each in ids]
    s.connection().execute(_DROP_ATTEMPTS, rows)
    s.connection().execute(_DROP, rows)


def get_delivery(s: Session, tenant: str, delivery_id: int) -> Delivery | None:
    statement = select(delivery).where(delivery.c.tenant == tenant, delivery.c.id == delivery_id)
    row = s.connection().execute(statement).mappings().first()
    return None if row is None else _delivery(row)


def attempts_of(s: Session, delivery_id: int) -> list[DeliveryAttempt]:
    """The requests of a delivery, oldest first."""
    statement = select(delivery_attempt).where(delivery_attempt.c.delivery_id == delivery_id)
    rows = s.connection().execute(statement.order_by(delivery_attempt.c.id)).mappings()
    return [DeliveryAttempt(**{n: row[n] for n in DeliveryAttempt.model_fields}) for row in rows]


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    endpoint_id: str | None = None
    type: str | None = None
    state: DeliveryState | None = None
    subject: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


def list_deliveries(
    s: Session,
    tenant: str,
    chosen: DeliveryFilter,
    *,
    limit: int,
    before: tuple[datetime, int] | None = None,
) -> list[Delivery]:
    """The newest first; `before` is the time and id of the last one of the page before.

    Read from a range of an index for each state, in the order of the list and no longer than the
    page: it costs what it shows, whatever the filter.
    """
    ranges = (
        page_of(
            select(delivery).where(*conditions),
            equal,
            (delivery.c.created_at, delivery.c.id),
            between(chosen.created_from, chosen.created_before),
            limit=limit,
            after=before,
            newest_first=True,
        )
        for equal, conditions in _ranges(tenant, chosen)
    )
    together = union_all(*(select(one.subquery()) for one in ranges)).subquery()
    statement = select(together).order_by(together.c.created_at.desc(), together.c.id.desc())
    rows = read_in_order(s, statement.limit(limit)).mappings()
    return [_delivery(row) for row in rows]


def _ranges(
    tenant: str, chosen: DeliveryFilter
) -> Iterator[tuple[Equal, list[ColumnElement[bool]]]]:
    """Ranges of one index, that of the subject, the endpoint or the type; and what else is to be
    so in them."""
    c = delivery.c
    first: list[tuple[ColumnElement[Any], Any]] = [(c.tenant, tenant)]
    conditions = []
    of = (c.subject, chosen.subject), (c.endpoint_id, chosen.endpoint_id), (c.type, chosen.type)
    for column, value in of:
        if value is not None and len(first) == 1:
            first.append((column, value))
        elif value is not None:
            conditions.append(unindexed(column) == value)
    states = [chosen.state] if chosen.state is not None else list(DeliveryState)
    if chosen.subject is not None:  # it has few
        yield first, [*conditions, unindexed(c.state).in_([state.value for state in states])]
        return
    for state in states:
        yield [*first, (c.state, state.value)], conditions


def _change(s: Session, sent: Delivery, values: dict[str, object]) -> None:
    s.connection().execute(update(delivery).where(delivery.c.id == sent.id).values(values))


def _of_endpoint(s: Session, endpoint_id: str, *, failing: datetime | None) -> None:
    changed = update(endpoint).where(endpoint.c.id == endpoint_id)
    if failing is None:
        changed = changed.where(endpoint.c.failing_since.is_not(None))
    else:
        changed = changed.where(endpoint.c.failing_since.is_(None))
    s.connection().execute(changed.values(failing_since=failing))


def _failing_since(s: Session, endpoint_id: str) -> datetime:
    statement = select(endpoint.c.failing_since).where(endpoint.c.id == endpoint_id)
    since: datetime = s.connection().execute(statement).scalar_one()
    return since


def _first_try(s: Session, sent: Delivery) -> datetime:
    """When the present round of tries began; the last one is logged already."""
    statement = select(delivery_attempt.c.at).where(delivery_attempt.c.delivery_id == sent.id)
    newest_first = statement.order_by(delivery_attempt.c.id.desc())
    at: datetime = s.connection().execute(newest_first.limit(1).offset(sent.attempts)).scalar_one()
    return at


def _disable(s: Session, sent: Delivery, reason: str, now: datetime) -> None:
    disabled = s.connection().execute(
        update(endpoint)
        .where(endpoint.c.id == sent.endpoint_id, endpoint.c.state == EndpointState.ENABLED.value)
        .values(
            state=EndpointState.DISABLED.value,
            reason=reason,
            updated_at=now,
            version=endpoint.c.version + 1,
        )
        .returning(endpoint.c.url)
    )
    url = disabled.scalar_one_or_none()
    if url is not None:
        data = {"endpoint": sent.endpoint_id, "url": url, "reason": reason}
        notice = OutboxEvent(
            EventType.ENDPOINT_DISABLED.value, f"endpoint/{sent.endpoint_id}", data
        )
        publish(s, sent.tenant, [notice], now=now)


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(**{name: row[name] for name in Delivery.model_fields})
