"""A worker that kills itself, once, at one step of a call or of a change: `python -m
tests.faults.killing_worker STEP MARK`. The file MARK is made right before, and whoever finds it
goes on unharmed.

The product knows nothing of it: functions of the store and methods of the adapter are replaced
before the worker starts.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlmodel import Session

import worker
from activities import campaigns
from outdial.domain.call.claim import FenceVerdict
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.errors import NotPlaced
from outdial.providers.port import Placed
from outdial.runtime.clock import system_clock
from outdial.store.call import calls, events, settlement
from outdial.store.claims import fence, reservation
from outdial.store.db.database import Database

Work = Callable[[Session], Any]
Matters = Callable[[Any], bool]


class Step(StrEnum):
    """Where it dies: as a campaign is changed, or in the order in which a call passes them."""

    CHANGE_DECIDED = "a revision applied, not committed"
    CHANGE_COMMITTED = "a revision committed, its workflow not told"

    CLAIM_DECIDED = "claim decided, not committed"
    CLAIM_COMMITTED = "claim committed, its workflow not told"
    BEFORE_FENCE = "before the fence"
    FENCE_DECIDED = "fence decided, not committed"
    FENCE_COMMITTED = "fence committed, nothing sent"
    FENCE_FROZEN = "fence committed, then it stands still"
    REQUEST_SENT = "request sent, no response yet"
    RESPONSE_ARRIVED = "response arrived, nothing recorded"
    RECORD_DECIDED = "placement recorded, not committed"
    RECORD_COMMITTED = "placement committed, its workflow not told"
    REFUSAL_ARRIVED = "refusal arrived, nothing recorded"
    REFUSAL_COMMITTED = "refusal committed, its workflow not told"
    BEFORE_END = "before the end is recorded"
    END_DECIDED = "end decided, not committed"
    END_COMMITTED = "end committed, its workflow not told"


def _goes(raised: Any) -> bool:
    passed, _ = raised
    return bool(passed.verdict is FenceVerdict.GO)


_STORE: dict[Step, tuple[Any, str, Matters]] = {
    Step.CHANGE_DECIDED: (campaigns, "apply_proposal", lambda found: True),
    Step.CHANGE_COMMITTED: (campaigns, "apply_proposal", lambda found: True),
    Step.CLAIM_DECIDED: (reservation, "claim_calls", lambda found: bool(found.claim.calls)),
    Step.CLAIM_COMMITTED: (reservation, "claim_calls", lambda found: bool(found.claim.calls)),
    Step.FENCE_DECIDED: (fence, "raise_fence", _goes),
    Step.FENCE_COMMITTED: (fence, "raise_fence", _goes),
    Step.FENCE_FROZEN: (fence, "raise_fence", _goes),
    Step.RECORD_DECIDED: (events, "record_placed", lambda found: True),
    Step.RECORD_COMMITTED: (events, "record_placed", lambda found: True),
    Step.REFUSAL_COMMITTED: (calls, "record_not_placed", lambda found: True),
    Step.END_DECIDED: (settlement, "end_call", lambda found: True),
    Step.END_COMMITTED: (settlement, "end_call", lambda found: True),
}
"""Functions that run within a transaction, and which of their results count."""
_BEFORE: dict[Step, tuple[Any, str]] = {
    Step.BEFORE_FENCE: (fence, "raise_fence"),
    Step.BEFORE_END: (settlement, "end_call"),
}
_COMMITTED = frozenset(
    {
        Step.CHANGE_COMMITTED,
        Step.CLAIM_COMMITTED,
        Step.FENCE_COMMITTED,
        Step.FENCE_FROZEN,
        Step.RECORD_COMMITTED,
        Step.REFUSAL_COMMITTED,
        Step.END_COMMITTED,
    }
)


class Trap:
    """Springs once in the lifetime of its mark."""

    def __init__(self, step: Step, mark: Path) -> None:
        self._signal = signal.SIGSTOP if step is Step.FENCE_FROZEN else signal.SIGKILL
        self._mark = mark
        self.committing = False
        """The transaction under way is the one after whose commit it springs."""

    def spring(self) -> None:
        try:
            self._mark.touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), self._signal)


def set_trap(step: Step, mark: Path) -> None:
    """Replace what the step needs; the worker that starts afterwards falls into it."""
    trap = Trap(step, mark)
    if step in _BEFORE:
        _spring_before(trap, *_BEFORE[step])
    elif step in _STORE:
        _spring_after(trap, *_STORE[step], committed=step in _COMMITTED)
    else:
        _spring_around_request(trap, step)


def _spring_before(trap: Trap, module: Any, name: str) -> None:
    original = getattr(module, name)

    def trapped(*args: Any, **kwargs: Any) -> Any:
        trap.spring()
        return original(*args, **kwargs)

    setattr(module, name, trapped)


def _spring_after(trap: Trap, module: Any, name: str, matters: Matters, *, committed: bool) -> None:
    """Within the transaction, or after its commit and before anybody is told."""
    original = getattr(module, name)
    write = Database.write

    def trapped(*args: Any, **kwargs: Any) -> Any:
        returned = original(*args, **kwargs)
        if matters(returned):
            if not committed:
                trap.spring()
            trap.committing = True
        return returned

    async def trapped_write(database: Database, work: Work) -> Any:
        result = await write(database, work)
        if trap.committing:
            trap.spring()
        return result

    setattr(module, name, trapped)
    if committed:
        setattr(Database, "write", trapped_write)  # noqa: B010  # mypy: a method is no variable


def _spring_around_request(trap: Trap, step: Step) -> None:
    place = SimulatedProvider.place

    async def when_made(provider: SimulatedProvider, request: PlaceRequest) -> Placed:
        """The network is told to answer late, so the call is made before the response."""
        begun = system_clock() - timedelta(minutes=1)
        sent = asyncio.create_task(_awaited(place(provider, request)))
        while await provider.find(request.call_id, to=request.to, since=begun) is None:
            await asyncio.sleep(0.01)
        trap.spring()
        return await sent

    async def when_answered(provider: SimulatedProvider, request: PlaceRequest) -> Placed:
        placed = await place(provider, request)
        trap.spring()
        return placed

    async def when_refused(provider: SimulatedProvider, request: PlaceRequest) -> Placed:
        try:
            return await place(provider, request)
        except NotPlaced:
            trap.spring()
            raise

    trapped = {
        Step.REQUEST_SENT: when_made,
        Step.RESPONSE_ARRIVED: when_answered,
        Step.REFUSAL_ARRIVED: when_refused,
    }[step]
    setattr(SimulatedProvider, "place", trapped)  # noqa: B010


async def _awaited(placing: Awaitable[Placed]) -> Placed:
    return await placing


if __name__ == "__main__":
    set_trap(Step(sys.argv[1]), Path(sys.argv[2]))
    worker.main()
