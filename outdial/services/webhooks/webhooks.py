"""Webhooks of providers: verified, stored, and passed on to the call they are about.

Stored first, in one transaction; signalled after its commit. A crash in between leaves the
events unsignalled, and the sweeper passes them on. A workflow ignores an event it already has.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from outdial.dispatch.settlements import propagate_reported_settlement
from outdial.dispatch.signals import signal_report
from outdial.domain.call.event import CallEvent
from outdial.domain.record import Settled
from outdial.providers.errors import WebhookRefused
from outdial.providers.lines import Line
from outdial.resources.resources import Resources
from outdial.store.call import events
from outdial.store.db.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.2
"""How long marks of signalled events are gathered: one transaction for many, where each would
cost as much as storing the event did."""


@dataclass(frozen=True)
class Received:
    stored: int
    """Events in the webhook."""
    new: int
    """Those that were not stored before."""


class WebhookReceiver:
    """Receives webhooks for as long as an API process runs. Use as a context manager."""

    def __init__(self, ctx: Resources) -> None:
        self._ctx = ctx
        self._signalled: list[tuple[str, str, str]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> WebhookReceiver:
        self._flusher = asyncio.create_task(self._keep_flushing())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
        await self.flush()

    async def receive(
        self, line_name: str, headers: Mapping[str, str], body: bytes, url: str
    ) -> Received:
        """Verify and store a webhook, then signal the workflows of its calls.

        Raises UnknownLine, WebhookRefused, and DatabaseUnavailable when it was not stored and
        has to be sent again.
        """
        return await self._receive(self._ctx.lines[line_name], headers, body, url)

    async def receive_from_any(self, headers: Mapping[str, str], body: bytes, url: str) -> Received:
        """The same for a webhook that names no line: the line is the one whose secret signed it.

        Raises WebhookRefused when there is none, and DatabaseUnavailable.
        """
        for line in self._ctx.lines.values():
            with contextlib.suppress(WebhookRefused):
                return await self._receive(line, headers, body, url)
        raise WebhookRefused("no configured line signed it")

    async def _receive(
        self, line: Line, headers: Mapping[str, str], body: bytes, url: str
    ) -> Received:
        now = self._ctx.clock()
        reported = line.receive(headers, body, url, now)
        if not reported:
            return Received(stored=0, new=0)
        stored = await self._ctx.database.write(
            lambda s: events.store_events(s, line.name, reported, now=now, tenant=line.tenant)
        )
        propagated = True
        for settled in stored.settled:
            propagated = await self._propagate(settled) and propagated
        for event in stored.new:
            if await self._signal(event) and propagated:
                self._signalled.append((line.tenant, line.name, event.event_id))
        return Received(stored=len(stored.events), new=len(stored.new))

    async def flush(self) -> None:
        """Store which events were signalled."""
        keys, self._signalled = self._signalled, []
        if not keys:
            return
        now = self._ctx.clock()
        try:
            await self._ctx.database.write(lambda s: events.mark_signalled(s, keys, now=now))
        except DatabaseUnavailable:
            log.warning("%d events stay marked as not signalled", len(keys))

    async def _propagate(self, settled: Settled) -> bool:
        ctx = self._ctx
        return await propagate_reported_settlement(ctx.database, ctx.temporal, settled, ctx.clock())

    async def _signal(self, event: CallEvent) -> bool:
        """Whether nothing is left to be signalled.

        An event whose call is not known yet is signalled when the placement is recorded.
        """
        if event.call_id is None:
            return False
        if event.status is None or event.workflow_id is None:
            return True
        if self._ctx.upsert_status or event.status.terminal:
            return await signal_report(self._ctx.temporal, event.workflow_id, event)
        return True

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except Exception:  # a defect, which must not keep all later events unmarked
                log.exception("signalled events were not marked")
