"""Ranges of an index: what a list reads, in the order of the list and no further than its page.

The conditions fit one index better than any other, whatever a database expects of values. Without
statistics it expects so few rows where some columns equal a value that all indexes with these
columns look alike, and so does sorting what is found. Hence the last of them is compared together
with the columns that follow it in the index, `(status, created_at) >= (…)`: that of another index
is no match, and more rows are expected. Both ends are in the range: with statistics PostgreSQL
reads `>` as if the first of the columns were compared alone, and expects nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CursorResult, Executable, Select, literal, text, tuple_
from sqlmodel import Session

from outdial.store.db.dialect import on_postgresql

_BITMAPS = text("SELECT set_config('enable_bitmapscan', :allowed, true)")
TICK = timedelta(microseconds=1)
"""Instants that are not the same differ by as much, on either database."""
Equal = Sequence[tuple[ColumnElement[Any], Any]]
"""Columns that have one value in all of a range."""


class Ends(NamedTuple):
    """Where a range begins and ends: values of the columns that it is ordered by, or of the first
    of them. None are given for an end that is open; both ends are in the range."""

    first: Sequence[Any] = ()
    last: Sequence[Any] = ()


WHOLE = Ends()


def between(since: datetime | None, before: datetime | None) -> Ends:
    """From an instant on, until before another one."""
    return Ends(() if since is None else (since,), () if before is None else (before - TICK,))


def in_range(
    equal: Equal, order: Sequence[ColumnElement[Any]], ends: Ends = WHOLE
) -> list[ColumnElement[bool]]:
    """The conditions of a range. The columns that are equal and those that it is ordered by are
    those of the index, in its order."""
    alone, together = _divided(equal)
    columns = [*(column for column, _ in together), *order]
    conditions = [column == value for column, value in alone]
    first, last = ([*(value for _, value in together), *end] for end in ends)
    if first:
        conditions.append(tuple_(*columns[: len(first)]) >= _row(columns, first))
    if last:
        conditions.append(tuple_(*columns[: len(last)]) <= _row(columns, last))
    return conditions


def read_in_order(s: Session, statement: Executable) -> CursorResult[Any]:
    """Execute a statement of pages. Where PostgreSQL has no statistics it expects few rows, and
    would rather fetch a whole range by a bitmap, to sort it: it is kept from that."""
    connection = s.connection()
    if not on_postgresql(s):
        return connection.execute(statement)
    connection.execute(_BITMAPS, {"allowed": "off"})
    rows = connection.execute(statement)
    connection.execute(_BITMAPS, {"allowed": "on"})
    return rows


def _divided(equal: Equal) -> tuple[Equal, Equal]:
    """Those that are compared one by one, and those that are compared with the order's."""
    return (equal[:-1], equal[-1:]) if len(equal) > 1 else (equal, ())


def _row(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[Any]:
    pairs = zip(columns, values, strict=False)
    return tuple_(*(literal(value, column.type) for column, value in pairs))


def page_of(
    statement: Select[Any],
    equal: Equal,
    order: Sequence[ColumnElement[Any]],
    ends: Ends = WHOLE,
    *,
    limit: int | None,
    after: Sequence[Any] | None = None,
    newest_first: bool = False,
) -> Select[Any]:
    """The first rows of a range, or those behind `after`, which are the values of `order` of the
    last row of the page before; the last of them is its id."""
    if after is not None:
        statement = statement.where(order[-1] != after[-1])
        reached = ends.last if newest_first else ends.first
        if not reached or (after[0] <= reached[0] if newest_first else after[0] >= reached[0]):
            ends = ends._replace(**{"last" if newest_first else "first": after})
    columns = [*(column for column, _ in _divided(equal)[1]), *order]
    return (
        statement.where(*in_range(equal, order, ends))
        .order_by(*(column.desc() if newest_first else column for column in columns))
        .limit(limit)
    )
