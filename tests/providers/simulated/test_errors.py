"""What a failed exchange means for the call: the whole mapping, by real connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outdial.domain.call.status import FailureClass
from outdial.providers.adapters.simulated import client
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.errors import (
    Misconfigured,
    NotPlaced,
    PlacementUnknown,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
)
from outdial.providers.simulated.http.server import SimulatedNetwork
from outdial.providers.simulated.telephony.person import Behaviour
from tests.providers.simulated.conftest import NUMBER, Connect, Order, behave, until
from tests.providers.simulated.receiver import Receiver, Reply

SINCE = datetime(2020, 1, 1, tzinfo=UTC)


async def _place(provider: SimulatedProvider, order: Order, **changes: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await provider.place(order(**changes))
    assert NUMBER not in str(caught.value), "a number in an error ends up in logs"
    return caught.value


@pytest.mark.parametrize("number", ["+12025550101 ", "2025550101", "+1202", "+1٢٠٢٥٥٥٠١٠١"])
async def test_a_number_that_is_none_is_rejected(
    provider: SimulatedProvider, order: Order, number: str
) -> None:
    with pytest.raises(Rejected) as caught:
        await provider.place(order(number))
    assert caught.value.provider_code == "number_invalid"


async def test_a_number_the_network_does_not_dial_is_rejected(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order
) -> None:
    behave(network, Behaviour.REJECTED)
    error = await _place(provider, order)
    assert isinstance(error, Rejected)
    assert error.provider_code == "number_not_dialable"
    assert network.stats()["refused"] == {"number_not_dialable": 1}
    assert network.stats()["accepted"] == 0


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ({"suspended": True}, "account_suspended"),
        ({"agents": ["sales"]}, "agent_not_found"),
        ({"caller_ids": ["+12025550998"]}, "caller_id_not_allowed"),
    ],
)
async def test_a_line_that_can_dial_nobody_is_misconfigured(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    order: Order,
    account: dict[str, Any],
    code: str,
) -> None:
    network.configure({"account": account})
    error = await _place(provider, order)
    assert isinstance(error, Misconfigured)
    assert error.provider_code == code


async def test_a_wrong_key_is_misconfigured(connect: Connect, order: Order) -> None:
    provider = connect(credentials={"api_key": "wrong"})
    with pytest.raises(Misconfigured) as checked:
        await provider.check()
    error = await _place(provider, order)
    assert isinstance(error, Misconfigured)
    assert (error.provider_code, checked.value.provider_code) == ("unauthorized", "unauthorized")


async def test_people_that_make_no_sense_are_misconfigured(connect: Connect, order: Order) -> None:
    error = await _place(connect(options={"people": {"weights": {"sings": 1}}}), order)
    assert isinstance(error, Misconfigured)
    assert error.provider_code == "invalid_model"


@pytest.mark.parametrize("retry_after", [0.25, 7])
async def test_a_429_is_throttled_until_when_it_says(
    network: SimulatedNetwork, provider: SimulatedProvider, order: Order, retry_after: float
) -> None:
    planned = {"next": [{"fault": "throttle"}], "retry_after_s": retry_after}
    network.configure({"faults": planned})
    error = await _place(provider, order)
    assert isinstance(error, Throttled)
    assert error.retry_after == timedelta(seconds=retry_after)
    assert network.stats()["accepted"] == 0
    assert network.stats()["throttled"] == 1


@pytest.mark.parametrize(
    ("fault", "kind", "accepted"),
    [
        ("refuse", Unavailable, 0),
        ("fail_after", PlacementUnknown, 1),
        ("drop_request", PlacementUnknown, 0),
        ("drop_response", PlacementUnknown, 1),
        ("garble", PlacementUnknown, 1),
    ],
)
async def test_what_an_injected_fault_means(
    network: SimulatedNetwork,
    provider: SimulatedProvider,
    order: Order,
    fault: str,
    kind: type[ProviderError],
    accepted: int,
) -> None:
    network.configure({"faults": {"next": [{"fault": fault}]}})
    error = await _place(provider, order)
    assert type(error) is kind
    stats = network.stats()
    # One request, whatever happened to it: the adapter never sends a create again.
    assert (stats["creates"], stats["accepted"]) == (1, accepted)
    assert stats["faults"] == {fault: 1}


async def test_an_answer_that_never_comes_is_unknown(
    network: SimulatedNetwork, connect: Connect, order: Order
) -> None:
    network.configure({"faults": {"next": [{"fault": "hang"}]}})
    error = await _place(connect(request_timeout=timedelta(seconds=0.2)), order)
    assert isinstance(error, PlacementUnknown)
    assert error.failure is FailureClass.UNKNOWN
    assert network.stats()["accepted"] == 1


async def test_a_connection_nobody_takes_is_unavailable(
    receiver: Receiver, connect: Connect, order: Order
) -> None:
    await receiver.stop()
    error = await _place(connect(base_url=receiver.base_url), order)
    assert isinstance(error, Unavailable)
    assert error.provider_code == "ConnectError"


@pytest.fixture
def deaf() -> Iterator[str]:
    """A listener with a full backlog: connections to it are never made."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        yield "http://{}:{}".format(*address)
        for one in waiting:
            one.close()


async def test_a_connection_that_takes_too_long_is_unavailable(
    deaf: str, connect: Connect, order: Order
) -> None:
    error = await _place(connect(base_url=deaf, request_timeout=timedelta(seconds=0.4)), order)
    assert isinstance(error, Unavailable)
    assert error.provider_code == "ConnectTimeout"


async def test_no_free_connection_is_unavailable(
    network: SimulatedNetwork, connect: Connect, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_CONNECTIONS", 1)
    network.configure({"faults": {"next": [{"fault": "hang"}]}})
    provider = connect(request_timeout=timedelta(seconds=1.2))
    first = asyncio.create_task(provider.place(order()))
    await until(lambda: network.stats()["creates"] == 1)
    with pytest.raises(Unavailable) as caught:
        await provider.place(order(call_id="our-2"))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert caught.value.provider_code == "PoolTimeout"
    assert network.stats()["creates"] == 1


@pytest.mark.parametrize("base_url", [None, "", "localhost:8080", "ftp://localhost"])
async def test_an_address_that_is_none_is_misconfigured(
    connect: Connect, order: Order, base_url: str | None
) -> None:
    error = await _place(connect(base_url=base_url), order)
    assert isinstance(error, Misconfigured)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(500), PlacementUnknown),
        (Reply(502, b"<html>"), PlacementUnknown),
        (Reply(503), PlacementUnknown),
        (Reply(503, b'{"error": "not_accepted"}'), PlacementUnknown),
        (Reply(504), PlacementUnknown),
        (Reply(408), PlacementUnknown),
        (Reply(303, headers=(("location", "/v1/calls/call_1"),)), PlacementUnknown),
        (Reply(200, b'{"id": "call_1"}'), PlacementUnknown),
        (Reply(201, b"[]"), PlacementUnknown),
        (Reply(201, b'{"id": 7}'), PlacementUnknown),
        (Reply(201, b"\xff"), PlacementUnknown),
        (Reply(201, b"x", (("content-encoding", "gzip"),)), PlacementUnknown),
        (Reply(0), PlacementUnknown),
        (Reply(None), PlacementUnknown),
        (Reply(400), Misconfigured),
        (Reply(404), Misconfigured),
        (Reply(409), Misconfigured),
        (Reply(422, b'{"error": {"code": "unheard_of"}}'), Misconfigured),
        (Reply(429), Throttled),
    ],
)
async def test_answers_our_network_never_gives(
    receiver: Receiver, connect: Connect, order: Order, reply: Reply, kind: type[ProviderError]
) -> None:
    receiver.reply = reply
    # Long enough for an answer, on a machine with much else to do; waited for only by silence.
    timeout = timedelta(seconds=0.5 if reply.status is None else 10)
    provider = connect(base_url=receiver.base_url, request_timeout=timeout)
    error = await _place(provider, order)
    assert type(error) is kind
    assert len(receiver.received) == 1


@pytest.mark.parametrize("header", ["", "Wed, 21 Oct 2026 07:28:00 GMT", "-3", "nan", "1e99"])
async def test_a_retry_after_nobody_can_use_is_left_out(
    receiver: Receiver, connect: Connect, order: Order, header: str
) -> None:
    receiver.reply = Reply(429, headers=(("retry-after", header),))
    error = await _place(connect(base_url=receiver.base_url), order)
    assert isinstance(error, Throttled)
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(500), Unavailable),
        (Reply(503), Unavailable),
        (Reply(429), Throttled),
        (Reply(401), Misconfigured),
        (Reply(404), Misconfigured),
        (Reply(0), Unavailable),
        (Reply(None), Unavailable),
        (Reply(200, b"<html>"), Unavailable),
        (Reply(200, b"[]"), Unavailable),
    ],
)
@pytest.mark.parametrize("method", ["look_up", "find", "end", "check"])
async def test_other_requests_may_be_repeated(
    receiver: Receiver, connect: Connect, reply: Reply, kind: type[ProviderError], method: str
) -> None:
    receiver.reply = reply
    timeout = timedelta(seconds=0.3 if reply.status is None else 10)
    provider = connect(base_url=receiver.base_url, request_timeout=timeout)
    exchanges: dict[str, Callable[[], Awaitable[object]]] = {
        "look_up": lambda: provider.look_up("call_1"),
        "find": lambda: provider.find("our-1", to=NUMBER, since=SINCE),
        "end": lambda: provider.end("call_1"),
        "check": lambda: provider.check(),
    }
    with pytest.raises(ProviderError) as caught:
        await exchanges[method]()
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "body", [b"{}", b'{"id": "call_1"}', b'{"id": "call_1", "events": [{"id": "evt_1"}]}']
)
async def test_a_call_nobody_can_read_is_unavailable(
    receiver: Receiver, connect: Connect, body: bytes
) -> None:
    receiver.reply = Reply(200, body)
    provider = connect(base_url=receiver.base_url)
    with pytest.raises(Unavailable, match="unreadable"):
        await provider.look_up("call_1")
    receiver.reply = Reply(200, b'{"calls": [' + body + b"]}")
    with pytest.raises(Unavailable, match="unreadable"):
        await provider.find("our-1", to=NUMBER, since=SINCE)


def test_every_definite_refusal_says_that_nothing_was_placed() -> None:
    assert all(issubclass(kind, NotPlaced) for kind in (Rejected, Misconfigured, Throttled))
    assert issubclass(Unavailable, NotPlaced)
    assert not issubclass(PlacementUnknown, NotPlaced)
