"""Rate limit of a line, over all workers: a token bucket for each second of the clock.

A line that may start less than one call a second has a bucket for each interval of
`rate_seconds`, which begins with a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    RowMapping,
    Text,
    bindparam,
    case,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlmodel import Session

from outdial.domain.call.status import Fence
from outdial.domain.line.rate import free_again_at
from outdial.store.db.tables import call, lease, line, line_rate
from outdial.store.db.tables.columns import UtcDateTime

_OF_LINE = (
    line_rate.c.tenant == bindparam("of_tenant"),
    line_rate.c.name == bindparam("of_line"),
)
_THE_LINE = (line.c.tenant == bindparam("of_tenant"), line.c.name == bindparam("of_line"))
_PER_SECOND = select(line.c.per_second).where(*_THE_LINE).scalar_subquery()
_SECONDS = select(line.c.rate_seconds).where(*_THE_LINE).scalar_subquery()
_THIS_SECOND = bindparam("this_second", type_=BigInteger)
MOST_AHEAD = 30
"""Seconds. Clocks are corrected to the database's, so no caller's is ahead by more: a bucket of a
later second was left by one that was not, and must not block the line until then."""
_FRESH = or_(
    line_rate.c.second <= _THIS_SECOND - _SECONDS, line_rate.c.second > _THIS_SECOND + MOST_AHEAD
)
_TAKE = (
    update(line_rate)
    .where(
        *_OF_LINE,
        or_(_FRESH, (line_rate.c.second == _THIS_SECOND) & (line_rate.c.used < _PER_SECOND)),
    )
    .values(second=_THIS_SECOND, used=case((_FRESH, 1), else_=line_rate.c.used + 1))
)
_BUCKET = select(
    line_rate.c.second, _PER_SECOND.label("per_second"), _SECONDS.label("seconds")
).where(*_OF_LINE)
_AHEAD = (
    select(func.count())
    .select_from(lease)
    .join(call, call.c.id == lease.c.call_id)
    .where(
        lease.c.tenant == bindparam("of_tenant"),
        lease.c.line == bindparam("of_line"),
        call.c.fence == Fence.CLAIMED.value,
        tuple_(call.c.created_at, call.c.id)
        < tuple_(bindparam("created_at", type_=UtcDateTime), bindparam("call_id", type_=Text)),
    )
)


@dataclass(frozen=True, slots=True)
class Queued:
    """A call that asks for a token."""

    call_id: str
    created_at: datetime
    tenant: str
    line: str


def take_token(s: Session, queued: Queued, now: datetime) -> datetime | None:
    """Take a token: None when it was granted, else when to ask again.

    The row stays locked until the transaction ends, so tokens are counted one by one. A caller
    whose clock is a little behind waits for the second that others have reached.
    """
    second = int(now.timestamp())
    of_line = {"of_tenant": queued.tenant, "of_line": queued.line}
    if s.connection().execute(_TAKE, of_line | {"this_second": second}).rowcount:
        return None
    rows = s.connection().execute(_BUCKET, of_line)
    return _ask_again_at(s, queued, rows.mappings().first(), second)


def _ask_again_at(s: Session, queued: Queued, bucket: RowMapping | None, second: int) -> datetime:
    """When the calls that are queued before this one, by age, will have taken their tokens."""
    if bucket is None:
        return datetime.fromtimestamp(second + 1, UTC)
    mine = {
        "of_tenant": queued.tenant,
        "of_line": queued.line,
        "created_at": queued.created_at,
        "call_id": queued.call_id,
    }
    ahead = s.connection().execute(_AHEAD, mine).scalar_one()
    return free_again_at(second, bucket["second"], bucket["per_second"], bucket["seconds"], ahead)
