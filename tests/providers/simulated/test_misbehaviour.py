"""Everything the network does wrong on demand, seen from the caller's end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.errors import PlacementUnknown, ProviderError, Throttled, Unavailable
from outdial.providers.simulated.http.server import SimulatedNetwork
from outdial.providers.simulated.telephony.faults import RequestFault, Route
from outdial.providers.simulated.telephony.person import Behaviour
from tests.providers.simulated.conftest import NUMBER, Order, behave, only_call, settled, until
from tests.providers.simulated.receiver import Receiver

ANSWERED = ["call.ringing", "call.in_progress", "call.completed", "call.analyzed"]


async def test_a_lost_webhook_never_comes(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    lost = {"fault": "lose", "event": "call.completed"}
    network.configure({"faults": {"next_webhooks": [lost]}})
    placed = await provider.place(order())
    counts = await settled(network, 4)
    assert receiver.types == ["call.ringing", "call.in_progress", "call.analyzed"]
    assert (counts["lost"], counts["delivered"]) == (1, 3)
    snapshot = await provider.look_up(placed.provider_call_id)
    assert snapshot is not None
    assert len(snapshot.events) == 4, "what was lost can still be asked for"


async def test_a_repeated_webhook_comes_again_behind_the_next(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    repeated = {"fault": "repeat", "event": "call.ringing"}
    network.configure({"faults": {"next_webhooks": [repeated]}})
    await provider.place(order())
    counts = await settled(network, 4)
    assert receiver.types == [*ANSWERED[:2], "call.ringing", *ANSWERED[2:]]
    assert receiver.ids[0] == receiver.ids[2]
    assert receiver.received[0].body == receiver.received[2].body
    assert (counts["repeated"], counts["delivered"]) == (1, 5)


async def test_all_webhooks_repeated(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    network.configure({"faults": {"webhooks": {"repeat": 1.0}}})
    await provider.place(order())
    counts = await settled(network, 4)
    assert Counter(receiver.types) == dict.fromkeys(ANSWERED, 2)
    assert len(set(receiver.ids)) == 4
    assert counts["repeated"] == 4


async def test_reordered_webhooks_come_in_pairs_the_wrong_way_round(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    network.configure({"faults": {"webhooks": {"reorder": 1.0}}})
    await provider.place(order())
    counts = await settled(network, 4)
    assert receiver.types == [ANSWERED[1], ANSWERED[0], ANSWERED[3], ANSWERED[2]]
    assert counts["reordered"] == 2


@pytest.mark.parametrize(
    ("behaviour", "types", "reordered"),
    [
        (Behaviour.NO_ANSWER, ["call.no_answer", "call.ringing"], 1),
        (Behaviour.BUSY, ["call.busy"], 0),
    ],
)
async def test_the_last_event_of_a_call_is_never_held_back(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    order: Order,
    behaviour: Behaviour,
    types: list[str],
    reordered: int,
) -> None:
    network.configure({"faults": {"webhooks": {"reorder": 1.0}}})
    behave(network, behaviour)
    await provider.place(order())
    counts = await settled(network, len(types))
    assert receiver.types == types
    assert counts["reordered"] == reordered


@pytest.mark.parametrize("faults", [{"silent": 1.0}, {"silent_numbers": [NUMBER]}])
async def test_a_silent_call_sends_nothing(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    receiver: Receiver,
    order: Order,
    faults: dict[str, Any],
) -> None:
    network.configure({"faults": faults})
    await provider.place(order())
    counts = await settled(network, 4)
    assert receiver.received == []
    assert (counts["silenced"], counts["sent"]) == (4, 0)
    assert only_call(network).result == "completed"


async def test_webhooks_overtake_a_delayed_response(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    network.configure({"faults": {"next": [{"fault": "delay"}], "delay_response_s": 1.0}})
    placing = asyncio.create_task(provider.place(order()))
    await receiver.last("call.analyzed")
    assert not placing.done()
    assert (await placing).provider_call_id == only_call(network).id


async def test_a_dropped_response_leaves_a_call_that_can_be_found(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    network.configure({"faults": {"numbers": {NUMBER: ["drop_response", None, "refuse"]}}})
    with pytest.raises(PlacementUnknown):
        await provider.place(order())
    call = only_call(network)
    snapshot = await provider.find("our-1", to=NUMBER, since=call.created_at)
    assert snapshot is not None
    assert snapshot.provider_call_id == call.id
    assert network.stats()["dropped_responses"] == 1
    await provider.place(order(call_id="our-2"))
    with pytest.raises(Unavailable):
        await provider.place(order(call_id="our-3"))
    await provider.place(order(call_id="our-4"))
    assert network.stats()["accepted"] == 3


async def test_faults_planned_for_a_number_wait_for_it(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order
) -> None:
    planned = {"fault": "throttle", "number": NUMBER, "times": 2}
    network.configure({"faults": {"next": [planned]}})
    await provider.place(order("+12025550102"))
    for _ in range(2):
        with pytest.raises(Throttled):
            await provider.place(order())
    await provider.place(order())
    assert network.stats()["planned_faults_left"] == 0
    assert network.stats()["throttled"] == 2


@pytest.mark.parametrize("route", [Route.GET, Route.LIST, Route.END])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (RequestFault.THROTTLE, Throttled),
        (RequestFault.REFUSE, Unavailable),
        (RequestFault.FAIL_AFTER, Unavailable),
        (RequestFault.DROP_RESPONSE, Unavailable),
    ],
)
async def test_every_route_can_go_wrong(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    order: Order,
    route: Route,
    fault: RequestFault,
    kind: type[ProviderError],
) -> None:
    placed = await provider.place(order())
    network.configure({"faults": {"routes": {route: {fault: 1.0}}}})
    call_id = placed.provider_call_id
    since = only_call(network).created_at
    requests: dict[Route, Callable[[], Awaitable[object]]] = {
        Route.GET: lambda: provider.look_up(call_id),
        Route.LIST: lambda: provider.find("our-1", to=NUMBER, since=since),
        Route.END: lambda: provider.end(call_id),
    }
    with pytest.raises(kind):
        await requests[route]()
    assert network.stats()["faults"] == {fault: 1}


async def test_a_hanging_request_ends_with_its_client(
    network: SimulatedNetwork, api: httpx.AsyncClient
) -> None:
    network.configure({"faults": {"next": [{"fault": "hang"}]}})
    with pytest.raises(httpx.ReadTimeout):
        await api.post("/v1/calls", json={"to": NUMBER, "agent": "a"}, timeout=0.1)
    assert (await api.get("/sim/stats")).json()["accepted"] == 1


async def test_a_hanging_request_does_not_keep_the_network_from_stopping(order: Order) -> None:
    network = SimulatedNetwork()
    await network.start()
    network.configure({"faults": {"next": [{"fault": "hang"}]}})
    async with httpx.AsyncClient(base_url=network.base_url, trust_env=False) as client:
        posting = asyncio.create_task(
            client.post(
                "/v1/calls",
                json={"to": NUMBER, "agent": "a"},
                headers={"authorization": f"Bearer {network.api_key}"},
                timeout=30,
            )
        )
        await until(lambda: network.stats()["accepted"] == 1)
        async with asyncio.timeout(3):
            await network.stop()
        with pytest.raises(httpx.TransportError):
            await posting
