"""What becomes of a placement whose worker died, and of a call that its provider does not list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import cast

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.calls import Calls
from activities.sweeps import Sweeps
from outdial.contracts.signatures.call import LookUpInput, PlaceInput, Placement, PlacementResult
from outdial.dispatch.executions import Execution, ExecutionState
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import CallRecord
from outdial.providers.errors import Misconfigured, NotPlaced, Rejected, Throttled, Unavailable
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import Capabilities, LineConfig, Placed, Provider
from outdial.resources.resources import Resources
from outdial.store.call import calls, events
from tests.builders import LINE, House, event
from tests.databases import migrated, sqlite_database

REFUSALS = [
    Rejected("never this number"),
    Throttled("slow down", retry_after=timedelta(seconds=9)),
    Misconfigured("no such agent"),
    Unavailable("down"),
]


class _Scripted(Provider):
    """Answers what the test says, and does something of the test's before that."""

    name = "scripted"
    capabilities = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=True,
        sends_webhooks=True,
        sends_analysis=False,
        idempotent_create=False,
    )

    def __init__(self) -> None:
        self.refusal: NotPlaced | None = None
        self.meanwhile: Callable[[str], object] = lambda call_id: None
        self.placed = 0

    async def place(self, request: PlaceRequest) -> Placed:
        self.placed += 1
        self.meanwhile(request.call_id)
        if self.refusal is not None:
            raise self.refusal
        return Placed(provider_call_id="p1")

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        return None

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        self.meanwhile(call_id)
        return None

    async def end(self, provider_call_id: str) -> None: ...

    async def check(self) -> str:
        return ""


class _Desk:
    """A house with a scripted line and the activities of its calls."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.provider = _Scripted()
        self.provider.line = LineConfig(name=LINE)
        self.resources = Resources(
            database=house.database,
            temporal=cast("Client", None),
            lines=Lines([Line(LINE, self.provider, LinePolicy())]),
            clock=lambda: house.now,
            public_url="http://outdial.test",
        )
        self.calls = Calls(self.resources)
        self.campaign = house.launch(1)

    def claim(self) -> ClaimedCall:
        return self.house.claim_one(self.campaign)

    async def place(self, call_id: str) -> Placement:
        return await ActivityEnvironment().run(self.calls.place_call, PlaceInput(call_id=call_id))

    async def is_absent(self, call_id: str) -> bool:
        look_up = LookUpInput(call_id=call_id)
        return (await ActivityEnvironment().run(self.calls.look_up_call, look_up)).absent

    def report(self, call_id: str) -> None:
        """As the API process stores it."""
        ringing = event("e1", call_id=call_id, provider_call_id="p1", status=CallStatus.RINGING)
        self.house.write(lambda s: events.store_events(s, LINE, [ringing], now=self.house.now))

    def read(self, call_id: str) -> CallRecord:
        record = self.house.write(lambda s: calls.get_call(s, call_id))
        assert record is not None
        return record


@pytest.fixture
def desk() -> Iterator[_Desk]:
    with sqlite_database() as url, migrated(url) as database:
        house = House(database)
        house.line()
        yield _Desk(house)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
async def test_a_worker_that_takes_over_hears_what_the_provider_answered(
    desk: _Desk, refusal: NotPlaced
) -> None:
    """The first execution has written the answer down, and died before it could return it."""
    call_id = desk.claim().call_id
    desk.provider.refusal = refusal
    first = await desk.place(call_id)
    again = await desk.place(call_id)
    assert first.result is PlacementResult.NOT_PLACED
    assert again == first
    assert desk.provider.placed == 1


async def test_an_answer_that_reports_have_disproved_is_not_believed(desk: _Desk) -> None:
    call_id = desk.claim().call_id
    desk.provider.refusal = Unavailable("reset")
    desk.provider.meanwhile = desk.report
    assert (await desk.place(call_id)).result is PlacementResult.PLACED
    assert desk.read(call_id).fence is Fence.PLACED


async def test_a_call_reported_while_its_provider_was_asked_is_not_absent(desk: _Desk) -> None:
    call_id = desk.claim().call_id
    desk.house.fence(call_id)
    desk.house.later(minutes=5)
    desk.provider.meanwhile = desk.report
    assert not await desk.is_absent(call_id)
    assert desk.read(call_id).fence is Fence.PLACED


async def test_a_call_that_nobody_reported_is_absent_whoever_asks(desk: _Desk) -> None:
    call_id = desk.claim().call_id
    desk.house.fence(call_id)
    assert not await desk.is_absent(call_id), "its deadline has not passed"
    desk.house.later(minutes=5)
    assert await desk.is_absent(call_id)
    assert await desk.is_absent(call_id)


async def test_no_sweep_frees_a_call_that_was_reported_while_it_looked(
    desk: _Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> Execution:
        return Execution(ExecutionState.FAILED)

    call_id = desk.claim().call_id
    desk.house.fence(call_id)
    desk.house.later(minutes=1)
    sweeps = Sweeps(desk.resources)
    monkeypatch.setattr("activities.sweeps.describe_execution", gone)
    desk.provider.meanwhile = desk.report
    assert (await ActivityEnvironment().run(sweeps.sweep_leases)).leases == 0
    assert desk.read(call_id).status is CallStatus.RINGING
    assert desk.house.claim(desk.campaign).in_flight == 1


async def test_a_sweep_keeps_a_rejection(desk: _Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> Execution:
        return Execution(ExecutionState.FAILED)

    async def nudged(*_: object) -> None: ...

    call_id = desk.claim().call_id
    desk.provider.refusal = Rejected("never this number")
    await desk.place(call_id)
    desk.house.later(minutes=1)
    sweeps = Sweeps(desk.resources)
    monkeypatch.setattr("activities.sweeps.describe_execution", gone)
    monkeypatch.setattr(sweeps, "_wake_campaign", nudged)
    assert (await ActivityEnvironment().run(sweeps.sweep_leases)).leases == 1
    ended = desk.read(call_id)
    assert (ended.status, ended.failure) == (CallStatus.FAILED, FailureClass.REJECTED)
