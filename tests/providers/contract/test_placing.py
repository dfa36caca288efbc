"""Placing a call: once, and with the right word for whatever goes wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from outdial.domain.call.status import CallStatus
from outdial.providers.errors import (
    Misconfigured,
    NotPlaced,
    PlacementUnknown,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
)
from outdial.providers.port import Capabilities, Provider
from tests.providers.contract.conftest import Build
from tests.providers.contract.running import receive_webhook
from tests.providers.contract.stage import NOW, NUMBER, Fault, Stage

SINCE = NOW - timedelta(minutes=5)


async def _refused(provider: Provider, stage: Stage) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await provider.place(stage.order())
    assert NUMBER not in str(caught.value), "a number in an error ends up in logs"
    assert all(value not in str(caught.value) for value in stage.credentials().values())
    return caught.value


async def test_place_dials_once_and_carries_our_id(stage: Stage, provider: Provider) -> None:
    placed = await provider.place(stage.order())
    (call,) = stage.calls.values()
    assert placed.provider_call_id == call.id
    assert call.to == NUMBER
    assert stage.creates == 1
    assert not stage.echoes or call.our_id == stage.order().call_id


async def test_placements_at_once_are_calls_of_their_own(stage: Stage, provider: Provider) -> None:
    orders = [stage.order(call_id=f"our-{n}", to=f"+120255501{n:02}") for n in range(20)]
    placed = await asyncio.gather(*(provider.place(order) for order in orders))
    assert len({one.provider_call_id for one in placed}) == stage.creates == 20
    for order, one in zip(orders, placed, strict=True):
        call = stage.calls[one.provider_call_id]
        assert call.to == order.to
        assert not stage.echoes or call.our_id == order.call_id


@pytest.mark.connections
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.FAIL, Fault.GARBLE, Fault.HANG])
async def test_a_lost_response_is_unknown_and_never_sent_again(
    stage: Stage, build: Build, fault: Fault
) -> None:
    stage.faults.append(fault)
    wait = timedelta(seconds=0.4 if fault is Fault.HANG else 10)
    async with asyncio.timeout(5):  # far beyond the line's own limit
        error = await _refused(build(request_timeout=wait), stage)
    assert isinstance(error, PlacementUnknown)
    assert (stage.creates, len(stage.calls)) == (1, 1)


@pytest.mark.connections
async def test_a_lost_response_is_settled_by_our_id(
    stage: Stage, provider: Provider, can: Capabilities
) -> None:
    order = stage.order()
    stage.faults.append(Fault.DROP)
    with pytest.raises(PlacementUnknown):
        await provider.place(order)
    (call,) = stage.calls.values()
    if can.can_find:
        snapshot = await provider.find(order.call_id, to=order.to, since=SINCE)
        assert snapshot is not None
        assert snapshot.provider_call_id == call.id
    if can.sends_webhooks and stage.echoes:
        stage.move(call, *stage.steps)
        delivery = stage.deliver(call, CallStatus.COMPLETED)
        assert delivery is not None
        args = (delivery.headers, delivery.body, delivery.url, NOW)
        events = receive_webhook(provider, *args)
        assert {event.call_id for event in events} == {order.call_id}
    assert can.can_find or can.sends_webhooks, "nothing could ever settle a lost response"


async def test_a_call_that_was_never_made_is_not_found(
    stage: Stage, provider: Provider, can: Capabilities
) -> None:
    if not can.can_find:
        with pytest.raises(ProviderError):
            await provider.find("our-1", to=NUMBER, since=SINCE)
        assert stage.requests == []
        return
    await provider.place(stage.order(call_id="our-2", to="+12025550177"))
    assert await provider.find("our-1", to=NUMBER, since=SINCE) is None


async def test_a_throttled_create_may_be_sent_again(stage: Stage, provider: Provider) -> None:
    stage.faults.append(Fault.THROTTLE)
    error = await _refused(provider, stage)
    assert isinstance(error, Throttled)
    assert error.retry_after == stage.throttle_wait
    assert (stage.creates, len(stage.calls)) == (1, 0)


async def test_a_refused_number_is_rejected(stage: Stage, provider: Provider) -> None:
    if not stage.rejects:
        pytest.skip("this provider can't tell a refused number from other mistakes")
    stage.faults.append(Fault.REJECT)
    error = await _refused(provider, stage)
    assert isinstance(error, Rejected)
    assert stage.calls == {}


async def test_a_refused_key_is_a_matter_of_the_line(stage: Stage, provider: Provider) -> None:
    stage.faults.append(Fault.UNAUTHORIZED)
    error = await _refused(provider, stage)
    assert isinstance(error, Misconfigured)
    assert stage.calls == {}


@pytest.mark.connections
async def test_an_unreachable_provider_was_not_asked(stage: Stage, provider: Provider) -> None:
    await stage.stop()
    error = await _refused(provider, stage)
    assert isinstance(error, Unavailable)
    assert isinstance(error, NotPlaced)


async def test_a_server_that_fails_may_have_dialed(stage: Stage, provider: Provider) -> None:
    stage.outage = True
    with pytest.raises((PlacementUnknown, Unavailable)) as caught:
        await provider.place(stage.order())
    # Some providers take several requests: until the one that dials has left, nobody was called.
    assert isinstance(caught.value, PlacementUnknown) == (stage.creates == 1)


@pytest.mark.parametrize("base_url", ["localhost:8080", "ftp://localhost", "http://"])
async def test_an_address_that_is_none_is_misconfigured(build: Build, base_url: str) -> None:
    with pytest.raises(Misconfigured):
        build(base_url=base_url)


@pytest.mark.parametrize("broken", ["", "clé", "two\nlines"])
async def test_a_missing_or_unusable_key_is_misconfigured(
    stage: Stage, build: Build, broken: str
) -> None:
    credentials = stage.credentials()
    key = stage.key
    with pytest.raises(Misconfigured, match=key):
        build(credentials=credentials | {key: broken})
    with pytest.raises(Misconfigured, match=key):
        build(credentials={k: v for k, v in credentials.items() if k != key})
