"""Requests that carry an Idempotency-Key, and what they were answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlmodel import Session

from outdial.store.db.dialect import insert_into
from outdial.store.db.tables import idempotency

TAKEN_OVER_AFTER = timedelta(minutes=1)
"""Who has not answered by then has died: nothing that a door does takes that long."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it identifies itself."""

    tenant: str
    key: str
    operation: str
    digest: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """The same key, asked with before."""

    same: bool
    """The same operation with the same body."""
    status: int | None = None
    """None while it is being carried out."""
    answer: str | None = None


def ask_once(s: Session, asked: Asked, *, now: datetime) -> Earlier | None:
    """Note a request; None when it is the first with its key, who has to carry it out."""
    inserted = s.connection().execute(
        insert_into(s, idempotency)
        .values(
            tenant=asked.tenant,
            key=asked.key,
            operation=asked.operation,
            digest=asked.digest,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(idempotency.c.key)
    )
    if inserted.first() is not None:
        return None
    row = s.connection().execute(select(idempotency).where(*_of(asked))).one()
    same = (row.operation, row.digest) == (asked.operation, asked.digest)
    if same and row.status is None and _taken_over(s, asked, now):
        return None
    return Earlier(same, row.status, row.answer)


def keep_answer(s: Session, asked: Asked, status: int, answer: str) -> None:
    s.connection().execute(
        update(idempotency).where(*_of(asked)).values(status=status, answer=answer)
    )


def forget_request(s: Session, asked: Asked) -> None:
    """It failed: whoever asks again asks anew."""
    s.connection().execute(delete(idempotency).where(*_of(asked), idempotency.c.status.is_(None)))


def forget_answers(s: Session, *, before: datetime) -> int:
    """Drop what was asked before an instant; how many."""
    gone = s.connection().execute(delete(idempotency).where(idempotency.c.created_at < before))
    return gone.rowcount


def _taken_over(s: Session, asked: Asked, now: datetime) -> bool:
    taken = s.connection().execute(
        update(idempotency)
        .where(
            *_of(asked),
            idempotency.c.status.is_(None),
            idempotency.c.created_at <= now - TAKEN_OVER_AFTER,
        )
        .values(created_at=now)
    )
    return taken.rowcount > 0


def _of(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return idempotency.c.tenant == asked.tenant, idempotency.c.key == asked.key
