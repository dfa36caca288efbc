"""Webhooks of providers: verified, stored, and passed on to the call they are about.

Stored first, in one transaction; signalled after its commit. A crash in between leaves the
events unsignalled, and the sweeper passes them on. Whoever hears an event twice forgets one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from outdial.contracts.names import REPORT_SIGNAL
from outdial.dispatch.reports import report_of
from outdial.dispatch.telling import signal_workflow
from outdial.providers.errors import WebhookRefused
from outdial.providers.lines import Line
from outdial.resources.resources import Resources
from outdial.services.calls.settling import tell
from outdial.store.call import events
from outdial.store.call.events import StoredEvent
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
    """Those that had not been heard before."""


class WebhookReceiver:
    """Receives webhooks for as long as a door is open. Use as a context manager."""

    def __init__(self, ctx: Resources) -> None:
        self._ctx = ctx
        self._signalled: list[int] = []
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
        """Verify and store a webhook, then tell whom it concerns.

        Raises UnknownLine, WebhookRefused, and DatabaseUnavailable when it was not stored and
        has to be sent again.
        """
        return await self._receive(self._ctx.lines[line_name], headers, body, url)

    async def receive_from_any(self, headers: Mapping[str, str], body: bytes, url: str) -> Received:
        """The same for a webhook that names no line: it is of the one whose secret signed it.

        Raises WebhookRefused when there is none, and DatabaseUnavailable.
        """
        for line in self._ctx.lines.values():
            with contextlib.suppress(WebhookRefused):
                return await self._receive(line, headers, body, url)
        raise WebhookRefused("no configured line signed it")

    async def _receive(
        self, line: Line, headers: Mapping[str, str], body: bytes, url: str
    ) -> Received:
        stored = await self._store(line, headers, body, url)
        new = [event for event in stored if event.new]
        for event in new:
            if await self._pass_on(event):
                self._signalled.append(event.event_row_id)
        return Received(stored=len(stored), new=len(new))

    async def flush(self) -> None:
        """Write down which events were passed on."""
        rows, self._signalled = self._signalled, []
        if not rows:
            return
        now = self._ctx.clock()
        try:
            await self._ctx.database.write(lambda s: events.mark_signalled(s, rows, now=now))
        except DatabaseUnavailable:
            log.warning("%d events stay marked as not signalled", len(rows))

    async def _store(
        self, line: Line, headers: Mapping[str, str], body: bytes, url: str
    ) -> list[StoredEvent]:
        now = self._ctx.clock()
        found = line.receive(headers, body, url, now)
        if not found:
            return []
        return await self._ctx.database.write(
            lambda s: events.store_events(s, line.name, found, now=now, tenant=line.tenant)
        )

    async def _pass_on(self, stored: StoredEvent) -> bool:
        """Whether everybody was told who has to know now.

        An event whose call is not known yet is nobody's: whoever records the placement finds it.
        """
        told = True
        for settled in stored.to_tell:
            told = await tell(self._ctx, settled) and told
        if stored.call_id is None:
            return False
        report = report_of(stored.call_id, stored.event)
        if report is None or stored.workflow_id is None:
            return told
        if self._ctx.upsert_status or report.status.terminal:
            sent = await signal_workflow(
                self._ctx.temporal, stored.workflow_id, REPORT_SIGNAL, report
            )
            told = sent and told
        return told

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()


__all__ = ["Received", "WebhookReceiver"]
