"""The embedded stack: Temporal's development server, the simulated network, API and worker.

Everything lives in one state directory and listens on this machine only. What dies is started
again on the same state; nothing that was not started here is borrowed or stopped.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import Callable, Mapping

import httpx

from outdial.runtime.settings.settings import DATABASE_FILE, Settings, load_settings
from outdial.runtime.stack.addresses import settings_of_running
from outdial.runtime.stack.parts import WORKER, StackFailed, commands
from outdial.runtime.stack.processes import Process
from outdial.runtime.stack.statefile import (
    StackRunning,
    StackState,
    choose_endpoints,
    owned,
    private_file,
    read_state,
    write_state,
)
from outdial.store.db.database import Database

CALLS_END_SECONDS = 30.0
"""How long a stop lets simulated calls come to their end; most last ten."""
READY_SECONDS = 60.0
"""A loaded machine takes a while to import everything three times."""


class EmbeddedStack:
    """Owns the state directory between `start` and `stop`. Use as a context manager.

    Raises StackRunning when another process owns the directory, StackFailed otherwise.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str] | None = None,
        *,
        on_waiting: Callable[[int], None] | None = None,
    ) -> None:
        """`environ` instead of the environment the settings were read from; `on_waiting` is called
        with the number of calls that a stop lets come to their end."""
        self._base = settings if environ is None else load_settings(environ)
        self._on_waiting = on_waiting
        self._dir = settings.state_dir.resolve()
        self._lock = owned(self._dir)
        self._processes: list[Process] = []
        self._watches: list[asyncio.Task[None]] = []
        self._migrated: asyncio.Task[None]
        self.state: StackState
        self.settings: Settings
        """The settings with the stack's own addresses in them."""

    async def __aenter__(self) -> EmbeddedStack:
        self._lock.__enter__()
        try:
            await self._start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def failure(self) -> None:
        """Wait for ever; raise StackFailed when a part keeps failing."""
        done, _ = await asyncio.wait(self._watches, return_when=asyncio.FIRST_EXCEPTION)
        for watch in done:
            error = watch.exception()
            if error is not None:
                raise StackFailed(str(error)) from error
        await asyncio.Event().wait()

    def pids(self) -> dict[str, int]:
        """Process ids by part, for benchmarks and tests."""
        return {process.command.name: process.pid for process in self._processes if process.pid}

    async def _start(self) -> None:
        last = read_state(self._dir)
        if last is not None and last.ready:
            # Its owner was killed, and what it wrote must not be taken for this stack's state.
            write_state(self._dir, last.model_copy(update={"ready": False}))
        self.state = StackState(
            pid=os.getpid(),
            ready=False,
            endpoints=choose_endpoints(last.endpoints if last else None),
            api_key=last.api_key if last else secrets.token_urlsafe(24),
            webhook_secret=last.webhook_secret if last else _new_secret(),
        )
        write_state(self._dir, self.state)
        self.settings = settings_of_running(self._base, self.state)
        self._processes = [Process(command) for command in commands(self.settings, self.state)]
        self._migrated = asyncio.create_task(self._migrate())
        self._watches = [asyncio.create_task(self._watch(p)) for p in self._processes]
        await self._until_ready()
        self.state = self.state.model_copy(update={"ready": True})
        write_state(self._dir, self.state)

    async def _watch(self, process: Process) -> None:
        if process.command.needs_schema:
            await asyncio.shield(self._migrated)
        await process.keep_running()

    async def _until_ready(self) -> None:
        ready = asyncio.create_task(self._all_ready())
        broken = asyncio.create_task(self.failure())
        try:
            done, _ = await asyncio.wait(
                {ready, broken}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if broken in done:
                broken.result()
            if not done:
                not_ready = [p.command.name for p in self._processes]
                raise StackFailed(
                    f"{', '.join(not_ready)} not ready after {READY_SECONDS:g} seconds; "
                    f"see the logs in {self._dir / 'logs'}"
                )
            ready.result()
        finally:
            for task in (ready, broken):
                task.cancel()
            await asyncio.gather(ready, broken, return_exceptions=True)

    async def _all_ready(self) -> None:
        await asyncio.gather(self._migrated, *(p.answering() for p in self._processes))

    async def _migrate(self) -> None:
        if self.settings.database_url is None:
            private_file(self._dir / DATABASE_FILE)
        database = Database(self.settings.database, daily_ceiling=self.settings.daily_ceiling)
        try:
            await asyncio.to_thread(database.migrate)
        finally:
            database.dispose()

    async def _let_calls_end(self) -> None:
        """Wait for simulated calls to end: the network keeps none across a restart, and a call
        whose end is not reported holds its slot for as long as it might last."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + CALLS_END_SECONDS
        reported = False
        async with httpx.AsyncClient(
            base_url=self.state.endpoints.network, trust_env=False
        ) as http:
            while (calls := await _open_calls(http)) and loop.time() < give_up:
                if not reported and self._on_waiting is not None:
                    self._on_waiting(calls)
                reported = True
                await asyncio.sleep(0.1)

    async def _close(self) -> None:
        try:
            for watch in self._watches:
                watch.cancel()
            await asyncio.gather(*self._watches, return_exceptions=True)
            # The last started first, so that none loses what it needs to finish.
            for process in reversed(self._processes):
                await process.stop()
                if process.command.name == WORKER:
                    await self._let_calls_end()
            if hasattr(self, "state"):
                write_state(self._dir, self.state.model_copy(update={"ready": False}))
        finally:
            self._lock.__exit__(None, None, None)


async def _open_calls(http: httpx.AsyncClient) -> int:
    """Calls in progress in the simulated network; 0 when it does not answer."""
    try:
        answer = await http.get("/sim/stats")
        return int(answer.json()["open"])
    except (httpx.TransportError, ValueError, KeyError):
        return 0


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode("ascii")


__all__ = [
    "EmbeddedStack",
    "StackFailed",
    "StackRunning",
]
