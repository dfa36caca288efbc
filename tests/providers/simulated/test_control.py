"""Looking at the network and changing how it behaves, over `/sim`."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.errors import Rejected, Throttled
from outdial.providers.simulated.http.server import SimulatedNetwork
from outdial.providers.simulated.telephony.person import Behaviour
from tests.providers.simulated.conftest import NUMBER, Order, behave, until
from tests.providers.simulated.receiver import Receiver

SLOW = {"people": {"time_scale": 1}}


async def _get(api: httpx.AsyncClient, path: str, **query: str) -> dict[str, Any]:
    answer = await api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def test_stats_count_what_was_asked_and_what_was_made(
    network: SimulatedNetwork, provider: SimulatedProvider, api: httpx.AsyncClient, order: Order
) -> None:
    network.configure(SLOW)
    behave(network, Behaviour.REJECTED, number="+12025550102")
    for call_id in ("our-1", "our-1", "our-2"):
        await provider.place(order(call_id=call_id))
    with pytest.raises(Rejected, match="number_not_dialable"):
        await provider.place(order("+12025550102", call_id="our-3"))
    assert (await api.post("/v1/calls", json={"to": NUMBER})).status_code == 400
    stats = await _get(api, "/sim/stats")
    assert (stats["creates"], stats["accepted"]) == (5, 3)
    assert stats["refused"] == {"number_not_dialable": 1}
    assert stats["duplicates"] == {"our-1": 2}
    assert (stats["open"], stats["peak_open"], stats["peak_open_per_number"]) == (3, 3, 3)
    assert await _get(api, "/sim/creates") == {"our-1": 2, "our-2": 1}


async def test_peaks_stay_when_calls_end(
    network: SimulatedNetwork, provider: SimulatedProvider, api: httpx.AsyncClient, order: Order
) -> None:
    network.configure(SLOW)
    numbers = ("+12025550101", "+12025550102", "+12025550103")
    placed = [await provider.place(order(number, call_id=number)) for number in numbers]
    for one in placed:
        await provider.end(one.provider_call_id)
    await provider.place(order())
    stats = await _get(api, "/sim/stats")
    assert (stats["open"], stats["peak_open"], stats["peak_open_per_number"]) == (1, 3, 1)


async def test_the_open_history_gives_the_mean_between_two_instants(
    network: SimulatedNetwork, provider: SimulatedProvider, api: httpx.AsyncClient, order: Order
) -> None:
    network.configure(SLOW)
    placed = [await provider.place(order(call_id=f"our-{n}")) for n in range(2)]
    for one in placed:
        await provider.end(one.provider_call_id)
    history = await _get(api, "/sim/open-history")
    changes = [(datetime.fromisoformat(at), number) for at, number in history["changes"]]
    assert [number for _, number in changes] == [1, 2, 1, 0]
    assert history["peak"] == 2
    instants = [at for at, _ in changes]
    assert instants == sorted(instants)
    start, end = instants[0] - timedelta(seconds=1), instants[3] + timedelta(seconds=1)
    once = (instants[3] - instants[0]).total_seconds()
    twice = (instants[2] - instants[1]).total_seconds()
    query = {"start": start.isoformat(), "end": end.isoformat()}
    mean = (await _get(api, "/sim/open-history", **query))["mean"]
    assert mean == pytest.approx((once + twice) / (end - start).total_seconds())


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-04T15:00:00+00:00", "2026-03-04T15:00:00+00:00"),
        ("2026-03-04T15:00:00", "2026-03-04T16:00:00+00:00"),
        ("2026-03-04T15:00:00+00:00", "later"),
    ],
)
async def test_an_interval_that_is_none_is_refused(
    api: httpx.AsyncClient, start: str, end: str
) -> None:
    answer = await api.get("/sim/open-history", params={"start": start, "end": end})
    assert answer.status_code == 400


async def test_every_call_is_shown_with_its_instants(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    api: httpx.AsyncClient,
    order: Order,
) -> None:
    behave(network, Behaviour.VOICEMAIL)
    placed = await provider.place(order(attempt=2))
    await receiver.last("call.analyzed")
    (call,) = (await _get(api, "/sim/calls"))["calls"]
    named = ("id", "to", "call_id", "attempt", "behaviour", "status", "result")
    assert [call[name] for name in named] == [
        placed.provider_call_id,
        NUMBER,
        "our-1",
        2,
        "voicemail",
        "completed",
        "voicemail",
    ]
    steps = ("created_at", "ringing_at", "answered_at", "ended_at", "analyzed_at")
    instants = [datetime.fromisoformat(call[step]) for step in steps]
    assert instants == sorted(instants)
    # Dialing, ringing and talking; timers may be late but never early.
    assert instants[3] - instants[0] >= timedelta(seconds=(5 + 10 + 12) / 500)


async def test_settings_are_merged(network: SimulatedNetwork, api: httpx.AsyncClient) -> None:
    first = {
        "people": {"overrides": {NUMBER: ["busy"]}, "weights": {"busy": 1, "answer": 1}},
        "faults": {"routes": {"create": {"throttle": 0.5, "hang": 0.1}}},
    }
    second = {
        "people": {"overrides": {"+12025550102": ["book"]}, "weights": {"book": 1}},
        "faults": {"routes": {"create": {"refuse": 1}, "get": {"delay": 1}}},
        "account": {"max_concurrent": 4},
    }
    for patch in (first, second):
        assert (await api.put("/sim/config", json=patch)).status_code == 200
    config = await _get(api, "/sim/config")
    assert config["people"]["overrides"] == {NUMBER: ["busy"], "+12025550102": ["book"]}
    assert config["people"]["time_scale"] == 500
    # Weights and the rates of a route are replaced whole: a rest of the old would surprise.
    assert config["people"]["weights"] == {"book": 1}
    assert config["faults"]["routes"] == {"create": {"refuse": 1}, "get": {"delay": 1}}
    assert config["account"]["max_concurrent"] == 4


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"people": {"ring_seconds": [9, 1]}}', 422),
        (b'{"faults": {"routes": {"create": {"hang": 0.6, "delay": 0.6}}}}', 422),
        (b'{"faults": {"webhooks": {"lose": -1}}}', 422),
        (b'{"peple": {}}', 422),
        (b"[]", 400),
        (b"{", 400),
    ],
)
async def test_settings_that_make_no_sense_change_nothing(
    api: httpx.AsyncClient, content: bytes, status: int
) -> None:
    before = await _get(api, "/sim/config")
    assert (await api.put("/sim/config", content=content)).status_code == status
    assert await _get(api, "/sim/config") == before


async def test_a_reset_forgets_everything(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    api: httpx.AsyncClient,
    order: Order,
) -> None:
    before = await _get(api, "/sim/stats")
    config = await _get(api, "/sim/config")
    network.configure({"people": {"cost_per_minute": 2}, "faults": {"retry_after_s": 3}})
    placed = await provider.place(order())
    assert (await api.post("/sim/reset")).status_code == 200
    assert await _get(api, "/sim/stats") == before
    assert await _get(api, "/sim/config") == config
    assert await provider.look_up(placed.provider_call_id) is None
    await provider.place(order(call_id="our-2"))
    await receiver.last("call.analyzed")
    our_ids = {one.event["data"]["metadata"]["call_id"] for one in receiver.received}
    assert our_ids == {"our-2"}, "the forgotten call still spoke"


async def test_the_account_allows_so_many_calls_at_once(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order
) -> None:
    network.configure({**SLOW, "account": {"max_concurrent": 1}})
    placed = await provider.place(order())
    with pytest.raises(Throttled) as caught:
        await provider.place(order(call_id="our-2"))
    assert caught.value.provider_code == "concurrency_limit"
    await provider.end(placed.provider_call_id)
    await provider.place(order(call_id="our-3"))
    assert network.stats()["peak_open"] == 1
    assert network.stats()["throttled"] == 1


async def test_the_account_allows_so_many_calls_a_second(order: Order) -> None:
    now = datetime.fromisoformat("2026-03-04T15:00:00+00:00")
    async with SimulatedNetwork(clock=lambda: now) as network:
        network.configure({"account": {"max_per_second": 2}})
        async with httpx.AsyncClient(
            base_url=network.base_url,
            headers={"authorization": f"Bearer {network.api_key}"},
            trust_env=False,
        ) as api:

            async def create() -> int:
                body = {"to": NUMBER, "agent": "a"}
                return (await api.post("/v1/calls", json=body)).status_code

            assert [await create() for _ in range(3)] == [201, 201, 429]
            now += timedelta(seconds=1)
            assert [await create() for _ in range(3)] == [201, 201, 429]


async def test_the_call_api_wants_the_key_on_every_route(network: SimulatedNetwork) -> None:
    async with httpx.AsyncClient(base_url=network.base_url, trust_env=False) as anybody:
        for method, path in (
            ("POST", "/v1/calls"),
            ("GET", "/v1/calls"),
            ("GET", "/v1/calls/call_1"),
            ("POST", "/v1/calls/call_1/end"),
            ("GET", "/v1/calls/call_1/recording"),
            ("GET", "/v1/account"),
        ):
            answer = await anybody.request(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


async def test_answers_are_not_held_back_by_the_kernel(
    network: SimulatedNetwork, api: httpx.AsyncClient
) -> None:
    await _get(api, "/sim/stats")
    assert network._server is not None
    connections = network._server.server_state.connections
    sockets = [connection.transport.get_extra_info("socket") for connection in connections]
    assert sockets
    assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in sockets)


async def test_a_taken_port_is_said_at_the_start(network: SimulatedNetwork) -> None:
    port = int(network.base_url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="in use"):
        await SimulatedNetwork(port=port).start()


async def test_nothing_is_open_once_all_have_ended(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order
) -> None:
    for number in range(5):
        await provider.place(order(f"+1202555020{number}", call_id=f"our-{number}"))
    await until(lambda: network.stats()["open"] == 0)
    changes = network.simulation.network.history.changes
    assert changes[-1][1] == 0
    assert len(changes) == 10
