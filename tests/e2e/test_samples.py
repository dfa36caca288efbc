"""The samples, as whoever reads them would run them: processes of their own, over a real engine."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.testing import WorkflowEnvironment
from typer.testing import CliRunner

from outdial.cli.main import app
from outdial.contracts.names import NEXUS_ENDPOINT, schedule_id
from outdial.dispatch.nexus import create_endpoint
from outdial.services.accounts.keys import create_key
from outdial.services.campaigns import scheduling
from tests.builders import phone
from tests.compat import node, samples
from tests.databases import migrated, sqlite_database
from tests.e2e.engine import Engine, engine
from tests.temporal import start_server
from tests.waiting import until

pytestmark = pytest.mark.faults

__all__ = ["at_work"]

SAMPLES = Path(__file__).parents[2] / "samples" / "python"
TYPESCRIPT = SAMPLES.parent / "typescript"
NOW = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def temporal_server() -> AsyncIterator[WorkflowEnvironment]:
    """A server that runs schedules, too; its default namespace: the samples know no other."""
    async with await start_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(temporal_server: WorkflowEnvironment) -> AsyncIterator[Engine]:
    with sqlite_database() as url, migrated(url) as database:
        async with engine(temporal_server.client, database, NOW) as running:
            yield running


async def run_sample(
    server: WorkflowEnvironment, name: str, *arguments: str, **variables: str
) -> str:
    return await run(server, sys.executable, str(SAMPLES / name), *arguments, **variables)


async def run(server: WorkflowEnvironment, *command: str, **variables: str) -> str:
    """What a command prints; it must succeed."""
    address = server.client.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "TEMPORAL_ADDRESS": address, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(90):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


async def test_place_call(at_work: Engine, temporal_server: WorkflowEnvironment) -> None:
    out = await run_sample(temporal_server, "place_call.py", phone(6000))
    assert out == "completed after 1 attempt(s)\n"
    assert at_work.called().count(phone(6000)) == 1


async def test_place_call_from_typescript(
    at_work: Engine, temporal_server: WorkflowEnvironment
) -> None:
    """Type-checked with `strict`, compiled, and run."""
    await node.install(TYPESCRIPT)
    await samples.run(["npm", "run", "build"], {}, TYPESCRIPT)
    out = await run(temporal_server, "node", str(TYPESCRIPT / "build/place-call.js"), phone(6001))
    assert out == "completed after 1 attempt(s)\n"
    assert at_work.called().count(phone(6001)) == 1


async def test_http_call(at_work: Engine, temporal_server: WorkflowEnvironment) -> None:
    key = await create_key(at_work.ctx, "sample", ("calls:write",))
    access = {"API_URL": at_work.api.rstrip("/"), "API_KEY": key.text}
    out = await run_sample(temporal_server, "http_call.py", phone(6005), **access)
    assert out == "completed after 1 attempt(s)\n"
    assert at_work.called().count(phone(6005)) == 1


async def test_run_campaign(at_work: Engine, temporal_server: WorkflowEnvironment) -> None:
    numbers = [phone(6010), phone(6011)]
    out = await run_sample(temporal_server, "run_campaign.py", *numbers)
    assert "finished: {'completed': 2}" in out
    assert set(numbers) <= set(at_work.called())


async def test_nexus_from_another_namespace(
    at_work: Engine, temporal_server: WorkflowEnvironment
) -> None:
    client = temporal_server.client
    assert await create_endpoint(client, NEXUS_ENDPOINT)
    assert not await create_endpoint(client, NEXUS_ENDPOINT)
    request = RegisterNamespaceRequest(namespace="bookings")
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await client.workflow_service.register_namespace(request)
    out = await run_sample(
        temporal_server, "nexus_caller.py", phone(6020), TEMPORAL_NAMESPACE="bookings"
    )
    assert out == "the call: completed\n"
    assert at_work.called().count(phone(6020)) == 1


async def test_a_recurring_campaign(
    at_work: Engine, temporal_server: WorkflowEnvironment, tmp_path: Path
) -> None:
    name = "every-day"
    made = await scheduling.schedule_campaign(at_work.ctx, name, "none.yaml", "0 9 * * *")
    again = await scheduling.schedule_campaign(at_work.ctx, name, "other.yaml", "0 10 * * 1-5")
    assert (made, again) == (True, False)
    handle = temporal_server.client.get_schedule_handle(schedule_id("default", name))
    await handle.trigger()

    async def ran() -> bool:
        return bool((await handle.describe()).info.recent_actions)

    await until(ran)
    await scheduling.unschedule_campaign(at_work.ctx, name)


def test_schemas_are_published() -> None:
    for name, title in (
        ("request-call", "RequestCallInput"),
        ("request-result", "RequestResult"),
        ("run-campaign", "LaunchInput"),
        ("campaign-result", "CampaignResult"),
    ):
        shown = CliRunner().invoke(app, ["schema", name])
        assert json.loads(shown.stdout)["title"] == title
    assert CliRunner().invoke(app, ["schema", "nothing"]).exit_code == 1
