"""Endpoints: the customers' URLs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, case, func, insert, select, update
from sqlmodel import Session

from outdial.domain.endpoint import Endpoint, EndpointKind, EndpointState
from outdial.store.db.dialect import lock_keys, unindexed
from outdial.store.db.ranges import page_of, read_in_order
from outdial.store.db.tables import endpoint, is_listed

REMOVED = "removed"
"""The state of one that its tenant has deleted; its deliveries stay in the log."""
_FIELDS = Endpoint.model_fields.keys() - {"former_secrets"}


def ensure_endpoint(s: Session, new: Endpoint) -> Endpoint:
    """The endpoint of a campaign or of calls with this URL; made when there is none."""
    name = f"endpoint/{new.tenant}/{new.kind}/{new.campaign_id}/{new.url}"
    lock_keys(s, [name])
    statement = select(endpoint).where(
        endpoint.c.tenant == new.tenant,
        endpoint.c.url_key == _key(new.url),
        endpoint.c.url == new.url,
        unindexed(endpoint.c.kind) == new.kind.value,
        unindexed(endpoint.c.scheme) == new.scheme,
        func.coalesce(endpoint.c.campaign_id, 0) == (new.campaign_id or 0),
        unindexed(endpoint.c.state) != REMOVED,
    )
    row = s.connection().execute(statement.limit(1)).mappings().first()
    if row is not None:
        return endpoint_of_row(row)
    add_endpoint(s, new)
    return new


def set_campaign_endpoints(
    s: Session, campaign_id: int, named: Sequence[Endpoint], *, now: datetime
) -> None:
    """Set a campaign's endpoints to those that its definition names, and remove its others.

    One that exists keeps its secret, and is enabled again.
    """
    ids = []
    for each in named:
        endpoint_of_url = ensure_endpoint(s, each)
        ids.append(endpoint_of_url.id)
        values = {"events": list(each.events), "state": each.state.value, "reason": None}
        change_endpoint(s, each.tenant, endpoint_of_url.id, values, version=None, now=now)
    s.connection().execute(
        update(endpoint)
        .where(endpoint.c.campaign_id == campaign_id, endpoint.c.id.not_in(ids))
        .values(state=REMOVED, updated_at=now)
    )


def add_endpoint(s: Session, new: Endpoint) -> None:
    values = new.model_dump(exclude={"former_secrets"}) | {"events": list(new.events)}
    values["url_key"] = _key(new.url)
    s.connection().execute(insert(endpoint).values(values))


def get_endpoint(s: Session, tenant: str, endpoint_id: str) -> Endpoint | None:
    statement = select(endpoint).where(
        endpoint.c.tenant == tenant, endpoint.c.id == endpoint_id, endpoint.c.state != REMOVED
    )
    row = s.connection().execute(statement).mappings().first()
    return None if row is None else endpoint_of_row(row)


def list_endpoints(
    s: Session,
    tenant: str,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
    scheme: str | None = None,
) -> list[Endpoint]:
    """Oldest first."""
    equal = [(endpoint.c.tenant, tenant)]
    if scheme is not None:
        equal.append((endpoint.c.scheme, scheme))
    order = endpoint.c.created_at, endpoint.c.id
    statement = select(endpoint).where(is_listed)
    statement = page_of(statement, equal, order, limit=limit, after=after)
    return [endpoint_of_row(row) for row in read_in_order(s, statement).mappings()]


def count_endpoints(s: Session, tenant: str, kind: EndpointKind, *, up_to: int) -> int:
    """How many endpoints of a kind a tenant has; no more are counted than `up_to`."""
    states = [state.value for state in EndpointState]
    some = (
        select(endpoint.c.id)
        .where(
            endpoint.c.tenant == tenant,
            endpoint.c.state.in_(states),
            endpoint.c.kind == kind.value,
        )
        .limit(up_to)
        .subquery()
    )
    return int(s.connection().execute(select(func.count()).select_from(some)).scalar_one())


def change_endpoint(
    s: Session,
    tenant: str,
    endpoint_id: str,
    values: dict[str, Any],
    *,
    version: int | None,
    now: datetime,
) -> bool:
    """Change columns; False when there is none of that version (any, if it is None)."""
    changed = update(endpoint).where(
        endpoint.c.tenant == tenant, endpoint.c.id == endpoint_id, endpoint.c.state != REMOVED
    )
    if version is not None:
        changed = changed.where(endpoint.c.version == version)
    named = values | {"updated_at": now, "version": endpoint.c.version + 1}
    if "url" in values:
        named["url_key"] = _key(values["url"])
    if "state" in values:
        # Enabled again, it gets what has waited meanwhile.
        enabled = endpoint.c.state == EndpointState.ENABLED.value
        named["due_at"] = case((enabled, endpoint.c.due_at), else_=now)
    return s.connection().execute(changed.values(named)).rowcount > 0


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def endpoint_of_row(row: RowMapping) -> Endpoint:
    return Endpoint(**{name: row[name] for name in _FIELDS})
