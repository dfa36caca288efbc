"""The embedded stack with real processes: start, find, lose a part, be killed, start again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from outdial.runtime.connection import connect_temporal
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.runtime.stack.addresses import running_stack, settings_of_running
from outdial.runtime.stack.embedded import EmbeddedStack, StackFailed
from outdial.runtime.stack.statefile import StackRunning, StackState, is_owned
from tests.waiting import until as until_awaited

ROOT = Path(__file__).parents[2]


async def until(check: Callable[[], bool], *, timeout: float = 60.0) -> None:
    async def holds() -> bool:
        return check()

    await until_awaited(holds, timeout=timeout)


def settings_in(folder: Path) -> Settings:
    return load_settings({"OUTDIAL_STATE_DIR": str(folder)})


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def healthy(stack: StackState) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            answer = await http.get(f"{stack.endpoints.api}/readyz")
        except httpx.TransportError:
            return False
    return bool(answer.json() == {"status": "ok", "database": "ok", "temporal": "ok"})


async def start_waiting_workflow(client: Client) -> None:
    await client.start_workflow("Waits", id="waits", task_queue="nobody")


@pytest.mark.faults
async def test_it_starts_is_detected_heals_and_stops(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with EmbeddedStack(settings) as stack:
        running = running_stack(tmp_path)
        assert running == stack.state
        assert running is not None
        assert await healthy(running)
        others = settings_of_running(settings, running)
        assert others.lines["simulated"].base_url == running.endpoints.network
        with pytest.raises(StackRunning):
            await EmbeddedStack(settings).__aenter__()
        assert running_stack(tmp_path) == running, "who was refused has broken nothing"
        client = await connect_temporal(others)
        await start_waiting_workflow(client)

        await until(lambda: len(stack.pids()) == 4)
        before = stack.pids()
        killed = ("worker", "temporal", "api")
        for name in killed:
            os.kill(before[name], signal.SIGKILL)
        await until(lambda: all(stack.pids()[name] != before[name] for name in killed))
        await until_awaited(lambda: healthy(running), timeout=60)
        described = await client.get_workflow_handle("waits").describe()
        assert described.status is WorkflowExecutionStatus.RUNNING, "its database survived"
        after = stack.pids()
        assert after["network"] == before["network"], "what lives is left alone"
    assert not any(alive(pid) for pid in after.values())
    assert running_stack(tmp_path) is None
    assert not is_owned(tmp_path)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts `outdial up` in a directory; whatever is left of it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        environ = {**os.environ, "OUTDIAL_STATE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
        with (tmp_path / "up.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "outdial.cli", "up"],
                env=environ,
                stdout=output,
                stderr=output,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.faults
async def test_killed_it_leaves_nothing_behind_and_starts_on_the_same_state(
    tmp_path: Path, supervisor: Callable[[], subprocess.Popen[bytes]]
) -> None:
    first = supervisor()
    await until(lambda: running_stack(tmp_path) is not None)
    state = running_stack(tmp_path)
    assert state is not None
    client = await connect_temporal(settings_of_running(settings_in(tmp_path), state))
    await start_waiting_workflow(client)
    children = [int(pid) for pid in _children_of(first.pid)]
    assert len(children) >= 3

    first.kill()
    first.wait()
    await until(lambda: not any(alive(pid) for pid in children))
    assert running_stack(tmp_path) is None

    second = supervisor()
    await until(lambda: running_stack(tmp_path) is not None)
    again = running_stack(tmp_path)
    assert again is not None
    assert again.endpoints == state.endpoints, "bookmarks keep working"
    client = await connect_temporal(settings_of_running(settings_in(tmp_path), again))
    described = await client.get_workflow_handle("waits").describe()
    assert described.status is WorkflowExecutionStatus.RUNNING

    second.send_signal(signal.SIGINT)
    # Its parts have up to 35 seconds in all to end by themselves.
    assert await asyncio.to_thread(second.wait, 90) == 0
    log = (tmp_path / "up.log").read_text()
    assert log.endswith("Stopped. Campaigns resume at the next start.\n")
    assert "Traceback" not in log


async def test_a_part_that_cannot_start_is_reported_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outdial.runtime.stack.processes._BACKOFF_SECONDS", (0.0,))
    monkeypatch.setattr("outdial.runtime.stack.processes.QUICK_FAILURES", 1)
    config = tmp_path / "people.json"
    config.write_text('{"people": {"planet": "Mars"}}', encoding="utf-8")
    environ = {"OUTDIAL_STATE_DIR": str(tmp_path), "OUTDIAL_SIMULATED__CONFIG": str(config)}
    with pytest.raises(StackFailed, match="network ended 1 times in a row") as caught:
        async with EmbeddedStack(load_settings(environ)):
            pytest.fail("it started")
    assert "planet" in str(caught.value)
    assert not is_owned(tmp_path)


def _children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
