"""Where SQLite and PostgreSQL differ: locks, upserts, and what their errors mean.

SQLite has one writer at a time (`BEGIN IMMEDIATE`), so it needs no locks of its own.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, exc, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

AnySelect = TypeVar("AnySelect", bound=Select[Any])
Insert = postgresql.Insert | sqlite.Insert

_RETRIED = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the same work may succeed the next time."""
_LOCK_TIMEOUT = "55P03"
_UNAVAILABLE = ("08", "53", "57", "25006", _LOCK_TIMEOUT, "58")
"""Connection lost, out of resources, shut down or timed out, read-only standby, lock
timeout, system error: nothing is wrong with the statement."""
_SQLITE_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)


_ADVISORY_LOCKS = text(
    "SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key"
)


def on_postgresql(s: Session) -> bool:
    return s.get_bind().dialect.name == "postgresql"


def lock_rows(statement: AnySelect, *, exclusive: Iterable[Table]) -> AnySelect:
    """Lock the rows found until the transaction ends."""
    words = [f"FOR NO KEY UPDATE OF {table.name}" for table in exclusive]
    return statement.suffix_with(*words, dialect="postgresql")


def unindexed(column: ColumnElement[str]) -> ColumnElement[str]:
    """A column of text, written so that no index fits: for what is to be compared with the rows
    that one other index finds. Without statistics, which SQLite never gathers by itself, a database
    takes any index whose first columns are filtered by, and reads all rows of a tenant by it."""
    return column.concat("")


def lock_keys(s: Session, keys: Iterable[str]) -> None:
    """Lock names that may have no row yet, always in the same order, until the transaction ends."""
    if not on_postgresql(s):
        return
    numbers = sorted({_number_of(key) for key in keys})
    if not numbers:
        return
    s.connection().execute(_ADVISORY_LOCKS, {"keys": numbers})


def _number_of(key: str) -> int:
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def insert_into(s: Session, table: Table) -> Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if on_postgresql(s) else sqlite.insert(table)


def may_succeed_again(error: exc.DBAPIError) -> bool:
    return _sqlstate(error) in _RETRIED


def means_locked(error: exc.DBAPIError) -> bool:
    """Whether only what others keep locked stands in the way, after a wait or a collision."""
    return _sqlstate(error) == _LOCK_TIMEOUT or may_succeed_again(error)


def means_unavailable(error: exc.DBAPIError) -> bool:
    """Whether the database cannot be used now, as against: the statement is wrong."""
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return True
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        return code in _SQLITE_UNAVAILABLE
    state = _sqlstate(error)
    if state is None:
        # psycopg knows no code when the server was never reached or hung up.
        return isinstance(error, exc.OperationalError)
    return state.startswith(_UNAVAILABLE) or state in _RETRIED


def constraint_of(error: exc.DBAPIError) -> str | None:
    """The constraint that a statement broke. PostgreSQL names it; its message has values too."""
    diagnosis = getattr(error.orig, "diag", None)
    name = getattr(diagnosis, "constraint_name", None)
    return name if isinstance(name, str) else None


def _sqlstate(error: exc.DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None
