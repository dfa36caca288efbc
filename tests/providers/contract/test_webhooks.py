"""Webhooks: believed only when genuine, and read whatever stands in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus, advance
from outdial.providers.errors import Misconfigured, WebhookRefused
from outdial.providers.port import Capabilities, Placed, Provider
from tests.providers.contract.conftest import Build
from tests.providers.contract.running import receive_webhook
from tests.providers.contract.stage import HOOK, NOW, Delivery, FarCall, Stage


@pytest.fixture(autouse=True)
def _sends_webhooks(can: Capabilities) -> None:
    if not can.sends_webhooks:
        pytest.skip("this provider sends no webhooks")


@pytest.fixture
async def call(stage: Stage, provider: Provider) -> FarCall:
    """A call that was placed, and is over."""
    placed = await provider.place(stage.order())
    call = stage.calls[placed.provider_call_id]
    stage.move(call, *stage.steps)
    return call


@pytest.fixture
def delivery(stage: Stage, call: FarCall) -> Delivery:
    """The webhook about its end."""
    delivery = stage.deliver(call, CallStatus.COMPLETED)
    assert delivery is not None
    return delivery


def receive(
    provider: Provider, delivery: Delivery, at: timedelta = timedelta(0)
) -> list[CallEvent]:
    return list(receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW + at))


async def test_each_status_is_told(stage: Stage, provider: Provider, call: FarCall) -> None:
    ids = []
    for status in stage.steps:
        delivery = stage.deliver(call, status)
        if delivery is None:
            continue
        events = receive(provider, delivery)
        assert [event.status for event in events if event.status] == [status]
        for event in events:
            assert event.provider_call_id == call.id
            assert event.at.tzinfo == UTC
            assert not stage.echoes or event.call_id == stage.order().call_id
        ids += [event.event_id for event in events]
    assert ids
    assert len(set(ids)) == len(ids)


async def test_a_duplicate_is_the_same_event(
    stage: Stage, provider: Provider, call: FarCall, delivery: Delivery
) -> None:
    later = timedelta(seconds=90)
    again = stage.deliver(call, CallStatus.COMPLETED, sent_at=NOW + later)
    assert again is not None
    first, second = receive(provider, delivery), receive(provider, again, later)
    assert [event.event_id for event in first] == [event.event_id for event in second]
    assert [event.status for event in first] == [event.status for event in second]


async def test_a_late_webhook_moves_nothing_back(
    stage: Stage, provider: Provider, call: FarCall, delivery: Delivery
) -> None:
    late = [one for step in stage.steps[:-1] if (one := stage.deliver(call, step)) is not None]
    status = CallStatus.QUEUED
    for event in (event for one in [delivery, *late] for event in receive(provider, one)):
        status = advance(status, event.status) if event.status else status
    assert status is CallStatus.COMPLETED


async def test_a_webhook_may_come_before_the_response(stage: Stage, provider: Provider) -> None:
    received: list[CallEvent] = []

    def post_early(call: FarCall) -> None:
        stage.move(call, *stage.steps)
        delivery = stage.deliver(call, CallStatus.COMPLETED)
        assert delivery is not None
        received.extend(receive(provider, delivery))

    stage.before_answer = post_early
    order = stage.order()
    placed: Placed = await provider.place(order)
    assert received
    for event in received:
        assert event.provider_call_id == placed.provider_call_id
        assert not stage.echoes or event.call_id == order.call_id


async def test_another_secret_is_refused(stage: Stage, build: Build, delivery: Delivery) -> None:
    stranger = build(credentials=stage.credentials() | {stage.secret_key: stage.other_secret})
    with pytest.raises(WebhookRefused):
        receive(stranger, delivery)


async def test_without_a_secret_nothing_is_believed(
    stage: Stage, build: Build, delivery: Delivery
) -> None:
    credentials = {k: v for k, v in stage.credentials().items() if k != stage.secret_key}
    with pytest.raises((Misconfigured, WebhookRefused)):
        receive(build(credentials=credentials), delivery)
    with pytest.raises((Misconfigured, WebhookRefused)):
        receive(build(credentials=credentials | {stage.secret_key: ""}), delivery)


async def test_an_unsigned_webhook_is_refused(provider: Provider, delivery: Delivery) -> None:
    kept = {"content-type", "host", "content-length"}
    headers = {name: value for name, value in delivery.headers.items() if name.lower() in kept}
    with pytest.raises(WebhookRefused):
        # The URL without what may follow the line's name.
        receive_webhook(provider, headers, delivery.body, HOOK, NOW)


async def test_a_changed_body_is_refused(
    stage: Stage, provider: Provider, delivery: Delivery
) -> None:
    if not stage.signs_body:
        pytest.skip("this provider's webhooks only carry a secret")
    changed = delivery.body.replace(b"0", b"1", 1)
    assert changed != delivery.body
    with pytest.raises(WebhookRefused):
        receive_webhook(provider, delivery.headers, changed, delivery.url, NOW)


@pytest.mark.parametrize("direction", [1, -1], ids=["old", "future"])
async def test_a_signature_is_good_for_its_window_only(
    stage: Stage, provider: Provider, delivery: Delivery, direction: int
) -> None:
    window = (stage.future_window if direction < 0 else None) or stage.replay_window
    if window is None:
        pytest.skip("this provider's signatures carry no time")
    assert receive(provider, delivery, direction * (window - timedelta(seconds=5)))
    with pytest.raises(WebhookRefused):
        receive(provider, delivery, direction * (window + timedelta(seconds=5)))


async def test_header_names_have_no_case(provider: Provider, delivery: Delivery) -> None:
    for change in (str.lower, str.upper):
        headers = {change(name): value for name, value in delivery.headers.items()}
        assert receive_webhook(provider, headers, delivery.body, delivery.url, NOW)


async def test_what_is_in_no_document_is_no_error(
    stage: Stage, provider: Provider, call: FarCall
) -> None:
    delivery = stage.deliver_unheard_of(call)
    if delivery is not None:
        for event in receive(provider, delivery):
            assert event.status in (None, CallStatus.FAILED, CallStatus.COMPLETED)


async def test_no_body_is_an_error(stage: Stage, provider: Provider, call: FarCall) -> None:
    """Whatever stands in a genuine webhook, the door can answer it."""
    for status in stage.steps:
        delivery = stage.deliver(call, status)
        if delivery is None:
            continue
        for body in _broken(delivery):
            try:
                events = provider.webhooks.read(body, delivery.url, NOW)
            except WebhookRefused:
                continue
            assert all(event.event_id and event.at.tzinfo == UTC for event in events)


def _broken(delivery: Delivery) -> Iterator[bytes]:
    yield from (b"", b"\xff", b"[]", b"null", b"7", b"{}", b"[" * 100_000)
    kind = next(v for k, v in delivery.headers.items() if k.lower() == "content-type")
    if "json" in kind:
        for content in _variants(json.loads(delivery.body)):
            yield json.dumps(content).encode()
        return
    form = parse_qsl(delivery.body.decode(), keep_blank_values=True)
    for number, (name, _) in enumerate(form):
        yield urlencode(form[:number] + form[number + 1 :]).encode()
        yield urlencode([*form[:number], (name, "-1"), *form[number + 1 :]]).encode()


def _variants(content: Any) -> Iterator[Any]:
    """The same with each value, however deep, replaced by one of another kind."""
    yield from (None, [], {}, "x", -1, 1e400, True, [[]], {"x": {}})
    if isinstance(content, dict):
        for key, value in content.items():
            yield {name: one for name, one in content.items() if name != key}
            for other in _variants(value):
                yield content | {key: other}
    elif isinstance(content, list) and content:
        for other in _variants(content[0]):
            yield [other, *content[1:]]
