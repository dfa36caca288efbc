"""The operator log of a tenant: entries are added, and never changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Row, bindparam, insert, select
from sqlmodel import Session

from outdial.domain.hash_links import FIRST, body_of, link
from outdial.domain.operator import Operation, Operator, StoredEntry, body_values
from outdial.store.db.dialect import lock_keys
from outdial.store.db.ending import Turn, run_last
from outdial.store.db.ranges import Ends, page_of, read_in_order
from outdial.store.db.tables import operator_log

_PAGE = 1000
_LAST = (
    select(operator_log.c.sequence, operator_log.c.hash)
    .where(operator_log.c.tenant == bindparam("of_tenant"))
    .order_by(operator_log.c.sequence.desc())
    .limit(1)
)


def note_operation(
    s: Session, tenant: str, by: Operator, operation: Operation, *, now: datetime
) -> None:
    """Add an entry to a tenant's log, in the transaction that does what it says.

    Entries of a tenant queue up until that transaction ends, so it is added last: what holds the
    log must wait for nothing that a transaction holds which waits for the log.
    """
    run_last(s, lambda: _add(s, tenant, by, operation, now), Turn.LOG)


def _add(s: Session, tenant: str, by: Operator, operation: Operation, now: datetime) -> None:
    lock_keys(s, [f"operator_log/{tenant}"])
    last = s.connection().execute(_LAST, {"of_tenant": tenant}).first()
    sequence, previous = (1, FIRST) if last is None else (last.sequence + 1, last.hash)
    body = body_of(body_values(tenant, by, operation, now=now))
    s.connection().execute(
        insert(operator_log).values(
            tenant=tenant,
            sequence=sequence,
            subject=operation.subject,
            body=body,
            hash=link(previous, sequence, body),
        )
    )


def list_entries(
    s: Session, tenant: str, *, limit: int, before: int | None = None, subject: str | None = None
) -> list[StoredEntry]:
    """The newest first; `before` is the last one of the page before."""
    table = operator_log.c
    equal = [(table.tenant, tenant)]
    if subject is not None:
        equal.append((table.subject, subject))
    statement = page_of(
        select(operator_log),
        equal,
        [table.sequence],
        limit=limit,
        after=None if before is None else [before],
        newest_first=True,
    )
    return _entries(read_in_order(s, statement).all())


def read_log(s: Session, tenant: str) -> Iterator[StoredEntry]:
    """All entries from the first one on, a page at a time."""
    after = 0
    while True:
        statement = page_of(
            select(operator_log),
            [(operator_log.c.tenant, tenant)],
            [operator_log.c.sequence],
            Ends(first=[after + 1]),
            limit=_PAGE,
        )
        entries = _entries(read_in_order(s, statement).all())
        yield from entries
        if len(entries) < _PAGE:
            return
        after = entries[-1].sequence


def hash_of(s: Session, tenant: str, sequence: int) -> str | None:
    """The hash of one entry; None when it is gone."""
    query = select(operator_log.c.hash).where(
        operator_log.c.tenant == tenant, operator_log.c.sequence == sequence
    )
    digest: str | None = s.connection().execute(query).scalar_one_or_none()
    return digest


def _entries(rows: Sequence[Row[tuple[object, ...]]]) -> list[StoredEntry]:
    return [StoredEntry(row.sequence, row.tenant, row.subject, row.body, row.hash) for row in rows]
