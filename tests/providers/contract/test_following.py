"""Asking about a call, and ending it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta

import pytest

from outdial.domain.call.status import CallStatus
from outdial.providers.errors import Misconfigured, ProviderError, Unavailable
from outdial.providers.port import Capabilities, Provider
from tests.providers.contract.running import receive_webhook
from tests.providers.contract.stage import NOW, NUMBER, FarCall, Stage

SINCE = NOW - timedelta(minutes=5)


@pytest.fixture
async def call(stage: Stage, provider: Provider) -> FarCall:
    """A call that was placed."""
    placed = await provider.place(stage.order())
    return stage.calls[placed.provider_call_id]


async def test_a_look_up_follows_the_call(
    stage: Stage, provider: Provider, call: FarCall, can: Capabilities
) -> None:
    if not can.can_look_up:
        with pytest.raises(ProviderError):
            await provider.look_up(call.id)
        return
    earlier: list[str] = []
    for status in stage.steps:
        stage.move(call, status)
        snapshot = await provider.look_up(call.id)
        assert snapshot is not None
        assert snapshot.provider_call_id == call.id
        ids = [event.event_id for event in snapshot.events]
        assert len(set(ids)) == len(ids)
        assert [event.at for event in snapshot.events] == sorted(
            event.at for event in snapshot.events
        )
        assert all(event.at.tzinfo == UTC for event in snapshot.events)
        if snapshot.events and stage.tells(status):
            assert snapshot.status is status
        earlier += ids
    again = await provider.look_up(call.id)
    assert again is not None
    assert {event.event_id for event in again.events} <= set(earlier), "ids are not stable"


async def test_a_look_up_tells_what_webhooks_told(
    stage: Stage, provider: Provider, call: FarCall, can: Capabilities
) -> None:
    if not (can.can_look_up and can.sends_webhooks and stage.same_ids):
        pytest.skip("there are not two ways to hear of this, or their ids differ")
    stage.move(call, *stage.steps)
    delivery = stage.deliver(call, CallStatus.COMPLETED)
    assert delivery is not None
    events = receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW)
    ended = {event.event_id for event in events if event.status is CallStatus.COMPLETED}
    snapshot = await provider.look_up(call.id)
    assert snapshot is not None
    assert ended & {event.event_id for event in snapshot.events}


async def test_nobody_knows_a_call_that_never_was(
    stage: Stage, provider: Provider, can: Capabilities
) -> None:
    if can.can_look_up:
        assert await provider.look_up(stage.unknown_id) is None


async def test_ending_a_call_ends_it(
    stage: Stage, provider: Provider, call: FarCall, can: Capabilities
) -> None:
    stage.move(call, *stage.steps[:-1])
    if not can.can_end:
        before = len(stage.requests)
        with pytest.raises(ProviderError):
            await provider.end(call.id)
        assert len(stage.requests) == before
        return
    await provider.end(call.id)
    assert call.ended_by_api


async def test_ending_what_is_over_is_no_error(
    stage: Stage, provider: Provider, call: FarCall, can: Capabilities
) -> None:
    if not can.can_end:
        pytest.skip("this provider ends no calls")
    stage.move(call, *stage.steps)
    await provider.end(call.id)
    await provider.end(stage.unknown_id)


async def test_check_dials_nobody(stage: Stage, provider: Provider) -> None:
    sentence = await provider.check()
    assert sentence
    assert sentence == sentence.strip()
    assert all(value not in sentence for value in stage.credentials().values())
    assert stage.creates == 0
    assert stage.requests, "whoever asks nobody proves nothing"


async def test_check_finds_a_refused_key(stage: Stage, provider: Provider) -> None:
    stage.locked = True
    with pytest.raises(Misconfigured):
        await provider.check()


@pytest.mark.connections
@pytest.mark.parametrize("broken", ["stopped", "failing"])
async def test_an_outage_is_unavailable(
    stage: Stage, provider: Provider, call: FarCall, can: Capabilities, broken: str
) -> None:
    if broken == "stopped":
        await stage.stop()
    else:
        stage.outage = True
    requests: list[Callable[[], Awaitable[object]]] = [provider.check]
    if can.can_look_up:
        requests.append(lambda: provider.look_up(call.id))
    if can.can_find:
        requests.append(lambda: provider.find("our-1", to=NUMBER, since=SINCE))
    if can.can_end:
        requests.append(lambda: provider.end(call.id))
    for ask in requests:
        with pytest.raises(ProviderError) as caught:
            await ask()
        assert isinstance(caught.value, Unavailable)
        assert NUMBER not in str(caught.value)
