"""The parts of a stack as processes that a test kills and starts again when it likes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from outdial.runtime.stack import processes
from outdial.runtime.stack.processes import Command
from tests.waiting import until

_WATCHDOG = Path(processes.__file__).with_name("parent_watchdog.py")


class Part:
    """One process of a stack. Nothing restarts it but the test."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.kills = 0
        self._child: asyncio.subprocess.Process | None = None
        self._told = False
        """To end, or to kill itself."""

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.returncode is None

    def check(self) -> None:
        """Raises AssertionError with the end of its log when it ended without being told to."""
        if self._child is not None and not self._told:
            self._running_child()

    def run_instead(self, *module_and_arguments: str) -> None:
        """Have the next start run another module of ours."""
        self.command = replace(
            self.command, arguments=(sys.executable, "-m", *module_and_arguments)
        )

    async def start(self, *, within: float = 120.0) -> None:
        """Start it; returns once it answers, if it is one that does."""
        log = self.command.log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-S",
                str(_WATCHDOG),
                str(os.getpid()),
                *self.command.arguments,
                env=dict(self.command.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._told = False
        if self.command.answers is not None:
            await until(self.command.answers, timeout=within, interval=0.05)

    async def kill(self) -> None:
        """SIGKILL, and wait until the kernel has buried it."""
        child = self._running_child()
        self._told = True
        child.kill()
        await child.wait()
        self.kills += 1

    def freeze(self) -> None:
        """SIGSTOP: it is alive, and does nothing, as under a hypervisor that is busy."""
        self._running_child().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running_child().send_signal(signal.SIGCONT)

    async def died(self, *, within: float = 60.0) -> int:
        """Wait for it to end by itself; its exit code, -9 after a SIGKILL."""
        assert self._child is not None, f"{self.command.name} was never started"
        self._told = True
        async with asyncio.timeout(within):
            return await self._child.wait()

    async def stop(self) -> None:
        """End it politely, as the embedded stack would."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        self._told = True
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGCONT)
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), self.command.stop_within)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    def _running_child(self) -> asyncio.subprocess.Process:
        assert self._child is not None, f"{self.command.name} was never started"
        assert self._child.returncode is None, (
            f"{self.command.name} ended by itself with code {self._child.returncode}: "
            + "\n".join(processes.tail_of(self.command.log))
        )
        return self._child
