"""Many rows or many values in one statement, whose text is the same however many there are.

A list of so many parameters is rendered, read and planned anew for each length of it, and a row
at a time is a message at a time: with a hundred of each, that is most of what a claim costs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Insert,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    column,
    exc,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine
from sqlmodel import Session

from outdial.store.db.dialect import on_postgresql


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
    """Not Boolean: SQLite would get `… = 1`, and have no index for that."""

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


class pairs_among(FunctionElement[bool]):
    """Whether two columns of numbers have one of the pairs of a parameter, a list."""

    inherit_cache = True
    type = NullType()  # type: ignore[assignment]

    def __init__(
        self, first: ColumnElement[int], second: ColumnElement[int], parameter: str
    ) -> None:
        super().__init__(first, second, bindparam(parameter, type_=_Pairs()))


class _Pairs(TypeDecorator[Sequence[tuple[int, int]]]):
    """Pairs as one parameter, JSON on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self, value: Sequence[tuple[int, int]] | None, dialect: Dialect
    ) -> str | None:
        return None if value is None else json.dumps([list(pair) for pair in value])


@compiles(pairs_among, "postgresql")
def _of_json_pairs(element: pairs_among, compiler: SQLCompiler, **options: Any) -> str:
    first, second, pairs = (compiler.process(each, **options) for each in element.clauses)
    return (
        f"({first}, {second}) IN (SELECT (pair->>0)::bigint, (pair->>1)::bigint"
        f" FROM json_array_elements(CAST({pairs} AS json)) AS pair)"
    )


@compiles(pairs_among, "sqlite")
def _of_json_each(element: pairs_among, compiler: SQLCompiler, **options: Any) -> str:
    first, second, pairs = (compiler.process(each, **options) for each in element.clauses)
    return (
        f"({first}, {second}) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')"
        f" FROM json_each({pairs}))"
    )


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows for a table, all of which name the same columns."""

    table: Table
    rows: Sequence[Mapping[str, Any]]
    same: frozenset[str] = frozenset()
    """Columns that have one value in all rows, which is sent once."""


def insert_all(
    s: Session,
    new: Sequence[NewRows],
    then: Update | None = None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Insert rows into tables, and update what has to change beside them.

    What other rows refer to comes first. PostgreSQL gets one statement for all of it, so `then`
    does not see the new rows there.
    """
    new = [each for each in new if each.rows]
    if not on_postgresql(s):
        for each in new:
            _insert_in_statements(s, each)
        if then is not None:
            s.connection().execute(then, values)
        return
    if not new and then is None:
        return
    bound = dict(values or {})
    for each in new:
        bound |= _given(each, s.get_bind().dialect)
    shapes = tuple((each.table, tuple(each.rows[0]), each.same) for each in new)
    s.connection().execute(_together(shapes, then), bound)


_SIZES = (256, 64, 16, 4, 1)
"""Rows in one statement. Few sizes, so that SQLite has each prepared after a while."""
_VARIABLES = 32_766
"""SQLite's limit for one statement."""


def _insert_in_statements(s: Session, new: NewRows) -> None:
    """Insert rows on SQLite, many in one statement: with triggers on the table, each statement
    keeps copies of the pages that it changes, and one for each row takes three times as long."""
    columns, dialect = tuple(new.rows[0]), s.get_bind().dialect
    binders = [(name, _binder(new.table, name, dialect)) for name in columns]
    bound = [
        [row[name] if bind is None else bind(row[name]) for name, bind in binders]
        for row in new.rows
    ]
    at = 0
    for size in _SIZES:
        while len(bound) - at >= size and size * len(columns) <= _VARIABLES:
            values = tuple(chain.from_iterable(bound[at : at + size]))
            s.connection().exec_driver_sql(_statement_of(new.table, columns, size), values)
            at += size


@cache
def _statement_of(table: Table, columns: tuple[str, ...], size: int) -> str:
    quote = sqlite.dialect().identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES {', '.join([row] * size)}"


def load_rows(
    s: Session,
    table: Table,
    same: Mapping[str, Any],
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Insert thousands of rows: by COPY on PostgreSQL, in few statements on SQLite.

    `rows` have the values of `columns` as the driver takes them; `same` are columns that have one
    value in all rows.
    """
    if not rows:
        return
    connection = s.connection()
    bound = tuple(_bound(table, name, value, connection.dialect) for name, value in same.items())
    names = (*same, *columns)
    if on_postgresql(s):
        _copy(connection, table, names, [bound + row for row in rows])
        return
    most = (_VARIABLES - len(bound)) // len(columns)
    for at in range(0, len(rows), most):
        part = rows[at : at + most]
        statement = _selecting(table, names, len(bound), len(part))
        connection.exec_driver_sql(statement, (*bound, *chain.from_iterable(part)))


@lru_cache(maxsize=64)
def _selecting(table: Table, names: tuple[str, ...], same: int, rows: int) -> str:
    row = f"({', '.join('?' * (len(names) - same))})"
    return (
        f"INSERT INTO {table.name} ({', '.join(names)})"
        f" SELECT {'?, ' * same}* FROM (VALUES {', '.join([row] * rows)})"
    )


def _copy(
    connection: Connection, table: Table, names: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_ours(connection, statement, error) from error


def _bound(table: Table, name: str, value: Any, dialect: Dialect) -> Any:
    bind = _binder(table, name, dialect)
    return value if bind is None else bind(value)


def _as_ours(connection: Connection, statement: str, error: Exception) -> exc.DBAPIError:
    """The error of a driver as SQLAlchemy would raise it, who does not copy by itself."""
    dialect, driver = connection.dialect, connection.connection
    lost = bool(dialect.is_disconnect(error, driver.driver_connection, None))  # type: ignore[arg-type]
    if lost:
        connection.invalidate(error)
    wrapped = exc.DBAPIError.instance(
        statement,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    )
    assert isinstance(wrapped, exc.DBAPIError), wrapped
    return wrapped


def _given(new: NewRows, dialect: Dialect) -> dict[str, Any]:
    """The parameters of `_inserting`."""
    name, first = new.table.name, new.rows[0]
    differing = [column for column in first if column not in new.same]
    bound = _binders(new.table, tuple(differing), dialect)
    rows = [
        {column: row[column] for column in differing}
        | {column: bind(row[column]) for column, bind in bound}
        for row in new.rows
    ]
    same = {f"{name}_{column}": first[column] for column in first if column in new.same}
    return same | {f"{name}_rows": to_json(rows, inf_nan_mode="constants").decode()}


@cache
def _together(
    shapes: tuple[tuple[Table, tuple[str, ...], frozenset[str]], ...], then: Update | None
) -> Executable:
    inserts = [_inserting(*shape) for shape in shapes]
    last = inserts.pop() if then is None else then
    for at, each in enumerate(inserts):
        last = last.add_cte(each.cte(f"inserted_{at}"))
    return last


def _inserting(table: Table, columns: tuple[str, ...], same: frozenset[str]) -> Insert:
    """Rows come as JSON, in the parameter `…_rows`; what is the same in all of them, once."""
    name = table.name
    differing = [each for each in columns if each not in same]
    rows = cast(bindparam(f"{name}_rows", type_=Text), JSON)
    # The table's own row type names the types of its columns.
    read = func.json_populate_recordset(literal_column(f"NULL::{name}"), rows)
    given = read.table_valued(*(column(each) for each in differing), name="given")
    shared = [each for each in columns if each in same]
    values = [given.c[each] for each in differing]
    values += [bindparam(f"{name}_{each}", type_=table.c[each].type) for each in shared]
    return insert(table).from_select([*differing, *shared], select(*values))


@cache
def _binders(
    table: Table, columns: tuple[str, ...], dialect: Dialect
) -> list[tuple[str, Callable[[Any], Any]]]:
    """How values are handed to the database, where it is not as they are.

    JSON values become texts: PostgreSQL refuses `\\u0000` in what stands within other JSON."""
    binders = {name: _binder(table, name, dialect) for name in columns}
    return [(name, bind) for name, bind in binders.items() if bind is not None]


def _binder(table: Table, name: str, dialect: Dialect) -> Callable[[Any], Any] | None:
    """What a statement of SQLAlchemy would hand the column's values through."""
    return table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
