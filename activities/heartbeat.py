"""Heartbeats for activities that wait for other systems."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity

T = TypeVar("T")

INTERVAL = timedelta(seconds=3)
"""A third of the shortest heartbeat timeout in `options`."""


@asynccontextmanager
async def heartbeating(interval: timedelta = INTERVAL) -> AsyncIterator[None]:
    """Heartbeat in the background until the block is left."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(interval.total_seconds())
            activity.heartbeat()

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Carry work out to its end even when the activity is cancelled meanwhile; then raise that.

    A request that is under way has left: what came of it has to be written down.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
