"""One run of the bare baseline."""

from __future__ import annotations

import sys
import uuid
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from bench.baseline.worker import QUEUE
from bench.baseline.workflows import BareCampaign
from bench.engine import HISTORIES
from bench.measured import Measured, read_histories
from bench.people import calls_made, configure
from bench.processes import cpu_seconds, free_port, start, start_python, until_open

API_KEY = "bench"
SECRET = "whsec_YmVuY2htYXJrLXNlY3JldC0xMjM0NTY3ODkw"


async def run_baseline(
    name: str, signals: int, calls: int, in_flight: int, folder: Path
) -> Measured:
    """A window of bare calls, all of whom answer; measured after a warm-up."""
    temporal_port, network_port, hook_port = free_port(), free_port(), free_port()
    temporal, network = f"127.0.0.1:{temporal_port}", f"http://127.0.0.1:{network_port}"
    async with AsyncExitStack() as stack:
        pids = {"server": await start(stack, folder / "t.log", *_temporal(temporal_port, folder))}
        pids["network"] = await start_python(
            stack, folder / "n.log", "outdial.providers.simulated", "--port", str(network_port),
            "--api-key", API_KEY, "--secret", SECRET,
        )  # fmt: skip
        await until_open(temporal_port)
        await until_open(network_port)
        pids["api"] = await start_python(
            stack, folder / "h.log", "bench.baseline.hooks", "--temporal", temporal,
            "--secret", SECRET, "--port", str(hook_port),
            *(["--end-alone"] if signals == 1 else []),
        )  # fmt: skip
        await until_open(hook_port)
        pids["worker"] = await start_python(
            stack, folder / "w.log", "bench.baseline.worker", "--temporal", temporal,
            "--network", network, "--api-key", API_KEY, "--secret", SECRET,
            "--webhook-url", f"http://127.0.0.1:{hook_port}/hooks/bare",
            "--signals", str(signals),
        )  # fmt: skip
        client = await Client.connect(temporal, data_converter=pydantic_data_converter)
        await configure(network)
        await _campaign(client, in_flight, in_flight)
        await _reset(network)
        before = {part: cpu_seconds(pid) for part, pid in pids.items()}
        prefix = await _campaign(client, calls, in_flight)
        cpu = {part: cpu_seconds(pid) - before[part] for part, pid in pids.items()}
        some = [f"{prefix}-{number}" for number in range(max(0, calls - HISTORIES), calls)]
        return Measured(name, await calls_made(network), cpu, await read_histories(client, some))


def _temporal(port: int, folder: Path) -> tuple[str, ...]:
    return (
        str(Path(sys.executable).with_name("temporal")), "server", "start-dev", "--headless",
        "--ip", "127.0.0.1", "--port", str(port), "--db-filename", str(folder / "temporal.db"),
        "--sqlite-pragma", "journal_mode=wal", "--log-level", "error",
    )  # fmt: skip


async def _campaign(client: Client, calls: int, in_flight: int) -> str:
    """The prefix of its workflows' ids."""
    prefix = uuid.uuid4().hex[:8]
    await client.execute_workflow(
        BareCampaign.run,
        args=[0, calls, in_flight, prefix],
        id=f"bare-{prefix}",
        task_queue=QUEUE,
    )
    return prefix


async def _reset(network: str) -> None:
    async with httpx.AsyncClient(base_url=network) as http:
        (await http.post("/sim/reset")).raise_for_status()
    await configure(network)
