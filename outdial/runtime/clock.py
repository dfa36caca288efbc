"""The one clock of a process: entry points create it and pass it on.

Instants of several processes meet in the database, so it is the database's clock that counts. Each
process measures by how much its own differs, at its start and every minute, and corrects it. With
SQLite the database's clock is the host's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outdial.store.db.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from outdial.store.db.database import Database

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
TOLERATED = timedelta(seconds=2)
"""A larger difference is logged as well, for an operator to repair; it is corrected either way."""


def system_clock() -> datetime:
    return datetime.now(UTC)


class DatabaseClock:
    """Now, by the database's clock, as far as it was measured."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.skew = timedelta(0)
        """By how much this host's clock was ahead of the database's."""

    def __call__(self) -> datetime:
        return system_clock() - self.skew

    async def measure(self) -> None:
        """Compare the clocks; a skew that is not tolerated is logged, and corrected too."""
        skew = await self._database.measure_skew()
        if skew is None:
            log.warning("the database answered too slowly to compare clocks; tried again")
            return
        if abs(skew) > TOLERATED:
            way = "ahead of" if skew > timedelta(0) else "behind"
            log.warning(
                "this host's clock is %.1f s %s the database's; corrected here, but set it right",
                abs(skew).total_seconds(),
                way,
            )
        self.skew = skew


@contextlib.asynccontextmanager
async def keeping_time(clock: DatabaseClock) -> AsyncIterator[None]:
    """Measure now, and every minute from then on. A database that is down is tried again."""
    with contextlib.suppress(DatabaseUnavailable):
        await clock.measure()
    task = asyncio.create_task(_measure_again(clock))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _measure_again(clock: DatabaseClock) -> None:
    while True:
        await asyncio.sleep(EVERY.total_seconds())
        with contextlib.suppress(DatabaseUnavailable):
            await clock.measure()
