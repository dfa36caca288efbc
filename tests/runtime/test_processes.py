"""Child processes: restarted when they die, given up when hopeless, never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from outdial.runtime.stack import parent_watchdog
from outdial.runtime.stack.processes import QUICK_FAILURES, Command, Process, ProcessFailed
from tests.waiting import until as until_awaited

WATCHDOG = Path(parent_watchdog.__file__)
SLEEPER = "import time; print('up', flush=True); time.sleep(60)"


def command(tmp_path: Path, code: str, *, stop_within: float = 5.0) -> Command:
    return Command(
        name="part",
        arguments=(sys.executable, "-S", "-c", code),
        environment=dict(os.environ),
        log=tmp_path / "logs" / "part.log",
        stop_within=stop_within,
    )


async def until(check: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return check()

    await until_awaited(holds)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_what_dies_is_started_again_and_stops_on_request(tmp_path: Path) -> None:
    process = Process(command(tmp_path, SLEEPER))
    watch = asyncio.create_task(process.keep_running())
    await until(lambda: process.pid is not None)
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: process.pid not in (None, first))
    second = process.pid
    assert second is not None
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await process.stop()
    assert not alive(second)


async def test_what_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN); " + SLEEPER
    process = Process(command(tmp_path, stubborn, stop_within=0.2))
    watch = asyncio.create_task(process.keep_running())
    await until(lambda: process.command.log.exists() and process.command.log.stat().st_size > 0)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    assert process.pid is not None
    await process.stop()
    assert not alive(process.pid)


async def test_what_is_hopeless_is_given_up_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outdial.runtime.stack.processes._BACKOFF_SECONDS", (0.0,))
    process = Process(command(tmp_path, "import sys; sys.exit('no licence to dial')"))
    with pytest.raises(ProcessFailed) as caught:
        await process.keep_running()
    assert str(caught.value).startswith(f"part ended {QUICK_FAILURES} times in a row, last with")
    assert "    no licence to dial" in str(caught.value)


def _orphan(tmp_path: Path, call: str) -> int:
    """Start a process that starts a watched command and kills itself; the pid of the command."""
    code = (
        "import os, signal, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-S', '-c', {call!r}, str(os.getpid()),\n"
        f"    sys.executable, '-S', '-c', 'import os, time; print(os.getpid(), flush=True);'\n"
        "    'time.sleep(60)'], stdout=subprocess.PIPE)\n"
        "print(child.stdout.readline().decode(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return int(ended.stdout)


_LOAD = f"import sys; sys.path.insert(0, {str(WATCHDOG.parent)!r}); import parent_watchdog; "


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
async def test_the_kernel_ends_what_lost_its_parent(tmp_path: Path) -> None:
    pid = _orphan(tmp_path, _LOAD + "sys.exit(parent_watchdog.main(sys.argv[1:]))")
    await until(lambda: not alive(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_elsewhere_the_watchdog_ends_what_lost_its_parent(tmp_path: Path) -> None:
    pid = _orphan(
        tmp_path, _LOAD + "sys.exit(parent_watchdog.watch(int(sys.argv[1]), sys.argv[2:]))"
    )
    await until(lambda: not alive(pid))
