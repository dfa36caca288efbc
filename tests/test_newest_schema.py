"""A table or column without a migration is named first, before every other test fails for it."""

from __future__ import annotations

import runpy
import sys

import pytest
import sqlalchemy as sa

from outdial.store.db import revision
from outdial.store.db.revision import missing_migration
from outdial.store.db.tables import metadata


def test_every_table_and_column_has_a_migration() -> None:
    assert missing_migration() is None


def test_a_column_without_a_migration_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = sa.MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(tables)
    tables.tables["campaign"].append_column(sa.Column("per_hour", sa.Integer()))
    sa.Table("survey", tables, sa.Column("id", sa.Integer(), primary_key=True))
    monkeypatch.setattr(revision, "metadata", tables)
    assert missing_migration() == (
        "no migration for: add_table survey; add_column campaign.per_hour. "
        'Write one with make revision MESSAGE="what the tables get"'
    )


def test_make_revision_asks_for_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["revision", ""])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(revision.__file__, run_name="__main__")
    assert ended.value.code == 'MESSAGE is missing: make revision MESSAGE="what the tables get"'
