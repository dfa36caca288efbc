"""Rows of each of many values, found by an index that is not unique.

Without statistics PostgreSQL expects a two-hundredth of a table to have each value of a column: for
a hundred values in one condition it reads the whole table, or all rows of a tenant. Hence it looks
up one value after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Select, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session

from outdial.store.db.bulk import among
from outdial.store.db.dialect import on_postgresql


class Lookup:
    """A select of rows a column of which has one of the values of a parameter, a list."""

    def __init__(self, rows: Select[Any], column: Column[Any], parameter: str) -> None:
        """`rows` says what else they have in common; in no order."""
        self._listed = rows.where(among(column, parameter))
        values = bindparam(parameter, type_=ARRAY(column.type))
        given = func.unnest(values).table_valued("value", name="given").render_derived()
        # OFFSET keeps PostgreSQL from making a join of it that begins with the rows.
        one = rows.where(column == given.c.value).offset(literal_column("0")).lateral("of_value")
        self._each = select(one).select_from(given).join(one, true())

    def execute(self, s: Session, values: Mapping[str, Any]) -> Iterable[Any]:
        return s.connection().execute(self._each if on_postgresql(s) else self._listed, values)
