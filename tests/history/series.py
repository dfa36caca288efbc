"""Bulk inserts that a database makes by itself, from a series of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlmodel import Session

from outdial.store.db.dialect import on_postgresql
from outdial.store.db.tables import (
    appointment_change,
    call_request,
    campaign,
    delivery,
    delivery_attempt,
    event,
    line_failure,
    recipient,
    ruling,
    suppression_change,
)
from outdial.store.db.tables.columns import JsonText, UtcDateTime
from tests.builders import NOW

_LISTS = {"scopes", "events", "tags", "alternate_phones"}


@dataclass(frozen=True)
class Fill:
    """One session's statements, in the words of its database."""

    s: Session
    rows: int

    def at(self, seconds: str) -> str:
        """The instant so many seconds before now."""
        epoch = int(NOW.timestamp())
        if on_postgresql(self.s):
            return f"to_timestamp({epoch} - ({seconds}))"
        return f"strftime('%Y-%m-%d %H:%M:%f000', {epoch} - ({seconds}), 'unixepoch')"

    def insert(self, table: Table, values: Mapping[str, str], rows: int | None = None) -> None:
        named = dict(values)
        for column in table.c:
            if column.name in named or column.nullable or column.server_default is not None:
                continue
            if column.primary_key and column.autoincrement is True:
                continue
            named[column.name] = self._some(column)
        quoted = ", ".join(f'"{name}"' for name in named)
        series = (
            "generate_series(1, :rows) AS n"
            if on_postgresql(self.s)
            else "(WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < :rows) "
            "SELECT n FROM i)"
        )
        # A colon would begin a parameter.
        given = ", ".join(named.values()).replace(":", "\\:")
        statement = f'INSERT INTO "{table.name}" ({quoted}) SELECT {given} FROM {series}'
        self.s.connection().execute(text(statement), {"rows": self.rows if rows is None else rows})

    def _some(self, column: object) -> str:
        kind, name = column.type, column.name  # type: ignore[attr-defined]
        if isinstance(kind, UtcDateTime):
            return self.at("n * 60")
        if isinstance(kind, JsonText):
            return "'[]'" if name in _LISTS else "'{}'"
        python = kind.python_type if not hasattr(kind, "impl") else kind.impl.python_type
        if python is bool:
            return "false"
        return "0" if python in (int, float) else "'x'"


@contextmanager
def without_indexes(s: Session) -> Iterator[None]:
    """Indexes are made when the rows are there, which is quicker; triggers do not run, and nobody
    checks that rows refer to those that exist."""
    if on_postgresql(s):
        s.connection().execute(text("SET LOCAL session_replication_role = replica"))
        found = s.connection().execute(
            text(
                "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
                " AND indexname LIKE 'ix%' AND indexdef NOT LIKE '% UNIQUE %'"
            )
        )
    else:
        s.connection().exec_driver_sql("PRAGMA cache_size = -200000")
        found = s.connection().execute(
            text(
                "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND"
                " (type = 'trigger' OR type = 'index' AND sql NOT LIKE '% UNIQUE %')"
            )
        )
    rows = found.all()
    for kind, name, _ in rows:
        s.connection().exec_driver_sql(f"DROP {kind} {name}")
    yield
    for _, _, statement in rows:
        s.connection().exec_driver_sql(statement)


def move_sequences(s: Session) -> None:
    """As if the history's rows had taken their ids one by one."""
    for table in (
        recipient, call_request, event, delivery, delivery_attempt, line_failure,
        suppression_change, appointment_change, ruling, campaign,
    ):  # fmt: skip
        s.connection().execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) "
                f'FROM "{table.name}"'
            )
        )
