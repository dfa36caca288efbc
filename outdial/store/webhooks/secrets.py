"""Secrets of endpoints: rotated, valid for a while after that, and deleted."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, insert, select, update
from sqlmodel import Session

from outdial.store.db.tables import endpoint, former_secret
from outdial.store.webhooks.endpoints import REMOVED

MOST_FORMER = 2
"""Of one endpoint: each is one signature more on every webhook."""


def rotate_secret(
    s: Session, tenant: str, endpoint_id: str, secret: str, *, now: datetime, until: datetime
) -> bool:
    """Give an endpoint another secret; the one before stays valid until an instant, and ends at
    once when that is not later than now, as all before it do. False when there is no such
    endpoint."""
    mine = and_(
        endpoint.c.tenant == tenant, endpoint.c.id == endpoint_id, endpoint.c.state != REMOVED
    )
    statement = select(endpoint.c.secret).where(mine).with_for_update()
    before = s.connection().execute(statement).scalar_one_or_none()
    if before is None:
        return False
    if until > now:
        at = _later_than_all(s, endpoint_id, now)
        s.connection().execute(
            insert(former_secret).values(
                endpoint_id=endpoint_id, secret=before, rotated_at=at, ends_at=until
            )
        )
    _retain_newest(s, endpoint_id, MOST_FORMER if until > now else 0)
    s.connection().execute(
        update(endpoint)
        .where(mine)
        .values(secret=secret, updated_at=now, version=endpoint.c.version + 1)
    )
    return True


def _later_than_all(s: Session, endpoint_id: str, now: datetime) -> datetime:
    """Now, or just after the last rotation if the clock has not gone on since: the order in which
    secrets are given up is the order in which they were replaced."""
    statement = select(func.max(former_secret.c.rotated_at)).where(
        former_secret.c.endpoint_id == endpoint_id
    )
    last: datetime | None = s.connection().execute(statement).scalar_one()
    return now if last is None else max(now, last + timedelta(microseconds=1))


def former_secrets(s: Session, endpoint_id: str, *, now: datetime) -> tuple[str, ...]:
    """Those that are valid still, the oldest first."""
    statement = (
        select(former_secret.c.secret)
        .where(former_secret.c.endpoint_id == endpoint_id, former_secret.c.ends_at > now)
        .order_by(former_secret.c.rotated_at)
    )
    return tuple(s.connection().execute(statement).scalars())


def former_until(s: Session, endpoint_id: str, *, now: datetime) -> datetime | None:
    """When the last of the former secrets ends; None when none is valid."""
    statement = (
        select(former_secret.c.ends_at)
        .where(former_secret.c.endpoint_id == endpoint_id, former_secret.c.ends_at > now)
        .order_by(former_secret.c.ends_at.desc())
        .limit(1)
    )
    at: datetime | None = s.connection().execute(statement).scalar_one_or_none()
    return at


def delete_former_secrets(s: Session, *, now: datetime, limit: int) -> int:
    """Delete those that are no longer valid; how many. Repeat it until it is fewer than `limit`."""
    ended = (
        select(former_secret.c.endpoint_id, former_secret.c.secret)
        .where(former_secret.c.ends_at <= now)
        .order_by(former_secret.c.ends_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = s.connection().execute(ended).all()
    for endpoint_id, secret in rows:
        _drop(s, endpoint_id, secret)
    return len(rows)


def _retain_newest(s: Session, endpoint_id: str, count: int) -> None:
    statement = (
        select(former_secret.c.secret)
        .where(former_secret.c.endpoint_id == endpoint_id)
        .order_by(former_secret.c.rotated_at.desc())
    )
    for secret in list(s.connection().execute(statement).scalars())[count:]:
        _drop(s, endpoint_id, secret)


def _drop(s: Session, endpoint_id: str, secret: str) -> None:
    s.connection().execute(
        delete(former_secret).where(
            former_secret.c.endpoint_id == endpoint_id, former_secret.c.secret == secret
        )
    )
