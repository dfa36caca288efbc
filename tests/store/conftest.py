"""Every test here runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from store.database import Database
from tests.builders import House
from tests.databases import (
    empty,
    migrated,
    postgresql_database,
    postgresql_server,
    sqlite_database,
)

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def session_url(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    if backend == "sqlite":
        with sqlite_database() as url:
            yield url
    else:
        with postgresql_database(request.getfixturevalue("server")) as url:
            yield url


@pytest.fixture(scope="session")
def session_database(session_url: str) -> Iterator[Database]:
    with migrated(session_url) as database:
        yield database


@pytest.fixture
def database(session_database: Database) -> Database:
    """A migrated database with nothing in it."""
    empty(session_database)
    return session_database


@pytest.fixture
def url(session_url: str, database: Database) -> str:
    """Where `database` is, for other processes."""
    return session_url


@pytest.fixture
def new_url(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without any schema."""
    if backend == "sqlite":
        with sqlite_database() as url:
            yield url
    else:
        with postgresql_database(request.getfixturevalue("server")) as url:
            yield url


@pytest.fixture
def house(database: Database) -> House:
    """The database with one line that limits nothing."""
    built = House(database)
    built.line()
    return built
