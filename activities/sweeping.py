"""A round of a sweeper: every item by itself, page after page, within a bounded time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

log = logging.getLogger(__name__)

AT_ONCE = 10
ROUND = timedelta(seconds=60)
"""Within `options.SWEEP`, with room for the page that is under way."""
BATCH = 200

T = TypeVar("T")


async def each(
    items: Sequence[T],
    work: Callable[[T], Awaitable[object]],
    *,
    what: str,
    key: Callable[[T], object],
) -> list[bool]:
    """Work on every item, a few at once; whether each was done.

    One that raises is logged under its key, and keeps nobody else waiting.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> bool:
        async with gate:
            try:
                return bool(await work(item))
            except Exception as error:
                log.warning("%s %s failed: %s", what, key(item), type(error).__name__)
                log.debug("%s %s", what, key(item), exc_info=error)
                return False

    return await asyncio.gather(*(one(item) for item in items))


async def pages(
    read: Callable[[T | None], Awaitable[Sequence[T]]], *, within: timedelta = ROUND
) -> AsyncIterator[Sequence[T]]:
    """Pages of at most BATCH, each read behind the last item of the one before, until the last
    page or the end of the round. What is left is read by the next round."""
    give_up = time.monotonic() + within.total_seconds()
    last: T | None = None
    while True:
        page = await read(last)
        if page:
            yield page
            last = page[-1]
        if len(page) < BATCH or time.monotonic() >= give_up:
            return
