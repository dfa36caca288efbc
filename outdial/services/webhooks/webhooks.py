"""Webhooks of providers: verified, stored, and passed on to the call they are about.

Stored first, in one transaction; signalled after its commit. A crash in between leaves the
events unsignalled, and the sweeper passes them on. A workflow ignores an event it already has.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from outdial.dispatch.settlements import propagate_reported_settlement
from outdial.dispatch.signals import signal_report
from outdial.domain.call.event import CallEvent
from outdial.domain.record import Settled
from outdial.metrics.calls import OPT_OUT_SECONDS
from outdial.metrics.webhooks import REPORT_LAG, REPORTS_REFUSED
from outdial.providers.errors import WebhookRefused
from outdial.providers.lines import Line
from outdial.resources.resources import Resources
from outdial.store.call import events
from outdial.store.call.events import StoredEvents
from outdial.store.db.database import Database
from outdial.store.db.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
"""How long marks of signalled events are gathered: one transaction for many, where each would
cost as much as storing the event did. Less than the sweeper waits before it signals again."""

GATHER_SECONDS = 0.1
"""The time from the beginning of a line's transaction to that of the next one, at least. Where
the database keeps up, a webhook waits so long at most, and a hundred calls a second need ten
transactions instead of 400."""
MOST = 100
"""Webhooks of one transaction: what it locks stays locked until all are stored."""


@dataclass(frozen=True)
class Received:
    stored: int
    """Events in the webhook."""
    new: int
    """Those that were not stored before."""


@dataclass(frozen=True, eq=False)
class _Webhook:
    reported: Sequence[CallEvent]
    now: datetime
    stored: asyncio.Future[StoredEvents]

    @property
    def calls(self) -> set[str]:
        """What it calls the calls that it is about."""
        return {event.call_id or event.provider_call_id or "" for event in self.reported}


@dataclass(eq=False)
class _Queue:
    """Webhooks of one line."""

    line: Line
    waiting: list[_Webhook] = field(default_factory=list)
    begun: float = float("-inf")
    """When its latest transaction began, by the event loop's clock."""
    task: asyncio.Task[None] | None = None


class EventWriter:
    """Stores what arrives together in one transaction for each line.

    A transaction costs much more than one more event in it. The first webhook of a line is stored
    at once; those that arrive while it is being stored, or within a moment, share the next
    transaction. Each is answered once its own events are committed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues: dict[tuple[str, str], _Queue] = {}

    async def finish(self) -> None:
        """Return once everything that was handed over is stored."""
        tasks = [queue.task for queue in self._queues.values() if queue.task is not None]
        await asyncio.gather(*tasks)

    async def store(self, line: Line, reported: Sequence[CallEvent], now: datetime) -> StoredEvents:
        """Store what one webhook reported, as `store_events` does.

        Raises what that raises, for a defect of these events alone, and DatabaseUnavailable.
        """
        webhook = _Webhook(reported, now, asyncio.get_running_loop().create_future())
        queue = self._queues.setdefault((line.tenant, line.name), _Queue(line))
        queue.waiting.append(webhook)
        if queue.task is None:
            queue.task = asyncio.create_task(self._work(queue))
        return await webhook.stored

    async def _work(self, queue: _Queue) -> None:
        """Store until nothing waits."""
        loop = asyncio.get_running_loop()
        batch: Sequence[_Webhook] = ()
        try:
            while queue.waiting:
                pause = queue.begun + GATHER_SECONDS - loop.time()
                if pause > 0:
                    await asyncio.sleep(pause)
                queue.begun = loop.time()
                batch, queue.waiting = queue.waiting[:MOST], queue.waiting[MOST:]
                await self._store(queue, batch)
        finally:
            # The next webhook starts a task; whoever this one leaves behind would wait for ever.
            queue.task = None
            left = [*batch, *queue.waiting]
            queue.waiting = []
            _refuse(left, DatabaseUnavailable("storing was given up"))

    async def _store(self, queue: _Queue, batch: Sequence[_Webhook]) -> None:
        """Store webhooks and answer them. What stands in the way of one, such as a defect or a call
        that others keep locked, must not refuse the others."""
        error = await self._try(queue.line, batch)
        if error is None:
            return
        if _is_outage(error):
            _refuse([*batch, *queue.waiting], error)
            queue.waiting = []
        elif len(batch) == 1:
            _refuse(batch, error)
        else:
            await self._store_each(queue, batch)

    async def _store_each(self, queue: _Queue, batch: Sequence[_Webhook]) -> None:
        held: DatabaseUnavailable | None = None
        calls: set[str] = set()
        for webhook in batch:
            if held is not None and not webhook.calls.isdisjoint(calls):
                _refuse([webhook], held)  # one wait a call, not one a webhook
                continue
            error = await self._try(queue.line, [webhook])
            if error is None:
                continue
            _refuse([webhook], error)
            if isinstance(error, DatabaseUnavailable):
                if held is not None or _is_outage(error):
                    _refuse(batch, error)  # others would wait as long for each lock
                    return
                held, calls = error, webhook.calls

    async def _try(self, line: Line, batch: Sequence[_Webhook]) -> Exception | None:
        """Store webhooks in one transaction and answer them; or what kept it from being done."""
        reported = [event for webhook in batch for event in webhook.reported]
        now = max(webhook.now for webhook in batch)
        try:
            stored = await self._database.write(
                lambda s: events.store_events(s, line.name, reported, now=now, tenant=line.tenant)
            )
            answers = list(zip(batch, _parts(batch, stored), strict=True))
        except Exception as error:
            return error
        for webhook, part in answers:
            if not webhook.stored.done():  # its request may have been given up
                webhook.stored.set_result(part)
        return None


def _is_outage(error: Exception) -> bool:
    return isinstance(error, DatabaseUnavailable) and not error.rows_locked


def _refuse(webhooks: Sequence[_Webhook], error: Exception) -> None:
    for webhook in webhooks:
        if not webhook.stored.done():
            webhook.stored.set_exception(error)


class WebhookReceiver:
    """Receives webhooks for as long as an API process runs. Use as a context manager."""

    def __init__(self, ctx: Resources) -> None:
        self._ctx = ctx
        self._writer = EventWriter(ctx.database)
        self._signalled: list[tuple[str, str, str]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> WebhookReceiver:
        for name in self._ctx.lines:  # from zero on, or Prometheus would not see the first ones
            REPORTS_REFUSED.labels(name)
        self._flusher = asyncio.create_task(self._keep_flushing())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
        await self._writer.finish()
        await self.flush()

    async def receive(
        self, line_name: str, headers: Mapping[str, str], body: bytes, url: str
    ) -> Received:
        """Verify and store a webhook, then signal the workflows of its calls.

        Raises UnknownLine, WebhookRefused, and DatabaseUnavailable when it was not stored and
        has to be sent again.
        """
        try:
            return await self._receive(self._ctx.lines[line_name], headers, body, url)
        except WebhookRefused:
            REPORTS_REFUSED.labels(line_name).inc()
            raise

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
        stored = await self._writer.store(line, reported, now)
        propagated = True
        for settled in stored.settled:
            signalled = await self._propagate(settled)
            propagated = signalled and propagated
            if settled.listed and signalled:
                self._observe_opt_out(settled, stored)
        for event in stored.new:
            REPORT_LAG.labels(line.name).observe(max(0.0, (now - event.at).total_seconds()))
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

    def _observe_opt_out(self, settled: Settled, stored: StoredEvents) -> None:
        """How long ago it was reported by the call that suppressed a number."""
        reported = [event.at for event in stored.events if event.call_id == settled.call_id]
        if reported:
            took = self._ctx.clock() - max(reported)
            OPT_OUT_SECONDS.observe(max(0.0, took.total_seconds()))

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


def _parts(batch: Sequence[_Webhook], stored: StoredEvents) -> list[StoredEvents]:
    """What was stored, by webhook. A settled call belongs to the first webhook that is about it,
    or about the call that overtook it."""
    new = {id(event) for event in stored.new}
    unclaimed = list(stored.settled)
    parts, begin = [], 0
    for webhook in batch:
        own = stored.events[begin : begin + len(webhook.reported)]
        begin += len(own)
        calls = {event.call_id for event in own}
        settled = [each for each in unclaimed if calls & {each.call_id, each.overtaken_by or ""}]
        unclaimed = [each for each in unclaimed if each not in settled]
        parts.append(StoredEvents(own, [each for each in own if id(each) in new], settled))
    assert not unclaimed, "what is settled, an event of the batch settled"
    return parts
