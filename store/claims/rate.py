"""A line's calls per second, over all workers: a bucket for each second of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import RowMapping, case, func, or_, select, tuple_, update
from sqlmodel import Session

from domain.call import Fence
from store.tables import call, lease, line, line_rate

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Queued:
    """A call that asks for a token."""

    call_id: str
    created_at: datetime
    tenant: str
    line: str


def take_token(s: Session, queued: Queued, now: datetime) -> datetime | None:
    """Take one of this second's tokens: None when it was granted, else when to ask again.

    The row stays locked until the transaction ends, so tokens are counted one by one. A caller
    whose clock is behind waits for the second that others have reached.
    """
    second = int(now.timestamp())
    of_line = (line_rate.c.tenant == queued.tenant, line_rate.c.name == queued.line)
    per_second = (
        select(line.c.per_second)
        .where(line.c.tenant == queued.tenant, line.c.name == queued.line)
        .scalar_subquery()
    )
    fresh = line_rate.c.second < second
    taken = s.connection().execute(
        update(line_rate)
        .where(*of_line)
        .where(or_(fresh, (line_rate.c.second == second) & (line_rate.c.used < per_second)))
        .values(second=second, used=case((fresh, 1), else_=line_rate.c.used + 1))
    )
    if taken.rowcount:
        return None
    found = s.connection().execute(
        select(line_rate.c.second, per_second.label("per_second")).where(*of_line)
    )
    return _ask_again_at(s, queued, found.mappings().first(), second)


def _ask_again_at(s: Session, queued: Queued, bucket: RowMapping | None, second: int) -> datetime:
    """In the second in which this call's turn comes, by age, so that not all ask every second."""
    if bucket is None:
        return datetime.fromtimestamp(second, UTC) + SECOND
    ahead = (
        s.connection()
        .execute(
            select(func.count())
            .select_from(lease)
            .join(call, call.c.id == lease.c.call_id)
            .where(
                lease.c.tenant == queued.tenant,
                lease.c.line == queued.line,
                call.c.fence == Fence.CLAIMED.value,
                tuple_(call.c.created_at, call.c.id) < tuple_(queued.created_at, queued.call_id),
            )
        )
        .scalar_one()
    )
    free_from = bucket["second"] if bucket["second"] > second else second + 1
    return datetime.fromtimestamp(free_from + ahead // bucket["per_second"], UTC)
