"""Background work besides campaigns: outboxes with something due, requests that no campaign
claims, what dead launches left, rows that have expired, and the statistics of SQLite.

Every worker does it; that several do is harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlmodel import Session

from outdial.dispatch.errors import failure_of
from outdial.dispatch.starting import start_delivery, wake_direct_campaign
from outdial.resources.resources import Resources
from outdial.services.accounts.once import RETAINED_FOR
from outdial.services.campaigns.staging import clear_abandoned
from outdial.store.access import console, idempotency, rates
from outdial.store.call import requests
from outdial.store.campaign import proposals
from outdial.store.db import statistics
from outdial.store.db.errors import DatabaseUnavailable
from outdial.store.roster import staging
from outdial.store.webhooks import deliveries, outstanding, secrets

log = logging.getLogger(__name__)

OUTBOXES_EVERY = timedelta(milliseconds=300)
IDLE_OUTBOXES_EVERY = timedelta(seconds=1)
IDLE_AFTER = timedelta(seconds=10)
"""Without anything due for so long, a worker looks less often."""
REQUESTS_EVERY = timedelta(seconds=20)
UNCLAIMED_FOR = timedelta(seconds=20)
"""Requests that are due so long were stored by a process that died before it could wake their
campaign, or wait for a busy line, whose campaign is not harmed by one more look."""
ABANDONED_EVERY = timedelta(seconds=10)
STAGINGS_RETAINED = timedelta(days=1)
"""How long it is said how a launch or an addition ended; its problems hold what files hold."""
RESTORE_EVERY = timedelta(minutes=1)
DELETE_EVERY = timedelta(minutes=10)
ANALYZE_EVERY = timedelta(hours=1)
DELETED_AT_ONCE = 500
_COUNTS_RETAINED = timedelta(days=1)
MOST = 200


class MaintenanceLoop:
    """Runs its tasks for as long as a worker runs. Use as a context manager."""

    def __init__(
        self,
        ctx: Resources,
        keep_deliveries: timedelta = timedelta(days=30),
        *,
        restore: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`restore` registers again what Temporal has lost, should its data be gone."""
        self._ctx = ctx
        self._restore = restore
        self._keep_deliveries = keep_deliveries
        self._tasks: list[asyncio.Task[None]] = []
        self._last_due = ctx.clock()

    async def __aenter__(self) -> MaintenanceLoop:
        work: list[tuple[Callable[[], Awaitable[None]], timedelta]] = [
            (self.wake_unclaimed, REQUESTS_EVERY),
            (self.clear_abandoned, ABANDONED_EVERY),
            (self.delete_expired, DELETE_EVERY),
            (self.delete_delivered, DELETE_EVERY),
            (self.delete_former_secrets, DELETE_EVERY),
            (self.gather_statistics, ANALYZE_EVERY),
        ]
        if self._restore is not None:
            work.append((self._restore, RESTORE_EVERY))
        for step, every in work:
            self._tasks.append(asyncio.create_task(_repeat(step, lambda every=every: every)))  # type: ignore[misc]
        self._tasks.append(asyncio.create_task(_repeat(self.start_deliveries, self._until_look)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _until_look(self) -> timedelta:
        idle = self._ctx.clock() - self._last_due >= IDLE_AFTER
        return IDLE_OUTBOXES_EVERY if idle else OUTBOXES_EVERY

    async def start_deliveries(self) -> None:
        """Ensure that a delivery workflow runs for every endpoint with something due."""
        now = self._ctx.clock()
        due = await self._ctx.database.read(
            lambda s: outstanding.endpoints_due(s, now=now, limit=MOST)
        )
        if not due:  # SQLite has one writer: no transaction is begun for nothing
            return
        self._last_due = now
        ids = [endpoint_id for _, endpoint_id in due]
        taken = await self._ctx.database.write(lambda s: outstanding.take_up(s, ids, now=now))
        starts = [
            run_isolated(
                start_delivery(self._ctx.temporal, tenant, endpoint_id),
                f"deliveries to {endpoint_id}",
            )
            for tenant, endpoint_id in due
            if endpoint_id in taken
        ]
        await asyncio.gather(*starts)  # beside each other, since each may wait for its answer

    async def wake_unclaimed(self) -> None:
        """Wake direct campaigns whose requests no claim has taken."""
        before = self._ctx.clock() - UNCLAIMED_FOR
        waiting = await self._ctx.database.read(lambda s: requests.unclaimed(s, before=before))
        wakes = [
            run_isolated(
                wake_direct_campaign(self._ctx.temporal, direct), f"requests of {direct.tenant}"
            )
            for direct in waiting
        ]
        await asyncio.gather(*wakes)

    async def clear_abandoned(self) -> None:
        """Remove what launches wrote whose process died; complete accepted additions."""
        now = self._ctx.clock()
        for record in await self._ctx.database.read(lambda s: staging.abandoned(s, now)):
            clear = clear_abandoned(self._ctx, record)
            await run_isolated(clear, f"the recipients of {record.campaign}")

    async def delete_expired(self) -> None:
        """Delete request counts, stored responses, ended launches' problems and revisions that were
        proposed and not applied, long after; and sessions of the console that have expired."""
        now, limit = self._ctx.clock(), DELETED_AT_ONCE
        counts, responses = now - _COUNTS_RETAINED, now - RETAINED_FOR
        await self._in_batches(lambda s: rates.delete_counts(s, before=counts, limit=limit))
        await self._in_batches(
            lambda s: idempotency.delete_responses(s, before=responses, limit=limit)
        )
        stagings = now - STAGINGS_RETAINED
        await self._in_batches(lambda s: staging.delete_ended(s, before=stagings, limit=limit))
        await self._in_batches(
            lambda s: proposals.delete_proposals(s, before=stagings, limit=limit)
        )
        await self._in_batches(lambda s: console.delete_expired(s, now=now, limit=limit))

    async def delete_delivered(self) -> None:
        """Delete what was delivered longer ago than the log is retained."""
        before = self._ctx.clock() - self._keep_deliveries
        await self._in_batches(
            lambda s: deliveries.delete_delivered(s, before=before, limit=DELETED_AT_ONCE)
        )

    async def delete_former_secrets(self) -> None:
        """Delete the former secrets of endpoints that are no longer valid."""
        now = self._ctx.clock()
        await self._in_batches(
            lambda s: secrets.delete_former_secrets(s, now=now, limit=DELETED_AT_ONCE)
        )

    async def gather_statistics(self) -> None:
        """Gather the statistics of SQLite's planner, each table's in a transaction of its own, so
        that no other writer waits longer than for one of them."""
        database = self._ctx.database
        for small in await database.read(statistics.small_tables):
            await database.write_in_turn(
                lambda s, table=small: statistics.forget_statistics(s, table)  # type: ignore[misc]
            )
        for large in await database.write(statistics.tables_to_analyze):
            await database.write_in_turn(
                lambda s, table=large: statistics.analyze_table(s, table)  # type: ignore[misc]
            )

    async def _in_batches(self, delete: Callable[[Session], int]) -> None:
        """Delete in batches, one transaction each, so that no other writer waits long."""
        while await self._ctx.database.write(delete) == DELETED_AT_ONCE:
            pass


async def run_isolated(work: Awaitable[object], what: str) -> None:
    """Await work on one item and log its failure, so that the next items are worked on."""
    try:
        await work
    except Exception as error:
        log.warning("%s: %s; tried again", what, type(error).__name__)


async def _repeat(step: Callable[[], Awaitable[None]], every: Callable[[], timedelta]) -> None:
    name = getattr(step, "__name__", "restore")
    while True:
        try:
            await step()
        except Exception as error:
            failure = failure_of(error, f"{name} is tried again")
            if failure is not None:
                log.warning("%s", failure)
            elif isinstance(error, DatabaseUnavailable):
                log.warning("%s: %s; tried again", name, type(error).__name__)
            else:
                log.exception("%s failed; tried again", name)
        # Workers that were started together do not ask together for ever.
        await asyncio.sleep(every().total_seconds() * random.uniform(0.8, 1.2))
