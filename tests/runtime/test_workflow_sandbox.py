"""Workflow code runs without Temporal's sandbox in production, and within it in tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import worker
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.store.db.database import Database
from tests.services.world import no_temporal, simulated_lines

PRODUCTION = load_settings({})
OF_TESTS = load_settings()
"""What a worker process gets that a test starts."""


class Stopped(Exception):
    """In place of a worker's start."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    unused = Database(f"sqlite:///{tmp_path / 'outdial.db'}")
    yield unused
    unused.dispose()


@pytest.mark.parametrize(
    ("settings", "runner"),
    [(PRODUCTION, UnsandboxedWorkflowRunner), (OF_TESTS, SandboxedWorkflowRunner)],
    ids=["production", "tests"],
)
async def test_a_worker_runs_workflows_as_the_setting_says(
    settings: Settings, runner: type, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[dict[str, Any]] = []

    class Recorder:
        def __init__(self, _client: object, **config: Any) -> None:
            built.append(config)

        async def __aenter__(self) -> None:
            raise Stopped

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(worker, "Worker", Recorder)
    resources = Resources(database, await no_temporal(), simulated_lines(), system_clock)
    async with AsyncExitStack() as running:
        with pytest.raises(Stopped):
            await worker._start(running, resources, settings)
    runners = [config["workflow_runner"] for config in built if "workflows" in config]
    assert [type(each) for each in runners] == [runner]
