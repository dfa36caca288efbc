"""Every test here runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from sqlalchemy import URL

from outdial.store.db.database import Database
from tests.builders import House
from tests.databases import (
    empty,
    migrated,
    postgresql_database,
    postgresql_server,
    sqlite_database,
)

BACKENDS = ("sqlite", "postgresql")
Kept = Callable[[str], tuple[str, Database]]


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def kept(server: URL) -> Iterator[Kept]:
    """Databases that last: one of each kind, made when it is first asked for."""
    with ExitStack() as until_the_end:

        @cache
        def of(backend: str) -> tuple[str, Database]:
            new = sqlite_database() if backend == "sqlite" else postgresql_database(server)
            url = until_the_end.enter_context(new)
            return url, until_the_end.enter_context(migrated(url))

        yield of


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def session_database(kept: Kept, backend: str) -> Database:
    """With what other tests left in it: for those who empty it for each of their examples."""
    return kept(backend)[1]


@pytest.fixture
def database(session_database: Database) -> Database:
    """A migrated database with nothing in it."""
    empty(session_database)
    return session_database


@pytest.fixture
def url(kept: Kept, backend: str, database: Database) -> str:
    """Where `database` is, for other processes."""
    return kept(backend)[0]


@pytest.fixture
def on_postgresql(backend: str) -> None:
    """For tests of two transactions at once."""
    if backend != "postgresql":
        pytest.skip("SQLite has one writer at a time")


@pytest.fixture
def new_url(backend: str, server: URL) -> Iterator[str]:
    """A database without any schema."""
    if backend == "sqlite":
        with sqlite_database() as url:
            yield url
    else:
        with postgresql_database(server) as url:
            yield url


@pytest.fixture
def house(database: Database) -> House:
    """The database with one line that limits nothing."""
    built = House(database)
    built.line()
    return built
