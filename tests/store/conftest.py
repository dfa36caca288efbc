"""Every test here runs on PostgreSQL and on SQLite, those of what differs in each run."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.pool import Pool

import pytest
from sqlalchemy import URL

from outdial.store.db.database import Database
from tests.backends import Kept
from tests.builders import House
from tests.databases import empty, postgresql_database, sqlite_database


@pytest.fixture
def database(session_database: Database) -> Database:
    """A migrated database with nothing in it."""
    empty(session_database)
    return session_database


@pytest.fixture
def url(kept: Kept, backend: str, database: Database) -> str:
    """Where `database` is, for other processes."""
    return kept(backend)[0]


@pytest.fixture(scope="session")
def three_processes() -> Iterator[Pool]:
    """Processes of their own, for all tests that need some. One imports what they do, which takes
    a second, and the three are copies of it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.claiming", "tests.store.migrating"])
    with context.Pool(3) as pool:
        yield pool


@pytest.fixture
def on_postgresql(backend: str) -> None:
    """For tests of two transactions at once."""
    if backend != "postgresql":
        pytest.skip("SQLite has one writer at a time")


@pytest.fixture
def new_url(backend: str, postgresql: URL) -> Iterator[str]:
    """A database without any schema."""
    if backend == "sqlite":
        with sqlite_database() as url:
            yield url
    else:
        with postgresql_database(postgresql) as url:
            yield url


@pytest.fixture
def house(database: Database) -> House:
    """The database with one line that limits nothing."""
    built = House(database)
    built.line()
    return built
