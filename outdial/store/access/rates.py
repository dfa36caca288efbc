"""Request counts for rate limits: kept in the database, so that they hold over all processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Integer, Text, bindparam, delete, select, text
from sqlalchemy.sql.selectable import TextualSelect
from sqlmodel import Session

from outdial.domain.access import Limit, Usage
from outdial.store.db.tables import rate_count
from outdial.store.db.tables.columns import UtcDateTime


@cache
def _counting(rows: int) -> TextualSelect:
    """One statement for so many limits: a request costs one round trip, however many it has.

    A text, since building it for each request would take longer than running it.
    """
    values = ", ".join(f"(:name_{row}, :now, :amount)" for row in range(rows))
    over = "CASE WHEN rate_count.started_at <= :since THEN {} ELSE {} END"
    statement = text(
        f"INSERT INTO rate_count (name, started_at, used) VALUES {values} "
        "ON CONFLICT (name) DO UPDATE SET "
        f"started_at = {over.format('excluded.started_at', 'rate_count.started_at')}, "
        f"used = {over.format('excluded.used', 'rate_count.used + excluded.used')} "
        "RETURNING name, started_at, used"
    )
    return statement.bindparams(
        bindparam("now", type_=UtcDateTime),
        bindparam("since", type_=UtcDateTime),
        bindparam("amount", type_=Integer),
    ).columns(name=Text, started_at=UtcDateTime, used=Integer)


_DROP = delete(rate_count).where(
    rate_count.c.name == bindparam("of_name"), rate_count.c.started_at < bindparam("before")
)


def count_requests(
    s: Session, limits: Sequence[Limit], *, now: datetime, amount: int = 1
) -> list[Usage]:
    """Count one request, or several, against every limit, refused ones too; the usage after."""
    usages = {}
    of_window: dict[timedelta, dict[str, Limit]] = defaultdict(dict)
    for limit in limits:
        of_window[limit.within][limit.name] = limit
    for within in sorted(of_window):
        # Sorted, so that two requests with limits in common wait for each other in one order.
        named = {f"name_{row}": name for row, name in enumerate(sorted(of_window[within]))}
        values = {**named, "now": now, "since": now - within, "amount": amount}
        for row in s.connection().execute(_counting(len(named)), values):
            usages[row.name] = Usage(
                limit=of_window[within][row.name], used=row.used, resets_at=row.started_at + within
            )
    return [usages[limit.name] for limit in limits]


def delete_counts(s: Session, *, before: datetime, limit: int) -> int:
    """Drop windows that began before an instant; how many. Repeat it until it is fewer than
    `limit`."""
    old = (
        select(rate_count.c.name)
        .where(rate_count.c.started_at < before)
        .order_by(rate_count.c.started_at)
        .limit(limit)
    )
    rows = [{"of_name": name} for name in s.connection().execute(old).scalars()]
    if rows:
        # It may have begun again meanwhile.
        s.connection().execute(_DROP, [row | {"before": before} for row in rows])
    return len(rows)
