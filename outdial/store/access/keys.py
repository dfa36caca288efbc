"""API keys: found by their id, proved by the digest of their secret."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, insert, or_, select, update
from sqlmodel import Session

from outdial.domain.access import ApiKey
from outdial.store.db.ranges import read_in_order
from outdial.store.db.tables import api_key

_FIELDS = tuple(ApiKey.model_fields)
_BY_ID = select(api_key).where(api_key.c.id == bindparam("key_id"))
USED_EVERY = timedelta(minutes=1)
"""How exactly the last use is kept: writing it with every request would make one row the
bottleneck of all of them."""
_USED = (
    update(api_key)
    .where(
        api_key.c.id == bindparam("key_id"),
        or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at < bindparam("before")),
    )
    .values(last_used_at=bindparam("now"))
)


def add_key(s: Session, key: ApiKey, digest: str) -> None:
    values = key.model_dump() | {"scopes": list(key.scopes), "digest": digest}
    s.connection().execute(insert(api_key).values(values))


def prove_key(s: Session, key_id: str, digest: str, *, now: datetime) -> ApiKey | None:
    """The key with this id whose secret has this digest, revoked and expired ones too. Its use is
    noted."""
    key = match_key(s, key_id, digest, now=now)
    if key is not None and use_is_due(key, now):
        note_use(s, key_id, now=now)
    return key


def use_is_due(key: ApiKey, now: datetime) -> bool:
    """Whether the last use of a key that is used now was noted too long ago."""
    return key.last_used_at is None or key.last_used_at < now - USED_EVERY


def note_use(s: Session, key_id: str, *, now: datetime) -> None:
    used = {"key_id": key_id, "before": now - USED_EVERY, "now": now}
    s.connection().execute(_USED, used)


def match_key(s: Session, key_id: str, digest: str, *, now: datetime) -> ApiKey | None:
    """`prove_key`, but nothing is written."""
    row = s.connection().execute(_BY_ID, {"key_id": key_id}).mappings().first()
    if row is None:
        return None
    digests = [row["digest"]]
    if row["previous_until"] is not None and row["previous_until"] > now:
        digests.append(row["previous_digest"])
    if not any(hmac.compare_digest(digest, each) for each in digests):
        return None
    return _key(row)


def list_keys(s: Session, tenant: str, *, limit: int, after: str | None = None) -> list[ApiKey]:
    """A tenant's keys by id, revoked ones too."""
    statement = (
        select(api_key).where(api_key.c.tenant == tenant).order_by(api_key.c.id).limit(limit)
    )
    if after is not None:
        statement = statement.where(api_key.c.id > after)
    return [_key(row) for row in read_in_order(s, statement).mappings()]


def get_key(s: Session, tenant: str, key_id: str) -> ApiKey | None:
    statement = select(api_key).where(api_key.c.tenant == tenant, api_key.c.id == key_id)
    row = s.connection().execute(statement).mappings().first()
    return None if row is None else _key(row)


def change_key(s: Session, tenant: str, key_id: str, **values: Any) -> ApiKey | None:
    """Change columns of a key; None when the tenant has no such key."""
    s.connection().execute(
        update(api_key).where(api_key.c.tenant == tenant, api_key.c.id == key_id).values(values)
    )
    return get_key(s, tenant, key_id)


def rotate_key(
    s: Session, tenant: str, key_id: str, digest: str, *, previous_until: datetime
) -> ApiKey | None:
    """Give a key another secret; the one before stays good until an instant."""
    return change_key(
        s,
        tenant,
        key_id,
        previous_digest=api_key.c.digest,
        previous_until=previous_until,
        digest=digest,
    )


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(**{name: row[name] for name in _FIELDS})
