"""Commands that write what other processes compare with their own instants go by the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.cli.attachment import changing_records
from outdial.runtime.clock import system_clock
from outdial.runtime.settings.settings import load_settings
from outdial.store.db.database import Database


async def test_a_host_that_is_behind_shows_life_by_the_clock_of_the_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def behind(_: Database) -> timedelta:
        return timedelta(seconds=-40)

    monkeypatch.setattr(Database, "measure_skew", behind)
    async with changing_records(load_settings()) as attachment:
        ahead = attachment.context.clock() - system_clock()
    assert timedelta(seconds=39) < ahead <= timedelta(seconds=40)
