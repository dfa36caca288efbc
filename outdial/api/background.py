"""Launches and additions that go on after their request was answered, in this process.

How far they are is in the database, where every process reads it. If this process dies, the next
attempt or a maintenance loop removes what they had staged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

from outdial.domain.errors import OutdialError
from outdial.domain.record import StagingRecord
from outdial.services.campaigns.staging import Progress

log = logging.getLogger(__name__)

T = TypeVar("T")


class BackgroundLaunches:
    """What goes on in this process; cancelled when it stops, so that nothing of it is left."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def begin(
        self, work: Callable[[Progress], Awaitable[T]], close: Callable[[], None]
    ) -> StagingRecord | T:
        """Start `work`, and return once it is staging, or with its result if it never is.

        `close` is called when it has ended, whatever its end. Raises what `work` raises before it
        is staging.
        """
        staged: asyncio.Future[StagingRecord] = asyncio.get_running_loop().create_future()

        def progressed(record: StagingRecord) -> None:
            if not staged.done():
                staged.set_result(record)

        task = asyncio.ensure_future(work(progressed))
        self._tasks.add(task)
        task.add_done_callback(lambda _: close())
        task.add_done_callback(lambda _: self._ended(task, staged))
        either: set[asyncio.Future[T] | asyncio.Future[StagingRecord]] = {task, staged}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not staged.done():
                task.cancel()
        return staged.result() if staged.done() else await task

    def _ended(self, task: asyncio.Future[Any], staged: asyncio.Future[StagingRecord]) -> None:
        """What ends before it is staging is its request's own."""
        self._tasks.discard(task)
        if task.cancelled() or not staged.done():
            return
        record, error = staged.result(), task.exception()
        if error is not None and not isinstance(error, OutdialError):
            log.error("the launch %s of %s failed", record.public_id, record.campaign,
                      exc_info=error)  # fmt: skip
