"""Delivers a call's events as signed webhooks: in order, again on failure, and badly on demand."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import h11

from outdial.providers.simulated.http.poster import Poster
from outdial.providers.simulated.signature import key_of, sign
from outdial.providers.simulated.telephony.call import Call
from outdial.providers.simulated.telephony.faults import FaultPlan, WebhookFault
from outdial.providers.simulated.telephony.stats import WebhookCounts

BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0)
"""Between the attempts to deliver one event: five attempts in all."""
ANSWER_WITHIN_SECONDS = 5.0
_POSTS_AT_ONCE = 32

Event = dict[str, Any]


@dataclass(slots=True)
class _Outbox:
    url: str
    pending: deque[Event] = field(default_factory=deque)
    held: list[Event] = field(default_factory=list)
    """Sent behind the call's next event."""
    draining: bool = False


class WebhookSender:
    """One ordered outbox per call; a call whose receiver is slow delays no other call."""

    def __init__(
        self, secret: str, plan: FaultPlan, counts: WebhookCounts, clock: Callable[[], datetime]
    ) -> None:
        self._key = key_of(secret)
        self._plan = plan
        self._counts = counts
        self._clock = clock
        self._poster = Poster()
        self._slots = asyncio.Semaphore(_POSTS_AT_ONCE)
        self._outboxes: dict[str, _Outbox] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def publish(self, call: Call, event: Event, last: bool) -> None:
        """Queue an event of a call; `last` when no other will follow."""
        if call.order.webhook_url is None:
            return
        self._counts.events += 1
        if call.silent:
            self._counts.silenced += 1
            return
        outbox = self._outboxes.setdefault(call.id, _Outbox(call.order.webhook_url))
        held, outbox.held = outbox.held, []
        self._enqueue(outbox, call, event, holdable=not last and not held)
        outbox.pending.extend(held)
        if outbox.pending and not outbox.draining:
            outbox.draining = True
            task = asyncio.create_task(self._drain(call.id, outbox))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Drop what is not delivered yet and close the connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._outboxes.clear()
        self._poster.close()

    def _enqueue(self, outbox: _Outbox, call: Call, event: Event, *, holdable: bool) -> None:
        fault = self._plan.for_event(call.order.to, call.nth, event["type"])
        if fault is WebhookFault.LOSE:
            self._counts.lost += 1
            return
        self._counts.pending += 1
        if fault is WebhookFault.REORDER and holdable:
            self._counts.reordered += 1
            outbox.held.append(event)
            return
        outbox.pending.append(event)
        if fault is WebhookFault.REPEAT:
            self._counts.repeated += 1
            self._counts.pending += 1
            (outbox.held if holdable else outbox.pending).append(event)

    async def _drain(self, call_id: str, outbox: _Outbox) -> None:
        while outbox.pending:
            if await self._deliver(outbox.url, outbox.pending[0]):
                self._counts.delivered += 1
            else:
                self._counts.failed += 1
            self._counts.pending -= 1
            outbox.pending.popleft()
        outbox.draining = False
        if not outbox.held:
            self._outboxes.pop(call_id, None)

    async def _deliver(self, url: str, event: Event) -> bool:
        body = json.dumps(event, separators=(",", ":")).encode()
        for pause in (*BACKOFF_SECONDS, None):
            self._counts.sent += 1
            async with self._slots:
                if await self._post(url, event["id"], body):
                    return True
            if pause is not None:
                self._counts.retried += 1
                await asyncio.sleep(pause)
        return False

    async def _post(self, url: str, event_id: str, body: bytes) -> bool:
        timestamp = int(self._clock().timestamp())
        headers = (
            ("content-type", "application/json"),
            ("user-agent", "simulated-network"),
            ("webhook-id", event_id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", sign(self._key, event_id, timestamp, body)),
        )
        try:
            async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                return 200 <= await self._poster.post(url, headers, body) < 300
        except (OSError, h11.ProtocolError, ValueError, OverflowError):
            # A TimeoutError is an OSError; the last two are URLs that lead nowhere.
            return False
