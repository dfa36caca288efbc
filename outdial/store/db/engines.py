"""Connections: how each database is set up."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

READERS = 4
"""Threads that read SQLite beside the one that writes."""
POSTGRES_CONNECTIONS = 10
"""Connections of one process: more than two cores' worth of short transactions."""
BUSY_SECONDS = 20
"""How long to wait for another's write before the database counts as unavailable. Less than an
activity's timeout, so that its retry finds the thread free."""
POLL_SECONDS = 0.005
"""Between two tries to begin a write."""
_WAL_TRIES = 50


def database_url(text: str) -> URL:
    """Read a database URL. Raises ValueError for anything but SQLite files and PostgreSQL."""
    url = make_url(text)
    backend = url.get_backend_name()
    if backend in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise ValueError(
        f"found {url.render_as_string()!r}; write postgresql://user@host/name "
        "or sqlite:///path/to/file.db"
    )


def postgresql_engine(url: URL, *, echo: bool) -> Engine:
    options = (
        f"-c timezone=UTC -c lock_timeout={BUSY_SECONDS}s "
        f"-c idle_in_transaction_session_timeout={2 * BUSY_SECONDS}s"
    )
    return create_engine(
        url,
        echo=echo,
        hide_parameters=True,  # they hold numbers and names, and errors travel far
        pool_size=POSTGRES_CONNECTIONS,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        isolation_level="READ COMMITTED",
        connect_args={"options": options, "connect_timeout": 5},
    )


def sqlite_engine(url: URL, *, echo: bool, writes: bool) -> Engine:
    """An engine whose every transaction is `BEGIN IMMEDIATE` (writes), or reads only."""
    engine = create_engine(
        url,
        echo=echo,
        hide_parameters=True,  # they hold numbers and names, and errors travel far
        pool_size=1 if writes else READERS,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        connect_args={
            "timeout": POLL_SECONDS if writes else BUSY_SECONDS,
            "cached_statements": 512,
        },
    )
    begin = _begin_write if writes else _begin_read

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # or the driver begins transactions by itself, late
        _write_ahead(connection)
        # FULL: a commit is on the disk before the call leaves. With NORMAL a power cut could
        # take back a raised fence, and the same person would be called twice.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        begin(connection)

    return engine


def _begin_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_write(connection: Connection) -> None:
    """Wait for the write lock. SQLite's own wait tries again every 100 ms after a while: beside a
    process that writes again and again, it would miss most of the moments in between."""
    latest = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except exc.OperationalError as error:
            busy = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > latest:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, which lets readers go on beside the writer.

    The switch ignores the busy timeout, so two processes opening a new file may collide.
    """
    for tries_left in reversed(range(_WAL_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if not tries_left:
                raise
            time.sleep(0.02)
        else:
            return
