"""What has to be looked after besides campaigns: outboxes that have something due, requests that
nobody claims, and what may be forgotten.

Every worker does it; that several do is harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from outdial.dispatch.errors import is_outage
from outdial.dispatch.starting import start_delivery, wake_direct_campaign
from outdial.resources.resources import Resources
from outdial.services.accounts.once import KEPT_FOR
from outdial.store.access import idempotency, rates
from outdial.store.call import requests
from outdial.store.db.errors import DatabaseUnavailable
from outdial.store.webhooks import deliveries, outstanding, secrets

log = logging.getLogger(__name__)

OUTBOXES_EVERY = timedelta(milliseconds=300)
TELL_AGAIN_AFTER = timedelta(seconds=2)
"""A drain that was told finds what is due by itself for that long."""
REQUESTS_EVERY = timedelta(seconds=20)
UNCLAIMED_FOR = timedelta(seconds=20)
"""Requests that are due so long were written by somebody who died before he could say so, or
wait for a busy line, whose campaign is not harmed by one more look."""
RESTORE_EVERY = timedelta(minutes=1)
FORGET_EVERY = timedelta(minutes=10)
FORGOTTEN_AT_ONCE = 500
_COUNTS_KEPT = timedelta(days=1)
MOST = 200
BLOCKED_EVERY = timedelta(seconds=5)
POSTPONED_AT_ONCE = 1000


class MaintenanceLoop:
    """Keeps looking for as long as a worker runs. Use as a context manager."""

    def __init__(
        self,
        ctx: Resources,
        keep_deliveries: timedelta = timedelta(days=30),
        *,
        restore: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`restore` puts back what Temporal has to know of us, should it have lost its data."""
        self._ctx = ctx
        self._restore = restore
        self._keep_deliveries = keep_deliveries
        self._tasks: list[asyncio.Task[None]] = []
        self._told: dict[str, datetime] = {}

    async def __aenter__(self) -> MaintenanceLoop:
        looks: list[tuple[Callable[[], Awaitable[None]], timedelta]] = [
            (self.start_drains, OUTBOXES_EVERY),
            (self.postpone_blocked, BLOCKED_EVERY),
            (self.nudge_unclaimed, REQUESTS_EVERY),
            (self.forget, FORGET_EVERY),
            (self.forget_deliveries, FORGET_EVERY),
            (self.forget_secrets, FORGET_EVERY),
        ]
        if self._restore is not None:
            looks.append((self._restore, RESTORE_EVERY))
        for look, every in looks:
            self._tasks.append(asyncio.create_task(_keep(look, every)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def start_drains(self) -> None:
        """See that a drain runs for every endpoint with something due."""
        now = self._ctx.clock()
        due = await self._ctx.database.read(
            lambda s: outstanding.endpoints_due(s, now=now, limit=MOST)
        )
        self._told = {
            endpoint: at for endpoint, at in self._told.items() if now - at < TELL_AGAIN_AFTER
        }
        for tenant, endpoint_id in due:
            if endpoint_id not in self._told:
                self._told[endpoint_id] = now
                start = start_delivery(self._ctx.temporal, tenant, endpoint_id)
                await by_itself(start, f"deliveries to {endpoint_id}")

    async def postpone_blocked(self) -> None:
        """Set aside what was written behind deliveries that wait for another try."""
        now = self._ctx.clock()
        postponed = 1
        while postponed:  # it ends: what becomes due after `now` is not looked at
            # SQLite has one writer: nobody waits for it while nothing is blocked.
            blocked = await self._ctx.database.read(
                lambda s: outstanding.find_blocked(s, now=now, limit=POSTPONED_AT_ONCE)
            )
            if not blocked:
                return
            postponed = await self._ctx.database.write(
                lambda s, found=blocked: outstanding.postpone(s, found, now=now)  # type: ignore[misc]
            )

    async def nudge_unclaimed(self) -> None:
        """Wake direct campaigns whose requests nobody has looked at."""
        before = self._ctx.clock() - UNCLAIMED_FOR
        waiting = await self._ctx.database.read(lambda s: requests.unclaimed(s, before=before))
        for direct in waiting:
            wake = wake_direct_campaign(self._ctx.temporal, direct)
            await by_itself(wake, f"requests of {direct.tenant}")

    async def forget(self) -> None:
        """Drop counts and answers that nobody asks for any more."""
        now = self._ctx.clock()

        def work(s: Session) -> None:
            rates.forget_counts(s, before=now - _COUNTS_KEPT)
            idempotency.forget_answers(s, before=now - KEPT_FOR)

        await self._ctx.database.write(work)

    async def forget_deliveries(self) -> None:
        """Drop what was delivered long ago, a batch a transaction, so that nobody waits for it."""
        before = self._ctx.clock() - self._keep_deliveries

        def work(s: Session) -> int:
            return deliveries.forget_delivered(s, before=before, limit=FORGOTTEN_AT_ONCE)

        gone = FORGOTTEN_AT_ONCE
        while gone == FORGOTTEN_AT_ONCE:
            gone = await self._ctx.database.write(work)

    async def forget_secrets(self) -> None:
        """Drop the former secrets of endpoints that have ended, a batch a transaction."""
        now = self._ctx.clock()

        def work(s: Session) -> int:
            return secrets.forget_former_secrets(s, now=now, limit=FORGOTTEN_AT_ONCE)

        gone = FORGOTTEN_AT_ONCE
        while gone == FORGOTTEN_AT_ONCE:
            gone = await self._ctx.database.write(work)


async def by_itself(work: Awaitable[None], what: str) -> None:
    """One item of many: whatever is wrong with it, the next ones are looked after."""
    try:
        await work
    except Exception as error:
        log.warning("%s: %s; tried again", what, type(error).__name__)


async def _keep(look: Callable[[], Awaitable[None]], every: timedelta) -> None:
    name = getattr(look, "__name__", "restore")
    while True:
        try:
            await look()
        except Exception as error:
            if isinstance(error, DatabaseUnavailable) or is_outage(error):
                log.warning("%s: %s; tried again", name, type(error).__name__)
            else:
                log.exception("%s failed; tried again", name)
        await asyncio.sleep(every.total_seconds())
