"""A round of a sweeper: works on items independently, page by page, within a bounded time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from outdial.dispatch.errors import TemporalUnavailable
from outdial.store.db.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

AT_ONCE = 10
ROUND = timedelta(seconds=60)
"""Of one activity: within `options.SWEEP`, with room for the items that are under way."""
BATCH = 200
OUTAGE = 2 * AT_ONCE
"""Items in a row. One that can't be dealt with by itself keeps no others waiting."""

MOST_FAILURES = 1000
"""So many items that can't be dealt with are stepped over in one round."""

T = TypeVar("T")
K = TypeVar("K")


class Deadline:
    """When an activity starts no further work: after a time, or in an outage."""

    def __init__(self, within: timedelta = ROUND) -> None:
        self._at = time.monotonic() + within.total_seconds()
        self._unavailable = 0
        self._outage: Exception | None = None
        self._shares: list[Deadline] = []

    @property
    def passed(self) -> bool:
        return self._outage is not None or time.monotonic() >= self._at

    def note(self, error: Exception | None) -> None:
        """What came of an item. So many in a row that found Temporal or the database unavailable
        are an outage: the next ones would as well, and wait for it as long."""
        outage = isinstance(error, TemporalUnavailable) or (
            isinstance(error, DatabaseUnavailable) and not error.rows_locked
        )
        self._unavailable = self._unavailable + 1 if outage else 0
        if self._unavailable == OUTAGE and self._outage is None:
            log.warning("%s; what is left is done in the next round", type(error).__name__)
            self._outage = error

    def raise_outage(self) -> None:
        """Raise what an outage made of the last items of any step, so that the round reads as one
        that failed, not as one that found nothing to do."""
        for share in self._shares:
            share.raise_outage()
        if self._outage is not None:
            raise self._outage

    def share(self, of: int) -> Deadline:
        """A deadline for the first of several steps: an equal part of the time that is left. An
        outage ends that step alone, since others may not need what is away."""
        left = max(0.0, self._at - time.monotonic())
        share = Deadline(timedelta(seconds=left / of))
        self._shares.append(share)
        return share


async def sweep(
    read: Callable[[T | None, Sequence[K]], Awaitable[Sequence[T]]],
    work: Callable[[T], Awaitable[object]],
    *,
    what: str,
    key: Callable[[T], K],
    until: Deadline,
    mark: Callable[[Sequence[T]], Awaitable[None]] | None = None,
    most_failures: int | None = None,
) -> int:
    """Work on everything that `read` gives, page after page; how many items were done.

    `read` is given the last item of the page before, and the keys of those that were not done. With
    `most_failures` no page is read after more of those. `mark` is given those of each page that
    were done.
    """
    failed: list[K] = []
    count = 0

    async def next_page(last: T | None) -> Sequence[T]:
        if most_failures is not None and len(failed) > most_failures:
            return ()
        return await read(last, failed)

    async for page in pages(next_page, until=until):
        results = await each(page, work, what=what, key=key, until=until)
        done = [item for item, ok in zip(page, results, strict=True) if ok]
        failed += [key(item) for item, ok in zip(page, results, strict=True) if not ok]
        if mark is not None:
            await mark(done)
        count += len(done)
    return count


async def each(
    items: Sequence[T],
    work: Callable[[T], Awaitable[object]],
    *,
    what: str,
    key: Callable[[T], object],
    until: Deadline,
) -> list[bool]:
    """Work on every item, a few at once; whether each was done.

    One that raises is logged under its key, and the others go on. None is begun after the deadline,
    or in an outage: those are left to the next round.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> bool:
        async with gate:
            if until.passed:
                return False
            try:
                done = bool(await work(item))
            except Exception as error:
                until.note(error)
                log.warning("%s %s failed: %s", what, key(item), type(error).__name__)
                log.debug("%s %s", what, key(item), exc_info=error)
                return False
            until.note(None)
            return done

    return await asyncio.gather(*(one(item) for item in items))


async def pages(
    read: Callable[[T | None], Awaitable[Sequence[T]]], *, until: Deadline
) -> AsyncIterator[Sequence[T]]:
    """Pages of at most BATCH, each read behind the last item of the one before, until the last
    page or the deadline. What is left is read by the next round."""
    last: T | None = None
    while True:
        page = await read(last)
        if page:
            yield page
            last = page[-1]
        if len(page) < BATCH or until.passed:
            return
