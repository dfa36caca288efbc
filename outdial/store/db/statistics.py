"""Statistics for SQLite's query planner, of large tables alone and gathered one table at a time.

No statement relies on them: each is written so that one index fits. PostgreSQL gathers its own, by
autovacuum.
"""

from __future__ import annotations

import re

from sqlmodel import Session

from outdial.store.db.dialect import on_postgresql

WORTHWHILE = 10_000
"""Rows that a table has to have. Statistics of forty rows say that reading all of them is cheap,
and go on saying so when there are forty thousand; without any, SQLite assumes many rows."""
ANALYSIS_LIMIT = 400
"""About how many entries of an index are read, so that a table of any size takes milliseconds."""
_NAME_ONLY, _ANALYZE, _ALL_TABLES = 0x01, 0x02, 0x10000
"""Flags of `PRAGMA optimize`. The last one is ignored before SQLite 3.46: there it considers tables
that this connection has queried."""
_TABLE = re.compile(r'^ANALYZE "main"\."(\w+)"$')


def tables_to_analyze(s: Session) -> list[str]:
    """Tables whose statistics SQLite finds missing or out of date; none on PostgreSQL."""
    if on_postgresql(s):
        return []
    flags = _NAME_ONLY | _ANALYZE | _ALL_TABLES
    proposed = s.connection().exec_driver_sql(f"PRAGMA optimize({flags})").scalars()
    tables = [match[1] for match in map(_TABLE.match, proposed) if match]
    return [table for table in tables if _is_large(s, table)]


def analyze_table(s: Session, table: str) -> None:
    """Gather the statistics of a table."""
    s.connection().exec_driver_sql(f"PRAGMA analysis_limit = {ANALYSIS_LIMIT}")
    s.connection().exec_driver_sql(f'ANALYZE "main"."{table}"')


def small_tables(s: Session) -> list[str]:
    """Tables that have statistics, from an earlier version or from more rows, and should not."""
    if on_postgresql(s):
        return []
    schema = s.connection().exec_driver_sql(
        "SELECT name FROM sqlite_schema WHERE name = 'sqlite_stat1'"
    )
    if schema.first() is None:
        return []
    tables = s.connection().exec_driver_sql("SELECT DISTINCT tbl FROM sqlite_stat1").scalars()
    return [table for table in tables if not _is_large(s, table)]


def forget_statistics(s: Session, table: str) -> None:
    """Delete the statistics of a table."""
    s.connection().exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl = ?", (table,))
    s.connection().exec_driver_sql("ANALYZE sqlite_schema")  # this connection reads them again


def _is_large(s: Session, table: str) -> bool:
    query = f'SELECT 1 FROM "{table}" LIMIT 1 OFFSET {WORTHWHILE - 1}'
    return s.connection().exec_driver_sql(query).first() is not None
