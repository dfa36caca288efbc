"""Requests that carry an Idempotency-Key, and the responses stored for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlmodel import Session

from outdial.store.db.dialect import insert_into
from outdial.store.db.tables import idempotency


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """What identifies a request."""

    tenant: str
    key: str
    operation: str
    digest: str


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to an earlier request with the same key."""

    same: bool
    """The same operation with the same body."""
    status: int | None = None
    """None while it is being carried out."""
    answer: str | None = None
    begun_at: datetime | None = field(default=None, compare=False)


def begin_request(
    s: Session, request: IdempotentRequest, *, now: datetime
) -> StoredResponse | None:
    """Record a request; None when it is the first with its key and has to be carried out."""
    inserted = s.connection().execute(
        insert_into(s, idempotency)
        .values(
            tenant=request.tenant,
            key=request.key,
            operation=request.operation,
            digest=request.digest,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(idempotency.c.key)
    )
    if inserted.first() is not None:
        return None
    row = s.connection().execute(select(idempotency).where(*_of(request))).one()
    same = (row.operation, row.digest) == (request.operation, request.digest)
    return StoredResponse(same, row.status, row.answer, row.created_at)


def take_over(s: Session, request: IdempotentRequest, begun_at: datetime, *, now: datetime) -> bool:
    """Begin a request anew that was begun at an instant and never answered; False if another has
    done so, or answered it."""
    taken = s.connection().execute(
        update(idempotency).where(*_of(request), *_begun(begun_at)).values(created_at=now)
    )
    return taken.rowcount > 0


def store_response(s: Session, request: IdempotentRequest, status: int, answer: str) -> None:
    s.connection().execute(
        update(idempotency).where(*_of(request)).values(status=status, answer=answer)
    )


def discard_request(s: Session, request: IdempotentRequest, begun_at: datetime) -> None:
    """Delete a request that was begun at an instant and failed, unless another took it over: the
    next one with its key is carried out."""
    s.connection().execute(delete(idempotency).where(*_of(request), *_begun(begun_at)))


def delete_responses(s: Session, *, before: datetime, limit: int) -> int:
    """Delete requests from before an instant, with their responses; how many. Repeat it until it is
    fewer than `limit`."""
    old = (
        select(idempotency.c.tenant, idempotency.c.key)
        .where(idempotency.c.created_at < before)
        .order_by(idempotency.c.created_at)
        .limit(limit)
    )
    rows = [
        {"of_tenant": row.tenant, "of_key": row.key, "before": before}
        for row in s.connection().execute(old)
    ]
    if rows:
        s.connection().execute(_DROP, rows)
    return len(rows)


_DROP = delete(idempotency).where(
    idempotency.c.tenant == bindparam("of_tenant"),
    idempotency.c.key == bindparam("of_key"),
    idempotency.c.created_at < bindparam("before"),
)


def _of(request: IdempotentRequest) -> tuple[ColumnElement[bool], ...]:
    return idempotency.c.tenant == request.tenant, idempotency.c.key == request.key


def _begun(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return idempotency.c.status.is_(None), idempotency.c.created_at == at
