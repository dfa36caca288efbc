"""The port, as the simulated network keeps it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from outdial.domain.call.event import EventKind
from outdial.domain.call.status import CallStatus
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.catalog import build_provider
from outdial.providers.errors import Misconfigured, WebhookRefused
from outdial.providers.simulated.http.server import SimulatedNetwork
from outdial.providers.simulated.telephony.person import Behaviour
from tests.providers.simulated.conftest import Connect, Order, behave, line_at, only_call, until
from tests.providers.simulated.receiver import Receiver

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_the_catalog_knows_it(network: SimulatedNetwork) -> None:
    provider = build_provider("simulated", line_at(network))
    assert isinstance(provider, SimulatedProvider)
    assert provider.capabilities.can_find
    assert not provider.capabilities.idempotent_create
    await provider.aclose()


async def test_requests_go_by_the_transport_of_the_line(network: SimulatedNetwork) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"open": 7})

    elsewhere = {"transport": httpx.MockTransport(answer)}
    provider = build_provider("simulated", line_at(network).model_copy(update=elsewhere))
    assert "7 calls open" in await provider.check()
    await provider.aclose()


async def test_an_order_arrives_as_it_was_given(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    placed = await provider.place(order(recording=True, attempt=3))
    call = only_call(network)
    assert call.id == placed.provider_call_id
    assert call.order.model_dump(by_alias=True) == {
        "to": "+12025550101",
        "from": "+12025550999",
        "agent": "reminder",
        "variables": {"name": "Ada"},
        "metadata": {"call_id": "our-1", "attempt": 3},
        "ring_timeout_s": 20,
        "max_duration_s": 60,
        "recording": True,
        "webhook_url": receiver.url,
        "model": None,
    }


async def test_webhooks_pass_the_adapter_s_own_check(
    provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    await provider.place(order())
    now = datetime.now(UTC)
    for webhook in await receiver.count(4):
        provider.webhooks.verify(webhook.headers, webhook.body, receiver.url, now)
        assert provider.webhooks.read(webhook.body, receiver.url, now)
    assert len(set(receiver.ids)) == 4
    assert {webhook.target for webhook in receiver.received} == {"/hooks/line?via=test"}


async def test_webhooks_of_another_account_do_not_pass(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    connect: Connect,
    receiver: Receiver,
    order: Order,
) -> None:
    await provider.place(order())
    (webhook, *_) = await receiver.count(1)
    credentials = {"api_key": network.api_key, "webhook_secret": "whsec_b3RoZXI="}
    other = connect(credentials=credentials)
    with pytest.raises(WebhookRefused):
        other.webhooks.verify(webhook.headers, webhook.body, receiver.url, datetime.now(UTC))


async def test_looking_up_and_finding_give_the_events_of_the_webhooks(
    provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    placed = await provider.place(order())
    webhooks = await receiver.count(4)
    now = datetime.now(UTC)
    events = [
        event for one in webhooks for event in provider.webhooks.read(one.body, receiver.url, now)
    ]
    looked_up = await provider.look_up(placed.provider_call_id)
    snapshot = await provider.find("our-1", to="+12025550101", since=LONG_AGO)
    assert looked_up is not None
    assert looked_up == snapshot
    assert list(looked_up.events) == events
    assert [event.event_id for event in looked_up.events] == receiver.ids
    assert looked_up.status is CallStatus.COMPLETED
    assert looked_up.events[-1].kind is EventKind.ANALYSIS


async def test_a_call_that_has_said_nothing_yet_is_queued(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order
) -> None:
    network.configure({"people": {"time_scale": 1}})
    placed = await provider.place(order())
    snapshot = await provider.look_up(placed.provider_call_id)
    assert snapshot is not None
    assert (snapshot.status, snapshot.events) == (CallStatus.QUEUED, ())


async def test_a_call_nobody_knows_is_none(
    network: SimulatedNetwork, provider: SimulatedProvider
) -> None:
    assert not network.simulation.network.calls
    assert await provider.look_up("call_0") is None
    assert await provider.find("our-1", to="+12025550101", since=LONG_AGO) is None
    await provider.end("call_0")


async def test_finding_leaves_out_what_was_made_before(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order
) -> None:
    await provider.place(order())
    created_at = only_call(network).created_at
    assert await provider.find("our-1", to="+12025550101", since=created_at) is not None
    later = created_at + timedelta(microseconds=1)
    assert await provider.find("our-1", to="+12025550101", since=later) is None


async def test_finding_a_call_made_twice_gives_the_first(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order
) -> None:
    first, second = await provider.place(order()), await provider.place(order())
    assert first != second
    snapshot = await provider.find("our-1", to="+12025550101", since=LONG_AGO)
    assert snapshot is not None
    assert snapshot.provider_call_id == first.provider_call_id
    assert network.stats()["duplicates"] == {"our-1": 2}


async def test_the_list_shows_everything_when_no_id_is_asked_for(
    provider: SimulatedProvider, api: httpx.AsyncClient, order: Order
) -> None:
    for number in ("our-1", "our-2"):
        await provider.place(order(call_id=number))
    calls = (await api.get("/v1/calls")).json()["calls"]
    assert [call["metadata"]["call_id"] for call in calls] == ["our-1", "our-2"]


@pytest.mark.parametrize("since", ["yesterday", "2026-03-04T15:00:00"])
async def test_the_list_wants_an_instant(api: httpx.AsyncClient, since: str) -> None:
    answer = await api.get("/v1/calls", params={"since": since})
    assert (answer.status_code, answer.json()) == (400, {"error": {"code": "invalid_since"}})


async def test_the_check_says_that_the_line_works(
    network: SimulatedNetwork, provider: SimulatedProvider
) -> None:
    network.configure({"account": {"max_concurrent": 20}})
    assert await provider.check() == (
        f"simulated network at {network.base_url}: key accepted, 0 calls open, concurrency 20"
    )


async def test_a_proxy_of_the_machine_is_not_asked(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert "key accepted" in await connect().check()


async def test_ids_do_not_come_back_when_the_network_starts_again(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    behave(network, Behaviour.BUSY)
    await provider.place(order())
    await receiver.count(1)
    await network.simulation.reset()
    behave(network, Behaviour.BUSY)
    await provider.place(order())
    await receiver.count(2)
    assert len(set(receiver.ids)) == 2


async def test_a_key_no_header_can_carry_is_refused_at_once(network: SimulatedNetwork) -> None:
    with pytest.raises(Misconfigured, match="api_key"):
        SimulatedProvider(line_at(network, credentials={"api_key": "key\r\nx: y"}))


async def test_an_address_that_is_none_is_refused_at_once(network: SimulatedNetwork) -> None:
    with pytest.raises(Misconfigured, match="http://"):
        SimulatedProvider(line_at(network, base_url="http://[::1"))


async def test_the_key_is_not_in_what_a_line_prints(network: SimulatedNetwork) -> None:
    line = line_at(network)
    assert network.api_key not in repr(line)
    assert network.webhook_secret not in repr(line)


async def test_an_idle_network_has_nothing_pending(
    network: SimulatedNetwork, provider: SimulatedProvider, receiver: Receiver, order: Order
) -> None:
    await provider.place(order())
    await receiver.count(4)
    await until(lambda: network.stats()["webhooks"]["pending"] == 0)
    assert network.stats()["webhooks"] == {
        "events": 4,
        "sent": 4,
        "delivered": 4,
        "retried": 0,
        "failed": 0,
        "lost": 0,
        "repeated": 0,
        "reordered": 0,
        "silenced": 0,
        "pending": 0,
    }
