"""Child processes of the embedded stack: started, watched, restarted, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from outdial.domain.errors import OutdialError
from outdial.runtime.stack.statefile import private_file

QUICK_SECONDS = 10.0
"""A process that lives shorter than that failed quickly."""
QUICK_FAILURES = 5
"""So many in a row, and there is no hope."""
_BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0)
_LOG_BYTES = 5_000_000
_TAIL_LINES = 8
_WATCHDOG = Path(__file__).with_name("parent_watchdog.py")


class ProcessFailed(OutdialError):
    """A part of the stack ends again and again."""

    code = "process_failed"

    def __init__(self, name: str, code: int, log: Path) -> None:
        self.tail = tail_of(log)
        output = "\n".join(f"    {line}" for line in self.tail) or "    (it wrote nothing)"
        super().__init__(
            f"{name} ended {QUICK_FAILURES} times in a row, last with code {code}; "
            f"its log {log} ends with:\n{output}"
        )
        self.name = name


@dataclass(frozen=True)
class Command:
    """One process: what to run, with what environment, and its readiness check."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    stop_within: float
    """Seconds from SIGTERM to SIGKILL."""
    answers: Callable[[], Awaitable[bool]] | None = None
    needs_schema: bool = False
    """It may start only once the database's schema is up to date."""


class Process:
    """Keeps one command running until it is stopped."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._child: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def keep_running(self) -> None:
        """Start it, and again whenever it ends, until cancelled.

        Raises ProcessFailed when it ends quickly, again and again.
        """
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            self._child = await self._spawn()
            code = await self._child.wait()
            failures = failures + 1 if loop.time() - started < QUICK_SECONDS else 1
            if failures >= QUICK_FAILURES:
                raise ProcessFailed(self.command.name, code, self.command.log)
            await asyncio.sleep(_BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS)) - 1])

    async def answering(self) -> None:
        """Return once it answers; the caller sets the limit."""
        while self.command.answers is not None:
            if await self.command.answers():
                return
            await asyncio.sleep(0.03)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when it takes too long. Cancel `keep_running` first."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), self.command.stop_within)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _spawn(self) -> asyncio.subprocess.Process:
        log = self.command.log
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        private_file(log)
        with log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-S",
                "-P",
                str(_WATCHDOG),
                str(os.getpid()),
                *self.command.arguments,
                env=dict(self.command.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                umask=0o077,
                # Ctrl-C in a terminal goes to its whole group; the parts are to stop in order.
                start_new_session=True,
            )


def tail_of(log: Path) -> list[str]:
    """The last lines of a log that say something."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip() for line in deque(file, _TAIL_LINES) if line.strip()]
    except FileNotFoundError:
        return []


async def listens(port: int) -> bool:
    """Whether something accepts connections on a port of this machine."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
