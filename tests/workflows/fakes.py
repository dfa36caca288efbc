"""Activities whose answers a test decides; workflows cannot tell them from the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import activity

from outdial.contracts.signatures.call import (
    CallActivities,
    Ended,
    HangUp,
    HangUpInput,
    LookUp,
    LookUpInput,
    PlaceInput,
    Placement,
    PlacementResult,
)
from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import CallStatus

PLACED = Placement(
    result=PlacementResult.PLACED,
    ring_silence=timedelta(seconds=60),
    talk_silence=timedelta(minutes=2),
    analysis_wait=timedelta(seconds=30),
)


class FakeCalls(CallActivities):
    """One call at a provider that does as it is told."""

    def __init__(self) -> None:
        self.placement = PLACED
        self.lookups: list[LookUp] = []
        """Answers in order; the last one repeats."""
        self.ends: list[CallEnd] = []
        self.disproved: list[CallStatus] = []
        """Where the store says that the call is, of the first ends: it does not believe them."""
        self.placed = 0
        self.was_placed = asyncio.Event()
        self.looked_up = 0
        self.hung_up = 0
        self.on_place: Callable[[], Awaitable[None]] | None = None
        self.on_hang_up: Callable[[], Awaitable[None]] | None = None

    @activity.defn(name="place_call")
    async def place_call(self, place: PlaceInput) -> Placement:
        self.placed += 1
        self.was_placed.set()
        if self.on_place is not None:
            await self.on_place()
        return self.placement

    @activity.defn(name="look_up_call")
    async def look_up_call(self, look_up: LookUpInput) -> LookUp:
        answer = self.lookups[min(self.looked_up, len(self.lookups) - 1)]
        self.looked_up += 1
        return answer

    @activity.defn(name="hang_up_call")
    async def hang_up_call(self, hang_up: HangUpInput) -> HangUp:
        self.hung_up += 1
        if self.on_hang_up is not None:
            await self.on_hang_up()
        return HangUp(requested=True)

    @activity.defn(name="end_call")
    async def end_call(self, call_id: str, end: CallEnd) -> Ended:
        self.ends.append(end)
        if self.disproved:
            return Ended(status=self.disproved.pop(0))
        return Ended(status=end.status, outcome=end.status.value, settled=True)

    @property
    def activities(self) -> list[Callable[..., object]]:
        return [self.place_call, self.look_up_call, self.hang_up_call, self.end_call]
