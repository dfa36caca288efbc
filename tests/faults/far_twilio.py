"""Twilio's far side, alive: calls ring and end, and a share of requests goes wrong."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Self

import httpx

from outdial.domain.call.status import CallStatus
from outdial.providers.signing import query_of
from tests.providers.contract.server import Answer, Request
from tests.providers.contract.stage import FarCall, Fault
from tests.providers.twilio.stage import WORDS, TwilioStage

_ENDS = (CallStatus.COMPLETED,) * 6 + (CallStatus.BUSY, CallStatus.NO_ANSWER)
_BROKEN = (
    # Which share of creates goes wrong, and how; None: refused with a 503 before anything is made.
    (0.10, Fault.DROP),
    (0.05, Fault.FAIL),
    (0.05, None),
    (0.10, Fault.HANG),
)
_LOST = 0.1
"""The share of webhooks that never arrive."""
_SECONDS = (0.1, 0.5)
"""How long each part of a call takes."""


class FarTwilio(TwilioStage):
    """A Twilio that is unreliable in all the ways that can make a caller call twice."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.placed_calls: Counter[str] = Counter()
        """How often a call of each of our ids was asked for."""
        self.faulty: Counter[str] = Counter()
        self.doubled: list[str] = []
        """Numbers that were dialed while they were in a call."""
        self.made_at: dict[str, datetime] = {}
        self.ended_at: dict[str, datetime] = {}
        self._draw = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.before_answer = self._begin

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(trust_env=False, timeout=10)
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()
        await super().__aexit__()

    async def silence(self) -> None:
        """Wait until nobody talks any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def shown(self, call: FarCall) -> dict[str, Any]:
        made, ended = self.made_at[call.id], self.ended_at.get(call.id)
        return super().shown(call) | {
            "date_created": format_datetime(made),
            "date_updated": format_datetime(ended or made),
            "start_time": format_datetime(made),
            "end_time": None if ended is None else format_datetime(ended),
        }

    def _create(self, request: Request) -> Answer:
        our_id = query_of(dict(request.form)["StatusCallback"], "call_id")
        self.placed_calls[our_id] += 1
        point, fault = self._draw.random(), None
        for share, broken in _BROKEN:
            if point < share:
                fault = broken
                self.faulty[broken or "refused"] += 1
                if fault is None:
                    return Answer(503)
                self.faults.append(fault)
                break
            point -= share
        answer = super()._create(request)
        return Answer(503) if fault is Fault.FAIL else answer

    def _begin(self, call: FarCall) -> None:
        others = self.calls.values()
        if any(o.to == call.to and not o.status.terminal for o in others if o is not call):
            self.doubled.append(call.to)
        self.made_at[call.id] = datetime.now(UTC)
        task = asyncio.create_task(self._carry_out(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, call: FarCall) -> None:
        end = self._draw.choice(_ENDS)
        for status in (CallStatus.RINGING, CallStatus.IN_PROGRESS, end):
            if status is CallStatus.IN_PROGRESS and end is not CallStatus.COMPLETED:
                continue
            await asyncio.sleep(self._draw.uniform(*_SECONDS))
            if status.terminal:
                self.ended_at[call.id] = datetime.now(UTC)
            self.move(call, status)
            await self._report(call, status)

    async def _report(self, call: FarCall, status: CallStatus) -> None:
        if self._draw.random() < _LOST:
            return
        now = format_datetime(datetime.now(UTC))
        report = self.callback(call, CallStatus=WORDS[status], Timestamp=now)
        try:
            await self._client.post(report.url, headers=report.headers, content=report.body)
        except httpx.TransportError:
            return  # Twilio would try once more; we find out by asking
