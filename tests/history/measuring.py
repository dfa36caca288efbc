"""Counts what each statement reads, while operations run.

Every statement is first run on the same connection behind a savepoint, where it is measured, and
taken back; then it runs as it would have. PostgreSQL explains what it did, scan by scan, and counts
what triggers read in their own statements; on SQLite the steps of its machine are counted, those of
triggers included.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

import outdial.store
from outdial.store.db.database import Database

ROWS = 100
"""Any statement may read so many."""
TIMES = 10
"""One that returns or changes many may read so many times as many."""
PAGE_ROWS = 4
"""A page of PostgreSQL stands for so many rows: entries of an index that are passed over are
counted nowhere else."""
STEPS_A_ROW = 40
"""Steps of SQLite's machine. To pass a row takes five, to return one with fifty columns a hundred;
one that is read to be returned is one of `TIMES`."""
_EVERY = 20
_SHOWN = 1500
_LIST = re.compile(r"([?]|%\(\w+\)s(?:::\w+)?)(?:, (?:[?]|%\(\w+\)s(?:::\w+)?))+")
_STORE = Path(outdial.store.__file__ or "").parent
_MEASURED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_SCANS = frozenset(
    {
        "Seq Scan",
        "Sample Scan",
        "Index Scan",
        "Index Only Scan",
        "Bitmap Index Scan",
        "Bitmap Heap Scan",
        "Tid Scan",
        "Tid Range Scan",
    }
)

Site = tuple[str, int]
"""A file of the store, and a line in it."""


@dataclass
class Cost:
    """What one run of a statement took."""

    operation: str
    read: float
    """Rows, or what stands for them."""
    returned: int
    """Or changed."""
    parameters: Any
    how: str = ""
    """PostgreSQL's plan, or SQLite's."""

    @property
    def refused(self) -> bool:
        return self.read > ROWS and self.read > TIMES * self.returned

    def shown(self, statement: str) -> str:
        told = (statement, str(self.parameters), self.how)
        return (
            f"{self.operation}: read {self.read:.0f}, returned or changed {self.returned}\n"
            + "\n".join(text if len(text) < _SHOWN else f"{text[:_SHOWN]}…" for text in told)
        )


@dataclass
class Measured:
    """The dearest run of each statement, by its text; and where in the store they were run."""

    costs: dict[str, Cost] = field(default_factory=dict)
    sites: set[Site] = field(default_factory=set)
    operation: str = ""
    """What runs now."""
    _done: set[tuple[str, str]] = field(default_factory=set)

    def listen(
        self, _conn: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        sites = _sites()
        self.sites.update(sites)
        # A list of any length is the same statement.
        text = _LIST.sub(r"\1", " ".join(statement.split()))
        key = (self.operation, text)
        if not (sites and statement.lstrip("( ").upper().startswith(_MEASURED)):
            return
        if key in self._done:
            return
        self._done.add(key)
        # Many rows are one statement with all of their values where they are returned.
        values = parameters[0] if many and isinstance(parameters, list) else parameters
        if isinstance(cursor.connection, sqlite3.Connection):
            read, returned, how = _on_sqlite(cursor.connection, statement, values)
        else:
            read, returned, how = _on_postgresql(cursor.connection, statement, values)
        cost = Cost(self.operation, read, returned, values, how)
        before = self.costs.get(text)
        if before is None or _excess(before) < _excess(cost):
            self.costs[text] = cost


def _excess(cost: Cost) -> float:
    return cost.read / max(ROWS, TIMES * cost.returned)


@contextmanager
def measuring(database: Database) -> Iterator[Measured]:
    measured = Measured()
    engines = {database._write_engine, database._read_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", measured.listen)
    try:
        yield measured
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", measured.listen)


def _sites() -> set[Site]:
    """The lines of the store that are being executed."""
    sites = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(str(_STORE)):
            sites.add((str(Path(path).relative_to(_STORE)), frame.f_lineno))
        frame = frame.f_back
    return sites


def _on_sqlite(
    connection: sqlite3.Connection, statement: str, values: Any
) -> tuple[float, int, str]:
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += _EVERY
        return 0

    connection.execute("SAVEPOINT measured")
    connection.set_progress_handler(step, _EVERY)
    try:
        cursor = connection.execute(statement, values)
        rows = len(cursor.fetchall())
        changed = max(0, cursor.rowcount)
    finally:
        connection.set_progress_handler(None, 0)
        connection.execute("ROLLBACK TO measured")
        connection.execute("RELEASE measured")
    returned = max(rows, changed)
    how = ""
    if steps / STEPS_A_ROW > ROWS:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        how = "\n".join(str(row[-1]) for row in plan)
    return steps / STEPS_A_ROW, returned, how


def steps_of(s: Session, statement: str, parameters: Any) -> int:
    """How many steps of SQLite's machine a statement takes; what it changes is taken back."""
    connection = s.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    steps, _, _ = _on_sqlite(connection, statement, parameters)
    return int(steps * STEPS_A_ROW)


def _on_postgresql(connection: Any, statement: str, values: Any) -> tuple[float, int, str]:
    explain = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)"
    in_triggers = 0
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT measured")
        try:
            before = _fetched(cursor)
            cursor.execute(f"{explain} {statement}", values)
            told = cursor.fetchone()[0]
            if '"Trigger Name"' in json.dumps(told):
                in_triggers = _fetched(cursor) - before
        finally:
            cursor.execute("ROLLBACK TO measured")
            cursor.execute("RELEASE measured")
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    read = sum(map(_read, _nodes(plan)))
    pages = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    returned = max(plan["Actual Rows"] * plan["Actual Loops"], *map(_changed, _nodes(plan)))
    read = max(read, pages / PAGE_ROWS, in_triggers)
    how = "" if read <= ROWS else f"pages {pages}\n" + "\n".join(_shown(plan, 0))
    return read, int(returned), how


def _fetched(cursor: Any) -> int:
    """Rows that this transaction's statements have read, those in triggers and functions too."""
    cursor.execute("SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables")
    return int(cursor.fetchone()[0])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _read(node: dict[str, Any]) -> float:
    if node["Node Type"] not in _SCANS:
        return 0
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(sum(node.get(name, 0) for name in names) * node["Actual Loops"])


def _changed(node: dict[str, Any]) -> float:
    """Rows that an INSERT, UPDATE or DELETE gets from below."""
    if node["Node Type"] != "ModifyTable":
        return 0
    return float(sum(below["Actual Rows"] for below in node.get("Plans", ())))


def _shown(node: dict[str, Any], depth: int) -> Iterator[str]:
    told = ("Relation Name", "Index Name", "Index Cond", "Filter", "Actual Rows", "Actual Loops",
            "Rows Removed by Filter")  # fmt: skip
    facts = ", ".join(f"{name}: {node[name]}" for name in told if name in node)
    yield f"{'  ' * depth}{node['Node Type']} ({facts[:300]})"
    for below in node.get("Plans", ()):
        yield from _shown(below, depth + 1)
