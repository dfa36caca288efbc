"""Clients that others generate from the kept document, over a whole engine."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.api.client_code.files import KEPT
from outdial.services.accounts.keys import create_key
from tests.builders import phone
from tests.compat import node
from tests.databases import migrated, sqlite_database
from tests.e2e.engine import Engine, engine
from tests.sdks.conftest import MISSING, PYTHON
from tests.temporal import start_server

pytestmark = pytest.mark.faults

__all__ = ["at_work"]

HERE = Path(__file__).parent
TYPESCRIPT = HERE / "typescript"
NOW = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(temporal: WorkflowEnvironment) -> AsyncIterator[Engine]:
    with sqlite_database() as url, migrated(url) as database:
        async with engine(temporal.client, database, NOW) as running:
            yield running


async def run(folder: Path, *command: str, **variables: str) -> tuple[str, str]:
    """What a command prints, and its complaints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(180):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode() + out.decode()
    return out.decode(), errors.decode()


async def drive(at_work: Engine, numbers: list[str], folder: Path, *command: str) -> None:
    """Run a service that launches, adds, lists, pauses, calls and receives; check what it saw."""
    key = await create_key(at_work.ctx, "generated", ("*",))
    ahead = (at_work.clock() - datetime.now(UTC)).total_seconds()
    variables = {
        "API_URL": at_work.api.rstrip("/"),
        "API_KEY": key.text,
        "CLOCK_AHEAD": str(ahead),
    }
    out, _ = await run(folder, *command, *numbers, **variables)
    name = json.loads(out)["listed"][0]
    assert json.loads(out) == {
        "created": True,
        "paused": "paused",
        "listed": [name],
        "call": "completed",
        "recipients": 3,
        "webhook": numbers[3],
        "missing": "not_found",
    }
    assert sorted(number for number in at_work.called() if number in numbers) == sorted(numbers)


async def test_a_python_client(at_work: Engine, tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip(MISSING)
    generator = str(PYTHON.with_name("openapi-python-client"))
    package = str(tmp_path / "outdial_generated")
    paths = ("--path", str(KEPT), "--output-path", package)
    said = "".join(await run(tmp_path, generator, "generate", "--meta", "none", *paths))
    assert "removal" not in said, said  # of schemas and operations that it can't read
    numbers = [phone(7000 + n) for n in range(4)]
    script = tmp_path / "driver.py"
    script.write_text((HERE / "driver.py").read_text(encoding="utf-8"), encoding="utf-8")
    await drive(at_work, numbers, tmp_path, str(PYTHON), str(script))


async def test_a_typescript_client(at_work: Engine) -> None:
    """Type-checked with `strict`."""
    await node.install(TYPESCRIPT)
    (TYPESCRIPT / "build").mkdir(exist_ok=True)
    binaries = TYPESCRIPT / "node_modules" / ".bin"
    types = str(TYPESCRIPT / "build" / "api.d.ts")
    await run(
        TYPESCRIPT,
        str(binaries / "openapi-typescript"),
        str(KEPT),
        "--default-non-nullable",
        "false",
        "-o",
        types,
    )
    await run(TYPESCRIPT, str(binaries / "tsc"))
    numbers = [phone(7010 + n) for n in range(4)]
    await drive(at_work, numbers, TYPESCRIPT, "node", str(TYPESCRIPT / "build" / "drive.js"))
