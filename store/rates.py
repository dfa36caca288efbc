"""How often somebody has asked: counted in the database, so that it holds over all processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, delete
from sqlmodel import Session

from domain.access import Limit, Usage
from store.dialect import insert_into
from store.tables import rate_count


def count_requests(s: Session, limits: Sequence[Limit], *, now: datetime) -> list[Usage]:
    """Count one request against every limit, refused ones too; the usage after it."""
    usages = {}
    # Sorted, so that two requests with limits in common wait for each other in one order.
    for limit in sorted(limits, key=lambda limit: limit.name):
        over = rate_count.c.started_at <= now - limit.within
        counted = (
            insert_into(s, rate_count)
            .values(name=limit.name, started_at=now, used=1)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={
                    "started_at": case((over, now), else_=rate_count.c.started_at),
                    "used": case((over, 1), else_=rate_count.c.used + 1),
                },
            )
            .returning(rate_count.c.started_at, rate_count.c.used)
        )
        row = s.connection().execute(counted).one()
        usages[limit.name] = Usage(
            limit=limit, used=row.used, resets_at=row.started_at + limit.within
        )
    return [usages[limit.name] for limit in limits]


def forget_counts(s: Session, *, before: datetime) -> int:
    """Drop windows that began before an instant; how many."""
    gone = s.connection().execute(delete(rate_count).where(rate_count.c.started_at < before))
    return gone.rowcount
