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
        self._tasks: dict[str, asyncio.Future[Any]] = {}
        self._starting: set[asyncio.Future[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._starting, *self._tasks.values()]
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
        task.add_done_callback(lambda _: close())
        self._starting.add(task)
        either: set[asyncio.Future[T] | asyncio.Future[StagingRecord]] = {task, staged}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._starting.discard(task)
            if not staged.done():
                task.cancel()
        if not staged.done():
            return await task
        record = staged.result()
        self._tasks[record.public_id] = task
        task.add_done_callback(lambda _: self._ended(record))
        return record

    def cancel(self, public_id: str) -> bool:
        """Cancel one; False if it does not go on in this process."""
        task = self._tasks.get(public_id)
        return task is not None and task.cancel()

    def _ended(self, record: StagingRecord) -> None:
        task = self._tasks.pop(record.public_id)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, OutdialError):
            log.error("the launch %s of %s failed", record.public_id, record.campaign,
                      exc_info=error)  # fmt: skip
