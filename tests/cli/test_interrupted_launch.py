"""Ctrl-C while rows are stored leaves nothing of them; progress is a line on a terminal."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import func, select

from bench.contacts import write_campaign, write_contacts
from outdial.cli.campaigns import staging
from outdial.cli.campaigns.staging import Interrupted, showing_progress
from outdial.domain.record import StagingRecord
from outdial.intake.definition import read_definition
from outdial.services.campaigns.launching import launch_campaign
from outdial.store.campaign.listing import list_campaigns
from outdial.store.db.database import Database
from outdial.store.db.tables import recipient
from outdial.store.roster.staging import ABANDONED_AFTER, abandoned
from tests.services.world import build_world, no_temporal


async def test_what_was_stored_is_removed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "SHOWN_AFTER", 0.0)
    write_contacts(tmp_path / "contacts.csv", 4000)
    write_campaign(tmp_path / "large.yaml", "large", tmp_path / "contacts.csv")
    ctx = build_world(database, await no_temporal()).ctx
    loaded = await asyncio.to_thread(read_definition, tmp_path / "large.yaml")
    output = Console(file=io.StringIO(), force_terminal=True, width=100)
    stored = asyncio.Event()

    async def launch() -> None:
        async with showing_progress(ctx, output) as progress:

            def progressed(record: StagingRecord) -> None:
                progress(record)
                if record.recipients:
                    stored.set()

            await launch_campaign(ctx, loaded, progress=progressed)

    launching = asyncio.create_task(launch())
    await stored.wait()
    launching.cancel()
    with pytest.raises(Interrupted):
        await launching
    assert "rows read" in output.file.getvalue()  # type: ignore[attr-defined]
    later = datetime.now(UTC) + 2 * ABANDONED_AFTER
    assert await database.read(lambda s: abandoned(s, later)) == []
    assert await database.read(lambda s: list_campaigns(s, "default")) == []
    left = select(func.count()).select_from(recipient)
    assert await database.read(lambda s: s.connection().execute(left).scalar_one()) == 0
