"""The command line in this process, over a real database in a directory of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from outdial.cli.main import app
from outdial.domain.call.claim import ClaimedCall
from outdial.store.db.database import Database
from tests.databases import migrated
from tests.services.world import build_world, no_temporal

Outdial = Callable[..., Result]


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTDIAL_STATE_DIR", "state")
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "no-temporal.toml"))
    return tmp_path / "state"


@pytest.fixture
def outdial(state_dir: Path) -> Outdial:
    runner = CliRunner()

    def run(*arguments: str) -> Result:
        return runner.invoke(app, list(arguments), prog_name="outdial")

    return run


@pytest.fixture
def database(state_dir: Path) -> Iterator[Database]:
    state_dir.mkdir()
    with migrated(f"sqlite:///{state_dir / 'outdial.db'}") as database:
        yield database


@pytest.fixture
def call(database: Database) -> ClaimedCall:
    """One call under way, and nothing that carries it out."""

    async def place() -> ClaimedCall:
        return await build_world(database, await no_temporal()).place_call()

    return asyncio.run(place())
