"""A process that stood still behind the fence sends nothing when others may have given it up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.calls import Calls
from outdial.contracts.signatures.call import PlaceInput, Placement, PlacementResult
from outdial.domain.call.claim import FencePass
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.status import FailureClass, Fence
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.providers.simulated.http.server import DEFAULT_API_KEY, SimulatedNetwork
from outdial.providers.simulated.telephony.settings import NetworkSettings
from outdial.resources.resources import Resources
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import load_settings
from outdial.store.call import calls
from outdial.store.claims import fence
from outdial.store.db.database import Database
from tests.builders import House

POLICY = LinePolicy(placement_timeout=timedelta(seconds=20))
REQUEST = timedelta(seconds=10)


class Clock:
    """It jumps by `standstill` once the fence is up, as for a process that is not scheduled."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.standstill = timedelta(0)

    def __call__(self) -> datetime:
        return self.now


@pytest_asyncio.fixture
async def network() -> AsyncIterator[SimulatedNetwork]:
    async with SimulatedNetwork(NetworkSettings()) as network:
        yield network


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    database = Database(f"sqlite:///{tmp_path / 'outdial.db'}")
    database.migrate()
    house = House(database)
    house.line()
    yield house
    database.dispose()


@pytest.fixture
def clock(house: House, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, raised = Clock(house.now), fence.raise_fence

    def raise_and_stand_still(
        *args: object, **kwargs: object
    ) -> tuple[FencePass, PlaceRequest | None]:
        passed = raised(*args, **kwargs)  # type: ignore[arg-type]
        clock.now += clock.standstill
        return passed

    monkeypatch.setattr(fence, "raise_fence", raise_and_stand_still)
    return clock


async def _place(house: House, network: SimulatedNetwork, clock: Clock, call_id: str) -> Placement:
    config = LineConfig(
        name="simulated",
        base_url=network.base_url,
        credentials={"api_key": DEFAULT_API_KEY},
        request_timeout=REQUEST,
    )
    lines = Lines([Line("simulated", SimulatedProvider(config), POLICY)])
    resources = Resources(
        database=house.database,
        temporal=await Client.connect("127.0.0.1:1", lazy=True),
        lines=lines,
        clock=clock,
        public_url="http://127.0.0.1:1",
    )
    try:
        return await ActivityEnvironment().run(
            Calls(resources).place_call, PlaceInput(call_id=call_id)
        )
    finally:
        await lines.aclose()


def _fence_of(house: House, call_id: str) -> Fence:
    call = house.database.read_sync(lambda s: calls.get_call(s, call_id))
    assert call is not None
    return call.fence


async def test_it_dials_while_an_answer_can_still_come_in_time(
    house: House, network: SimulatedNetwork, clock: Clock
) -> None:
    call = house.claim_one(house.launch())
    clock.standstill = POLICY.placement_timeout - REQUEST
    placement = await _place(house, network, clock, call.call_id)
    assert placement.result is PlacementResult.PLACED
    assert network.stats()["creates"] == 1


async def test_it_does_not_dial_when_the_request_could_outlast_the_deadline(
    house: House, network: SimulatedNetwork, clock: Clock
) -> None:
    call = house.claim_one(house.launch())
    clock.standstill = POLICY.placement_timeout - REQUEST + timedelta(milliseconds=1)
    placement = await _place(house, network, clock, call.call_id)
    assert network.stats()["creates"] == 0
    assert placement.result is PlacementResult.NOT_PLACED
    assert placement.failure is FailureClass.UNAVAILABLE
    assert _fence_of(house, call.call_id) is Fence.NOT_PLACED


def test_a_line_whose_requests_outlast_its_deadline_is_refused() -> None:
    variables = {
        "OUTDIAL_LINES__MAIN__REQUEST_TIMEOUT": "20s",
        "OUTDIAL_LINES__MAIN__CREDENTIALS__API_KEY": "k",
    }
    with pytest.raises(SettingsInvalid, match="placement_timeout 20s, which is not longer than"):
        load_settings(variables)
