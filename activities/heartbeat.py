"""Heartbeats for activities that wait on somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from temporalio import activity

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
