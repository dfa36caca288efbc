"""Many rows or many values in one statement, whose text is the same however many there are.

A list of so many parameters is rendered, read and planned anew for each length of it, and a row
at a time is a message at a time: with a hundred of each, that is most of what a claim costs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Dialect, Table, Text, bindparam, insert, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine
from sqlmodel import Session

from store.dialect import on_postgresql


class _Values(TypeDecorator[Sequence[Any]]):
    """Values as one parameter: an array, or JSON where there are none."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = ARRAY(self.item) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return json.dumps(list(value))


class among(FunctionElement[bool]):
    """Whether a column of numbers or texts has one of the values of a parameter, a list."""

    inherit_cache = True
    type = NullType()  # type: ignore[assignment]
    """Not Boolean: SQLite would be asked for `… = 1`, and find no index for that."""

    def __init__(self, column: ColumnElement[Any], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=_Values(column.type)))


@compiles(among, "postgresql")
def _of_array(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY({values})"


@compiles(among, "sqlite")
def _of_json(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


def insert_all(s: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, all of which name the same columns."""
    if not rows:
        return
    if not on_postgresql(s):
        s.connection().execute(insert(table), list(rows))
        return
    columns = tuple(rows[0])
    bound = _binders(table, columns, s.get_bind().dialect)
    values = [{**row, **{name: bind(row[name]) for name, bind in bound}} for row in rows]
    s.connection().execute(_inserting(table, columns), {"rows": to_json(values).decode()})


@cache
def _inserting(table: Table, columns: tuple[str, ...]) -> TextClause:
    named = ", ".join(table.c[name].name for name in columns)
    return text(
        f"INSERT INTO {table.name} ({named}) "
        f"SELECT {named} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"
    )


@cache
def _binders(
    table: Table, columns: tuple[str, ...], dialect: Dialect
) -> list[tuple[str, Callable[[Any], Any]]]:
    """How values are handed to the database, where it is not as they are."""
    found = {name: table.c[name].type.bind_processor(dialect) for name in columns}
    return [(name, bind) for name, bind in found.items() if bind is not None]
