"""One simulated network for all tests, made new before each, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.port import LineConfig
from outdial.providers.simulated.http.server import SimulatedNetwork
from outdial.providers.simulated.telephony.call import Call
from outdial.providers.simulated.telephony.person import Behaviour, PeopleModel
from outdial.providers.simulated.telephony.settings import NetworkSettings
from tests.providers.simulated.receiver import Receiver

NUMBER = "+12025550101"

# Simulated seconds; at this scale a whole call takes a tenth of a real one.
PEOPLE = PeopleModel(
    seed=7,
    weights={Behaviour.ANSWER: 1.0},
    dial_seconds=(5, 5),
    ring_seconds=(10, 10),
    talk_seconds=(30, 30),
    hang_up_seconds=(3, 3),
    voicemail_seconds=(12, 12),
    analysis_seconds=(5, 5),
    redial_seconds=(7200, 7200),
    booking_seconds=(86400, 86400),
    cost_per_minute=0.10,
    time_scale=500,
)

Order = Callable[..., PlaceRequest]
Connect = Callable[..., SimulatedProvider]


@pytest.fixture(scope="session")
async def _running() -> AsyncIterator[SimulatedNetwork]:
    async with SimulatedNetwork(NetworkSettings(people=PEOPLE)) as running:
        yield running


@pytest.fixture
async def network(_running: SimulatedNetwork) -> AsyncIterator[SimulatedNetwork]:
    """The network as if just started."""
    await _running.simulation.reset()
    yield _running
    await _running.simulation.reset()


# Clients live as long as the session: each new one loads all certificates of the machine.
@pytest.fixture(scope="session")
async def _client(_running: SimulatedNetwork) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=_running.base_url,
        headers={"authorization": f"Bearer {_running.api_key}"},
        trust_env=False,
    ) as client:
        yield client


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


def line_at(network: SimulatedNetwork, **changes: Any) -> LineConfig:
    return LineConfig(
        name="main",
        base_url=network.base_url,
        credentials={"api_key": network.api_key, "webhook_secret": network.webhook_secret},
    ).model_copy(update=changes)


@pytest.fixture(scope="session")
async def _adapter(_running: SimulatedNetwork) -> AsyncIterator[SimulatedProvider]:
    provider = SimulatedProvider(line_at(_running))
    yield provider
    await provider.aclose()


@pytest.fixture
def api(network: SimulatedNetwork, _client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The network's API with a valid key."""
    return _client


@pytest.fixture
def provider(network: SimulatedNetwork, _adapter: SimulatedProvider) -> SimulatedProvider:
    """The adapter to the network."""
    return _adapter


@pytest.fixture
async def connect(network: SimulatedNetwork) -> AsyncIterator[Connect]:
    """Build an adapter whose line differs; closed after the test."""
    built: list[SimulatedProvider] = []

    def build(**changes: Any) -> SimulatedProvider:
        built.append(SimulatedProvider(line_at(network, **changes)))
        return built[-1]

    yield build
    for provider in built:
        await provider.aclose()


@pytest.fixture
def order(receiver: Receiver) -> Order:
    """Build a request to place a call that reports to the receiver."""

    def build(to: str = NUMBER, **changes: Any) -> PlaceRequest:
        return PlaceRequest(
            call_id="our-1",
            to=to,
            caller_id="+12025550999",
            agent="reminder",
            attempt=1,
            variables={"name": "Ada"},
            ring_timeout=timedelta(seconds=20),
            max_duration=timedelta(seconds=60),
            webhook_url=receiver.url,
        ).model_copy(update=changes)

    return build


async def until(condition: Callable[[], bool], within: float = 5.0) -> None:
    """Wait until a condition holds; raise TimeoutError when it never does."""
    async with asyncio.timeout(within):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


def only_call(network: SimulatedNetwork) -> Call:
    (call,) = network.simulation.network.calls.values()
    return call


def behave(network: SimulatedNetwork, *behaviours: Behaviour, number: str = NUMBER) -> None:
    """Say what a number does at attempt 1, 2, …"""
    network.configure({"people": {"overrides": {number: list(behaviours)}}})


async def settled(network: SimulatedNetwork, events: int) -> dict[str, int]:
    """Wait until that many events were published and none is under way; the counts."""

    def done() -> bool:
        webhooks = network.stats()["webhooks"]
        return bool(webhooks["events"] == events and webhooks["pending"] == 0)

    await until(done)
    counts: dict[str, int] = network.stats()["webhooks"]
    return counts
