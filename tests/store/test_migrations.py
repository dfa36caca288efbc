from __future__ import annotations

import shutil
from datetime import UTC, datetime
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlmodel import Session

from outdial.domain.rules.rulebook import Block
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.db import migrate, revision
from outdial.store.db.database import Database
from outdial.store.db.tables import claim_state, metadata
from tests.builders import House
from tests.databases import migrated
from tests.store import migrating

pytestmark = pytest.mark.both_databases


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


def test_processes_may_migrate_at_once(new_url: str, three_processes: Pool) -> None:
    assert three_processes.map(migrating.migrate, [new_url] * 3, chunksize=1) == ["done"] * 3
    with migrated(new_url) as database:
        assert database.read_sync(_difference) == []


def test_the_first_revision_can_be_taken_back(new_url: str) -> None:
    with migrated(new_url) as database:
        with database._write_engine.begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "base")
        left = database.read_sync(lambda s: inspect(s.connection()).get_table_names())
        assert [name for name in left if name in metadata.tables] == []
        database.migrate()
        assert database.read_sync(_difference) == []


def test_a_new_revision_holds_what_the_database_lacks(
    new_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(migrate._MIGRATIONS, folder)
    monkeypatch.setattr(migrate, "_MIGRATIONS", folder)
    with migrated(new_url) as database:
        database.write_sync(
            lambda s: s.connection().execute(text("ALTER TABLE suppression DROP COLUMN source"))
        )
        revision.write_revision(database._write_engine, "the source of a suppression")
    (written,) = folder.glob("versions/*the_source_of_a_suppression.py")
    assert 'sa.Column("source", sa.Text()' in written.read_text().replace("'", '"')


def _revert_to(database: Database, number: str) -> None:
    with database._write_engine.begin() as connection:
        command.downgrade(migrate.alembic_config(connection), number)


def test_the_claim_state_keeps_what_the_claim_cursor_held(new_url: str) -> None:
    with migrated(new_url) as database:
        house = House(database)
        house.line()
        campaign = house.launch(3, pacing={"max_concurrent": 2})
        house.claim(campaign)
        before = database.read_sync(_claim_states)
        assert before[0]["caller_turn"] == 2
        _revert_to(database, "0021")
        columns = database.read_sync(lambda s: inspect(s.connection()).get_columns("campaign"))
        assert "standing" in {column["name"] for column in columns}
        database.migrate()
        assert database.read_sync(_claim_states) == before


def _claim_states(s: Session) -> list[dict[str, Any]]:
    return [dict(row) for row in s.connection().execute(select(claim_state)).mappings()]


def test_a_reason_keeps_its_text_when_its_column_is_renamed(new_url: str) -> None:
    """Blocks too, whose reason is a key of stored JSON."""
    until = datetime(2030, 9, 1, tzinfo=UTC)
    blocked = Block(jurisdiction="US-LA", until=until, reason="state of emergency")
    with migrated(new_url) as database:
        _revert_to(database, "0018")
        old = {"body": blocked.model_dump_json().replace("reason", "because"), "at": until}
        database.write_sync(
            lambda s: s.connection().execute(
                text(
                    "INSERT INTO ruling (tenant, kind, name, body, until, created_at)"
                    " VALUES ('default', 'block', 'US-LA', :body, :at, :at)"
                ),
                old,
            )
        )
        database.write_sync(
            lambda s: s.connection().execute(
                text(
                    "INSERT INTO endpoint (id, tenant, kind, url, events, scheme, secret, state,"
                    " because, metadata, version, created_at, updated_at)"
                    " VALUES ('e', 'default', 'api', 'https://a.example', '[]', 's', 's',"
                    " 'disabled', 'it failed', '{}', 1, :at, :at)"
                ),
                old,
            )
        )
        database.migrate()
        now = datetime(2026, 1, 1, tzinfo=UTC)
        rulebook = database.read_sync(lambda s: read_rulebook(s, "default", now))
        assert rulebook.blocks == (blocked,)
        query = text("SELECT reason FROM endpoint")
        assert database.read_sync(lambda s: s.connection().execute(query).scalar()) == "it failed"
