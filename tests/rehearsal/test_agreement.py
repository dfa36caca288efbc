"""A rehearsal and the real store make the same calls: same instants, lines and outcomes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outdial.store.db.database import Database
from tests.databases import InThread, migrated, sqlite_database
from tests.rehearsal.agreement import compare

CAMPAIGNS = 5


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with sqlite_database() as url, migrated(url, InThread) as of_tests:
        yield of_tests


@pytest.mark.parametrize("seed", range(CAMPAIGNS))
def test_a_rehearsal_makes_the_calls_that_the_store_makes(database: Database, seed: int) -> None:
    compare(database, seed)
