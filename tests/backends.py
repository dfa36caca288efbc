"""SQLite and PostgreSQL, each with one server and one database that the tests of a process share.

A plugin of tests/conftest.py. What asks for `backend` runs on PostgreSQL; on SQLite it is repeated
by `make test` where it is marked `both_databases`, and by `make faults` where it is not. A long
test of a file that is marked leaves its repetition to `make faults` by `both_databases(False)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from sqlalchemy import URL

from outdial.store.db.database import Database
from tests.databases import (
    InThread,
    migrated,
    postgresql_database,
    postgresql_server,
    sqlite_database,
)

BACKENDS = ("sqlite", "postgresql")
Kept = Callable[[str], tuple[str, Database]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before `-m` chooses: leave to the long runs what SQLite merely repeats."""
    for item in items:
        if _backend(item) == "sqlite" and not _repeated(item):
            item.add_marker("faults")


def _repeated(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("both_databases")
    return marker is not None and marker.args != (False,)


def _backend(item: pytest.Item) -> object:
    call = getattr(item, "callspec", None)
    return call.params.get("backend") if call else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """A server; the connection may create databases."""
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def kept(postgresql: URL) -> Iterator[Kept]:
    """Databases that last: one of each kind, made when it is first asked for."""
    with ExitStack() as until_the_end:

        @cache
        def of(backend: str) -> tuple[str, Database]:
            new = sqlite_database() if backend == "sqlite" else postgresql_database(postgresql)
            url = until_the_end.enter_context(new)
            return url, until_the_end.enter_context(migrated(url, InThread))

        yield of


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def session_database(kept: Kept, backend: str) -> Database:
    """With what other tests left in it: for those who empty it for each of their examples."""
    return kept(backend)[1]
