"""The whole path of a call, for a virtual day: a provider's side, and everything on ours.

A provider's calls to one number always end in the same way. It reports that over HTTP, signed as it
signs, at the API's door for webhooks; the call workflow, its activities, the sweeper, Temporal and
the database are real.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.calls import Calls
from activities.sweeps import LEASE_AGE, START_AGE, Sweeps
from outdial.api.app import open_state
from outdial.contracts.names import CALL_QUEUE
from outdial.contracts.signatures.call import PlaceInput
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.record import CallRecord
from outdial.providers.adapters.livekit.webhook import room_of
from outdial.providers.lines import Lines
from outdial.providers.port import Placed
from outdial.resources.resources import Resources
from outdial.store.call import calls
from outdial.store.claims import leases
from outdial.store.db.database import Database
from outdial.store.lines import lines
from outdial.store.lines.lines import LineLimits
from tests.api.applications import application
from tests.builders import House, phone
from tests.cases.endings import answers_of, bodies_of, line_of
from tests.cases.test_thirty_calls import end_of
from tests.providers.contract.endings import Ending
from tests.providers.contract.registry import stages
from tests.providers.contract.stage import NOW, Delivery
from tests.serving import client_at, listening
from tests.waiting import until
from workflows.call import CallWorkflow
from workflows.registry import sandbox

PUBLIC_URL = "https://calls.example.com"
STORM = 30
QUEUE = "thirty-calls"
SECONDS = 300
"""How long a busy machine may take for what many calls do at once."""


class FarSide:
    """A provider, with a number for each way in which its calls end."""

    def __init__(
        self, provider: str, endings: Sequence[Ending], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.endings = {phone(number): ending for number, ending in enumerate(endings)}
        self.rang: Counter[str] = Counter()
        self.line = line = line_of(provider)
        self._stage = stages()[provider]()
        self._to: dict[str, str] = {}
        self._placed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        for name in ("place", "look_up", "end"):
            monkeypatch.setattr(line.provider, name, getattr(self, name))
        can = line.provider.capabilities.model_copy(update={"can_look_up": True})
        monkeypatch.setattr(line.provider, "capabilities", can)

    async def place(self, request: PlaceRequest) -> Placed:
        self.rang[request.to] += 1
        self._to[request.call_id] = request.to
        self._placed[request.call_id].set()
        answers = answers_of(self.endings[request.to], request.call_id)
        return Placed(provider_call_id=self._provider_id(request.call_id), events=answers)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        call_id = provider_call_id.removeprefix(room_of(""))
        read, url = self.line.provider.webhooks.read, self._url(call_id)
        events = tuple(e for body in self._bodies(call_id) for e in read(body, url, NOW))
        # A dial that was not answered leaves no room behind.
        left = answers_of(self.ending_of(call_id), call_id)
        return None if left else CallSnapshot(provider_call_id=provider_call_id, events=events)

    async def end(self, provider_call_id: str) -> None:
        """What goes on and on is not ended either."""

    async def placed(self, call_id: str) -> None:
        async with asyncio.timeout(SECONDS):
            await self._placed[call_id].wait()

    def ending_of(self, call_id: str) -> Ending:
        return self.endings[self._to[call_id]]

    def called(self) -> list[str]:
        return list(self._to)

    def webhooks_of(self, call_id: str, sent_at: datetime) -> list[Delivery]:
        url = self._url(call_id)
        return [
            self._stage.signed(body, url=url, sent_at=sent_at) for body in self._bodies(call_id)
        ]

    def _bodies(self, call_id: str) -> list[bytes]:
        return bodies_of(self.ending_of(call_id), call_id)

    def _url(self, call_id: str) -> str:
        """Where it was told to report to: two adapters write that anew for each call."""
        return self._stage.call_url(f"{PUBLIC_URL}/hooks/{self.line.name}", call_id)

    def _provider_id(self, call_id: str) -> str:
        return room_of(call_id) if self.line.name == "livekit" else call_id


class WholePath:
    """Our side, for one provider. Open it to use it."""

    def __init__(self, database: Database, far: FarSide, client: Client) -> None:
        self.house = House(database)
        self.house.now = NOW
        self.swept = 0
        self._far, self._client = far, client
        self._turns = cycle((self.by_sweeper, self.by_webhook_and_sweeper))
        every = Lines([far.line])
        clock: Callable[[], datetime] = lambda: self.house.now  # noqa: E731
        self._resources = Resources(database, client, every, clock, public_url=PUBLIC_URL)
        self._ctx = Resources(database, client, every, clock)
        self._calls, self._sweeps = Calls(self._resources), Sweeps(self._resources)
        # A line of the simulated network has no daily ceiling; and one that fails so many would
        # open its circuit, and call nobody for a while.
        limits = LineLimits(
            name=far.line.name,
            provider="simulated",
            max_concurrent=1000,
            per_second=100_000,
            breaker=BreakerPolicy(min_attempts=100_000),
        )
        self.house.write(lambda s: lines.ensure_lines(s, "default", [limits]))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[WholePath]:
        calls = self._calls
        activities: list[Callable[..., Any]] = [
            calls.place_call,
            calls.look_up_call,
            calls.hang_up_call,
            calls.end_call,
        ]
        flows, runner = [CallWorkflow], sandbox()
        with application(lambda: open_state(self._ctx, PUBLIC_URL)) as app:
            async with (
                listening(app) as base,
                client_at(base, timeout=SECONDS) as self._http,
                Worker(
                    self._client,
                    task_queue=QUEUE,
                    workflows=flows,
                    activities=activities,
                    workflow_runner=runner,
                ),
                Worker(self._client, task_queue=CALL_QUEUE, activities=activities),
            ):
                yield self

    async def day(self, begin: Callable[[ClaimedCall], Awaitable[None]], **definition: Any) -> None:
        """Claim, begin what was claimed and sweep, for a virtual day."""
        house, far = self.house, self._far
        campaign = house.launch(len(far.endings), line=far.line.name, **definition)
        over = house.now + timedelta(days=1)
        while house.now < over:
            claim = await asyncio.to_thread(house.claim, campaign)
            await asyncio.gather(*(begin(one) for one in claim.calls))
            assert max(far.rang.values(), default=0) < STORM, "a storm of calls"
            if await self._sweep() or claim.calls:
                continue
            if claim.wake_at is None:
                return
            house.now = max(claim.wake_at, house.now + timedelta(seconds=1))

    async def by_workflow(self, call: ClaimedCall) -> None:
        """Followed by its workflow, which hears the report; one that goes on is left to the
        sweeper, so that nobody waits for the longest duration of a call."""
        handle = await self._client.start_workflow(
            CallWorkflow.run, call, id=call.workflow_id, task_queue=QUEUE
        )
        await self._report(call)
        if end_of(self._far.ending_of(call.call_id)) is None:
            await self._terminate(handle, call)
            return
        async with asyncio.timeout(SECONDS):
            await handle.result()

    async def by_sweeper(self, call: ClaimedCall) -> None:
        """Its workflow was terminated, and no report came."""
        await self._orphan(call)

    async def by_either_sweep(self, call: ClaimedCall) -> None:
        """In turn without a report and with one that nobody hears."""
        await next(self._turns)(call)

    async def by_webhook_and_sweeper(self, call: ClaimedCall) -> None:
        """Its workflow was terminated; the report came, and there was nobody to hear it."""
        await self._orphan(call)
        await self._report(call)

    def record_of(self, call_id: str) -> CallRecord:
        call = self.house.write(lambda s: calls.get_call(s, call_id))
        assert call is not None
        return call

    async def _report(self, call: ClaimedCall) -> None:
        await self._far.placed(call.call_id)
        for sent in self._far.webhooks_of(call.call_id, self.house.now):
            to = urlsplit(sent.url)
            where = f"{to.path}?{to.query}" if to.query else to.path
            answer = await self._http.post(where, content=sent.body, headers=sent.headers)
            assert answer.status_code == httpx.codes.OK, f"{call.call_id}: {answer.text}"

    async def _orphan(self, call: ClaimedCall) -> None:
        gone = await self._client.start_workflow(
            "Nothing", id=call.workflow_id, task_queue="nobody-listens"
        )
        await gone.terminate()
        await ActivityEnvironment().run(self._calls.place_call, PlaceInput(call_id=call.call_id))

    async def _terminate(self, handle: WorkflowHandle[Any, Any], call: ClaimedCall) -> None:
        """As soon as the store knows that it was placed: its activity would be cancelled."""

        async def stored() -> bool:
            record = await self._resources.database.read(lambda s: calls.get_call(s, call.call_id))
            return record is not None and record.provider_call_id is not None

        await until(stored, timeout=SECONDS)
        await handle.terminate()

    async def _sweep(self) -> bool:
        """A round of the sweeper, once it looks at what was begun; whether anything was open."""
        if not await self._any_open():
            return False
        self.house.later(seconds=(START_AGE + LEASE_AGE).total_seconds())
        self.swept += (await ActivityEnvironment().run(self._sweeps.sweep_leases)).leases
        return True

    async def _any_open(self) -> bool:
        now = self.house.now
        rows = await self._resources.database.read(
            lambda s: leases.leases_to_check(s, now=now, older_than=timedelta(0), limit=1)
        )
        return bool(rows)
