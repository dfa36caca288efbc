"""The thirty calls once more, along the whole path: webhook, call workflow, sweeper, store.

Real are the adapter's reading, the webhook service, Temporal, the call workflow, its activities,
the sweeper and the database; a provider's side is played. One word of each provider for each way in
which its calls can end, after a talk and without.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import Worker

from activities.calls import Calls
from activities.sweeps import LEASE_AGE, START_AGE, Sweeps
from outdial.contracts.names import CALL_QUEUE
from outdial.contracts.signatures.call import PlaceInput
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.providers.lines import Line, Lines
from outdial.providers.livekit.webhook import room_of
from outdial.providers.port import Placed, PlaceRequest
from outdial.resources.resources import Resources
from outdial.services.webhooks.webhooks import receive_webhook
from outdial.store.db.database import Database
from outdial.store.lines import lines
from outdial.store.lines.lines import LineLimits
from tests.builders import House, phone
from tests.cases import endings
from tests.cases.endings import Ending, bodies_of
from tests.cases.test_thirty_calls import ATTEMPTS, RETRY, end_of
from tests.providers.contract.stage import HOOK, NOW
from tests.services.servers import database
from tests.waiting import until
from workflows.call import CallWorkflow
from workflows.registry import sandbox

__all__ = ["database"]


def _one_of_each(provider: str) -> list[Ending]:
    """By what the store makes of them."""
    found: dict[tuple[Any, ...], Ending] = {}
    for ending in endings.endings():
        end = end_of(ending) if ending.provider == provider else None
        if end is not None and bodies_of(ending, "x"):
            found.setdefault((end.status, end.failure, end.fault, ending.talked), ending)
    return list(found.values())


class FarSide:
    """A provider whose calls to one number always end in the same way."""

    def __init__(self, provider: str, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        self.endings = dict(zip(map(phone, range(99)), _one_of_each(provider), strict=False))
        self.rang: Counter[str] = Counter()
        self.to: dict[str, str] = {}
        self._line = line
        monkeypatch.setattr(line.provider, "place", self.place)
        monkeypatch.setattr(line.provider, "look_up", self.look_up)
        # That signatures are checked is shown elsewhere, for each provider.
        monkeypatch.setattr(line.provider, "verify", lambda *_: None)
        can = line.provider.capabilities.model_copy(update={"can_look_up": True})
        monkeypatch.setattr(line.provider, "capabilities", can)

    async def place(self, request: PlaceRequest) -> Placed:
        self.rang[request.to] += 1
        assert self.rang[request.to] <= 30, "a storm of calls"
        self.to[self._known_as(request.call_id)] = request.to
        return Placed(provider_call_id=self._known_as(request.call_id))

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        call_id = provider_call_id.removeprefix(room_of(""))
        bodies = bodies_of(self.endings[self.to[provider_call_id]], call_id)
        events = [e for body in bodies for e in self._line.provider.read(body, HOOK, NOW)]
        return CallSnapshot(provider_call_id=provider_call_id, events=tuple(events))

    def webhooks_of(self, call_id: str) -> list[bytes]:
        return bodies_of(self.endings[self.to[self._known_as(call_id)]], call_id)

    def placed(self, call_id: str) -> bool:
        return self._known_as(call_id) in self.to

    def _known_as(self, call_id: str) -> str:
        return room_of(call_id) if self._line.name == "livekit" else call_id


class Path:
    def __init__(self, database: Database, far: FarSide, line: Line, client: Any) -> None:
        self.house = House(database)
        self.house.now = NOW
        self.far, self.line, self.client = far, line, client
        every = Lines([line])
        clock: Callable[[], Any] = lambda: self.house.now  # noqa: E731
        self.resources = Resources(database, client, every, clock, public_url="http://127.0.0.1:1")
        self.ctx = Resources(database, client, every, clock)
        limits = LineLimits(
            name=line.name, provider="simulated", max_concurrent=100, per_second=1000
        )
        self.house.write(lambda s: lines.ensure_lines(s, "default", [limits]))

    async def day(self, call: Callable[[ClaimedCall], Any]) -> None:
        """Claim and call for a virtual day; a line of the simulated network has no ceiling."""
        house = self.house
        campaign = house.launch(
            len(self.far.endings),
            name=f"all-{self.line.name}",
            line=self.line.name,
            retry={"max_attempts": ATTEMPTS, **RETRY},
        )
        over = house.now + timedelta(days=1)
        while house.now < over:
            claim = await asyncio.to_thread(house.claim, campaign)
            await asyncio.gather(*(call(one) for one in claim.calls))
            if not claim.calls:
                if claim.wake_at is None:
                    return
                house.now = max(claim.wake_at, house.now + timedelta(seconds=1))

    @asynccontextmanager
    async def workers(self) -> AsyncIterator[None]:
        calls = Calls(self.resources)
        activities: list[Callable[..., Any]] = [
            calls.place_call,
            calls.look_up_call,
            calls.hang_up_call,
            calls.end_call,
        ]
        async with (
            Worker(
                self.client,
                task_queue="thirty-calls",
                workflows=[CallWorkflow],
                activities=activities,
                workflow_runner=sandbox(),
            ),
            Worker(self.client, task_queue=CALL_QUEUE, activities=activities),
        ):
            yield

    async def by_workflow(self, call: ClaimedCall) -> None:
        handle = await self.client.start_workflow(
            CallWorkflow.run, call, id=call.workflow_id, task_queue="thirty-calls"
        )

        async def placed() -> bool:
            return self.far.placed(call.call_id)

        await until(placed, timeout=60)
        for body in self.far.webhooks_of(call.call_id):
            await receive_webhook(self.ctx, self.line.name, {}, body, HOOK)
        async with asyncio.timeout(60):
            await handle.result()

    async def by_sweeper(self, call: ClaimedCall) -> None:
        """Placed by a workflow that somebody terminated; nobody but the sweeper ends it."""
        gone = await self.client.start_workflow(
            "Nothing", id=call.workflow_id, task_queue="nobody-listens"
        )
        await gone.terminate()
        place = Calls(self.resources).place_call
        await ActivityEnvironment().run(place, PlaceInput(call_id=call.call_id))


@pytest.mark.faults
@pytest.mark.parametrize("provider", sorted(endings.providers()))
async def test_no_word_makes_a_storm_through_the_workflow(
    provider: str,
    database: Database,
    temporal_server: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = endings.line_of(provider)
    far = FarSide(provider, line, monkeypatch)
    path = Path(database, far, line, temporal_server.client)
    async with path.workers():
        await path.day(path.by_workflow)
    _check(far)


@pytest.mark.faults
@pytest.mark.parametrize("provider", sorted(endings.providers()))
async def test_no_word_makes_a_storm_through_the_sweeper(
    provider: str,
    database: Database,
    temporal_server: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = endings.line_of(provider)
    far = FarSide(provider, line, monkeypatch)
    path = Path(database, far, line, temporal_server.client)
    sweeps = Sweeps(path.resources)

    house, swept = path.house, 0
    campaign = house.launch(
        len(far.endings),
        name=f"swept-{provider}",
        line=provider,
        retry={"max_attempts": ATTEMPTS, **RETRY},
    )
    over = house.now + timedelta(days=1)
    while house.now < over:
        claim = await asyncio.to_thread(house.claim, campaign)
        for one in claim.calls:
            await path.by_sweeper(one)
        house.later(seconds=(START_AGE + LEASE_AGE).total_seconds())
        swept += (await ActivityEnvironment().run(sweeps.sweep_leases)).leases
        if not claim.calls:
            if claim.wake_at is None:
                break
            house.now = max(claim.wake_at, house.now)
    assert swept == sum(far.rang.values())
    _check(far)


def _check(far: FarSide) -> None:
    assert far.rang.keys() == far.endings.keys(), "everybody was called"
    storms = {str(far.endings[to]): n for to, n in far.rang.items() if n > ATTEMPTS}
    assert not storms
    for to, n in far.rang.items():
        end = end_of(far.endings[to])
        assert end is not None
        if end.status is CallStatus.COMPLETED and end.answered_by is not AnsweredBy.MACHINE:
            assert n == 1, f"{far.endings[to]}: whoever talked is not called again"
