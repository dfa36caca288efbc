"""Gauges of the installation: whether what it stands on answers, and what the store says of now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable
from outdial.dispatch.health import is_serving
from outdial.resources.resources import Resources
from outdial.store.db.errors import DatabaseUnavailable
from outdial.store.gauges import StoreGauges, read_store_gauges

ANSWERS_WITHIN = timedelta(seconds=5)
"""Half of what a scrape waits by default; a database that takes longer counts as down."""
FRESH_FOR = timedelta(seconds=5)
"""Several who scrape cost no more than one."""


@dataclass(frozen=True, slots=True)
class Gauges:
    temporal_up: bool
    store: StoreGauges | None
    """None when the database does not answer, or not in time."""
    took: timedelta
    """How long the database took for them."""


class GaugeReader:
    """Reads the gauges for whoever asks, one reading at a time."""

    def __init__(self, ctx: Resources) -> None:
        self._ctx = ctx
        self._reading: asyncio.Task[StoreGauges | None] | None = None
        self._begun = float("-inf")
        self._took = timedelta(0)

    async def read(self) -> Gauges:
        loop = asyncio.get_running_loop()
        fresh = loop.time() - self._begun < FRESH_FOR.total_seconds()
        if self._reading is None or (self._reading.done() and not fresh):
            self._begun = loop.time()
            self._reading = asyncio.create_task(self._read_store())
        # One that hangs is left to end by itself: to start others would take all connections.
        temporal, _ = await asyncio.gather(
            self._temporal_answers(),
            asyncio.wait({self._reading}, timeout=ANSWERS_WITHIN.total_seconds()),
        )
        if self._reading.done():
            return Gauges(temporal, self._reading.result(), self._took)
        return Gauges(temporal, None, timedelta(seconds=loop.time() - self._begun))

    async def aclose(self) -> None:
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=ANSWERS_WITHIN.total_seconds())

    async def _read_store(self) -> StoreGauges | None:
        ctx, loop = self._ctx, asyncio.get_running_loop()
        lines = {(line.tenant, line.name) for line in ctx.lines.values()}
        now, begun = ctx.clock(), loop.time()
        try:
            return await ctx.database.read(lambda s: read_store_gauges(s, lines, now))
        except DatabaseUnavailable:
            return None
        finally:
            self._took = timedelta(seconds=loop.time() - begun)

    async def _temporal_answers(self) -> bool:
        try:
            return await is_serving(self._ctx.temporal)
        except (TemporalRefused, TemporalUnavailable):
            return False
