"""The database: one place where transactions begin and commit.

Work is a function of a session. It runs in a thread, with the context of its caller, in one
transaction, and may be run again when the database says that it collided, so it must do nothing but
query.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, exc, text
from sqlmodel import Session

from outdial.domain.decision.ceiling import DAILY_CEILING
from outdial.store.db.clocks import measure_skew
from outdial.store.db.dialect import (
    constraint_of,
    may_succeed_again,
    means_locked,
    means_unavailable,
)
from outdial.store.db.ending import finish
from outdial.store.db.engines import (
    POLL_SECONDS,
    POSTGRES_CONNECTIONS,
    READERS,
    database_url,
    postgresql_engine,
    sqlite_engine,
)
from outdial.store.db.errors import DatabaseUnavailable, StatementRefused

T = TypeVar("T")
Observer = Callable[[str, timedelta, str], None]
"""Gets each transaction: `read` or `write`, how long it took, the wait for its turn included, and
`ok`, `unavailable` or `error`."""

_TRIES = 6
_LONGEST_TURN = 0.3
"""Seconds."""
_SHORTEST_TURN = 1.5 * POLL_SECONDS
"""Whoever waits to write looks at least once in this time."""
_FIRST_PAUSE = 0.01
"""Seconds; doubles with each try, and is jittered so that two that collided part."""


class _Transaction(Session):
    """A session of one transaction. It looks up its connection once: every statement asks for it,
    and the look-up takes a fifteenth of what SQLAlchemy does for a statement."""

    _only: Connection | None = None

    def connection(self, *args: Any, **options: Any) -> Connection:
        if self._only is None:
            self._only = super().connection(*args, **options)
        return self._only


class Database:
    """SQLite (one writer at a time in this process) or PostgreSQL.

    Every method raises DatabaseUnavailable when the database cannot be used now, and
    StatementRefused when a value broke one of its rules.
    """

    def __init__(
        self,
        url: str,
        *,
        echo: bool = False,
        daily_ceiling: int = DAILY_CEILING,
        observe: Observer | None = None,
    ) -> None:
        """`url` is `sqlite:///path` or `postgresql://…`; ValueError for anything else.

        `daily_ceiling` is how many placements a number gets in 24 hours; 0: as many as any.
        """
        self._info = {"daily_ceiling": daily_ceiling}
        self._observe = observe
        parsed = database_url(url)
        self._one_writer = parsed.get_backend_name() == "sqlite"
        if self._one_writer:
            self._write_engine = sqlite_engine(parsed, echo=echo, writes=True)
            self._read_engine = sqlite_engine(parsed, echo=echo, writes=False)
            self._writers = ThreadPoolExecutor(1, "database-write")
            self._readers = ThreadPoolExecutor(READERS, "database-read")
            self._version = 0
            """Of the file, as it was in the last of many transactions in a row."""
        else:
            self._write_engine = self._read_engine = postgresql_engine(parsed, echo=echo)
            self._writers = self._readers = ThreadPoolExecutor(POSTGRES_CONNECTIONS, "database")

    @property
    def one_writer(self) -> bool:
        """Whether a transaction that writes keeps all others waiting, in any process (SQLite)."""
        return self._one_writer

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one transaction and commit it."""
        loop = asyncio.get_running_loop()
        with self._observed("write"):
            return await loop.run_in_executor(self._writers, copy_context().run, self._write, work)

    async def write_in_turn(self, work: Callable[[Session], T]) -> T:
        """`write` for one of many transactions in a row, after which others get a turn.

        Processes that wait to write to SQLite are not served in their order: they try again after
        a while, each time for itself. So it is left alone for a moment; for longer than this took,
        if others have written since the turn before.
        """
        if not self._one_writer:
            return await self.write(work)
        loop = asyncio.get_running_loop()
        begun, before = loop.time(), self._version
        result, self._version = await self.write(lambda s: (work(s), _version_of(s)))
        turn = _SHORTEST_TURN
        if self._version != before:
            took = (loop.time() - begun) * random.uniform(1.0, 2.0)
            turn = min(max(took, _SHORTEST_TURN), _LONGEST_TURN)
        await asyncio.sleep(turn)
        return result

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` without keeping any change."""
        loop = asyncio.get_running_loop()
        with self._observed("read"):
            return await loop.run_in_executor(self._readers, copy_context().run, self._read, work)

    def write_sync(self, work: Callable[[Session], T]) -> T:
        """`write` for callers without an event loop; never call it from within work."""
        return self._writers.submit(self._write, work).result()

    def read_sync(self, work: Callable[[Session], T]) -> T:
        """`read` for callers without an event loop; never call it from within work."""
        return self._readers.submit(self._read, work).result()

    def migrate(self) -> None:
        """Bring the schema up to date; several processes may do so at once."""
        from outdial.store.db.migrate import upgrade  # Alembic takes long to import

        try:
            upgrade(self._write_engine)
        except exc.DBAPIError as error:
            _translate(error)
            raise

    async def ping(self) -> None:
        """Return when the database answers."""
        await self.read(lambda s: s.connection().execute(text("SELECT 1")))

    async def measure_skew(self) -> timedelta | None:
        """By how much this host's clock is ahead of the database's; zero where they are one.

        None when every answer took too long.
        """
        return await self.read(measure_skew)

    def dispose(self) -> None:
        """Let running work end, then close all connections."""
        for executor in (self._writers, self._readers):
            executor.shutdown(wait=True)
        for engine in (self._write_engine, self._read_engine):
            engine.dispose()

    @contextmanager
    def _observed(self, kind: str) -> Iterator[None]:
        if self._observe is None:
            yield
            return
        begun, result = time.perf_counter(), "error"
        try:
            yield
            result = "ok"
        except DatabaseUnavailable:
            result = "unavailable"
            raise
        finally:
            self._observe(kind, timedelta(seconds=time.perf_counter() - begun), result)

    def _write(self, work: Callable[[Session], T]) -> T:
        pause = _FIRST_PAUSE
        for tries_left in reversed(range(_TRIES)):
            committing = False
            try:
                with _Transaction(
                    self._write_engine, expire_on_commit=False, info=self._info
                ) as session:
                    result = work(session)
                    finish(session)
                    committing = True
                    session.commit()
                    return result
            except exc.DBAPIError as error:
                # A connection lost before the commit took nothing with it. One lost during
                # the commit may have: only the caller knows whether its work can be repeated.
                lost = error.connection_invalidated and not committing
                if not tries_left or not (lost or may_succeed_again(error)):
                    _translate(error)
                    raise
            except exc.TimeoutError as error:
                raise DatabaseUnavailable("all connections are busy") from error
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause *= 2
        raise AssertionError("unreachable: the last try returns or raises")

    def _read(self, work: Callable[[Session], T]) -> T:
        try:
            with _Transaction(
                self._read_engine, expire_on_commit=False, info=self._info
            ) as session:
                return work(session)
        except exc.DBAPIError as error:
            _translate(error)
            raise
        except exc.TimeoutError as error:
            raise DatabaseUnavailable("all connections are busy") from error


def _version_of(s: Session) -> int:
    """A number that is another one once another connection has written to the file (SQLite)."""
    version: int = s.connection().exec_driver_sql("PRAGMA data_version").scalar_one()
    return version


def _translate(error: exc.DBAPIError) -> None:
    """Raises DatabaseUnavailable for what waiting may repair, and StatementRefused for what a
    value caused: the driver's own words would repeat the value. Anything else is a defect."""
    kind = type(error.orig).__name__
    if means_unavailable(error):
        raise DatabaseUnavailable(
            f"the database cannot be used now: {kind}", rows_locked=means_locked(error)
        ) from error
    if isinstance(error, (exc.IntegrityError, exc.DataError)):
        raise StatementRefused(kind, constraint_of(error), error.statement) from None


__all__ = ["Database", "DatabaseUnavailable"]
