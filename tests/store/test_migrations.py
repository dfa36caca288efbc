from __future__ import annotations

import multiprocessing

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlmodel import Session

from store.database import Database
from store.tables import metadata
from tests.databases import migrated
from tests.store.migrating import migrate


def _difference(s: Session) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(s.connection()), metadata))


def test_migrations_lead_to_the_tables(database: Database) -> None:
    assert database.read_sync(_difference) == []


def test_all_indexes_are_there(database: Database) -> None:
    """Comparing skips conditions of partial indexes, so at least their names must be right."""

    def names(s: Session) -> set[str | None]:
        found = inspect(s.connection())
        return {i["name"] for t in metadata.tables for i in found.get_indexes(t)}

    wanted = {str(index.name) for table in metadata.sorted_tables for index in table.indexes}
    assert wanted <= database.read_sync(names)


def test_migrating_twice_changes_nothing(new_url: str) -> None:
    with migrated(new_url) as database:
        database.migrate()
        assert database.read_sync(_difference) == []


def test_processes_may_migrate_at_once(new_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(3) as pool:
        assert pool.map(migrate, [new_url] * 3) == ["done"] * 3
    with migrated(new_url) as database:
        assert database.read_sync(_difference) == []
