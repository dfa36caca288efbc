"""What is special about Voxpria."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.voxpria.client import VoxpriaProvider
from outdial.providers.adapters.voxpria.webhook import EVENT, STATUS
from outdial.providers.errors import ProviderError, Throttled, Unavailable, WebhookRefused
from tests.providers.bearer import SECRET
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import Answer, json_answer
from tests.providers.contract.stage import HOOK, NOW, NUMBER, FarCall, iso
from tests.providers.voxpria.stage import VoxpriaStage

SINCE = NOW - timedelta(minutes=1)


@pytest.fixture
async def stage() -> AsyncIterator[VoxpriaStage]:
    async with running(VoxpriaStage) as stage:
        yield stage


@pytest.fixture
async def provider(stage: VoxpriaStage) -> AsyncIterator[VoxpriaProvider]:
    async with connected(VoxpriaProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: VoxpriaStage, provider: VoxpriaProvider) -> FarCall:
    placed = await provider.place(stage.order())
    return stage.calls[placed.provider_call_id]


def reported(
    stage: VoxpriaStage, provider: VoxpriaProvider, event: str, **data: Any
) -> list[CallEvent]:
    delivery = stage.posted({"event": event, "timestamp": iso(NOW), "data": data})
    return list(receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW))


async def test_what_is_ordered(stage: VoxpriaStage, provider: VoxpriaProvider) -> None:
    order = stage.order()
    await provider.place(order)
    (call,) = stage.calls.values()
    assert call.order == {
        "agentId": "agent-1",
        "toNumber": NUMBER,
        "variables": {"first_name": "Ada", "outdialCallId": order.call_id},
    }


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, FailureClass.MISCONFIGURED),
        (401, FailureClass.MISCONFIGURED),
        (402, FailureClass.MISCONFIGURED),
        (403, FailureClass.MISCONFIGURED),
        (404, FailureClass.MISCONFIGURED),
        (422, FailureClass.MISCONFIGURED),
        (429, FailureClass.THROTTLED),
        (500, FailureClass.UNKNOWN),
        (200, FailureClass.UNKNOWN),
    ],
)
async def test_every_refusal(
    stage: VoxpriaStage,
    provider: VoxpriaProvider,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    failure: FailureClass,
) -> None:
    answer = json_answer({"success": False, "error": f"{NUMBER} is bad"}, status)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await provider.place(stage.order())
    assert (caught.value.failure, caught.value.provider_code) == (failure, str(status))
    assert NUMBER not in str(caught.value)


async def test_a_limit_says_when_it_ends(
    stage: VoxpriaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = {"X-RateLimit-Reset": str(int(NOW.timestamp()) + 45)}
    monkeypatch.setattr(stage, "created", lambda call: Answer(429, b"{}", reset))
    provider = VoxpriaProvider(stage.line(), clock=lambda: NOW)
    with pytest.raises(Throttled) as caught:
        await provider.place(stage.order())
    assert caught.value.retry_after == timedelta(seconds=45)
    await provider.aclose()


@pytest.mark.parametrize(
    "status", [status for status in CallStatus if status is not CallStatus.CANCELED]
)
async def test_every_status(
    stage: VoxpriaStage, provider: VoxpriaProvider, call: FarCall, status: CallStatus
) -> None:
    """The seven of the Calls API have the names they have here."""
    stage.move(call, status)
    snapshot = await provider.look_up(call.id)
    assert snapshot is not None
    (event,) = snapshot.events
    assert (event.status, event.event_id) == (status, f"{call.id}/{status}")
    assert (event.failure is FailureClass.UNAVAILABLE) == (status is CallStatus.FAILED)


async def test_a_status_nobody_knows_is_no_end(
    stage: VoxpriaStage, provider: VoxpriaProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {"success": True, "data": {"callId": "c-1", "status": "paused"}}
    monkeypatch.setattr(stage, "answer", lambda request: json_answer(shown))
    snapshot = await provider.look_up("c-1")
    assert snapshot is not None
    assert (snapshot.status, snapshot.events) == (CallStatus.QUEUED, ())


async def test_the_details_of_the_calls_api(
    stage: VoxpriaStage, provider: VoxpriaProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample of voxpria.com/docs/calls-api."""
    data = {
        "callId": "call_xyz789",
        "status": "completed",
        "duration": 127,
        "recording": "https://...",
        "transcript": "...",
        "outcome": "successful",
        "startedAt": "2025-02-09T12:00:00Z",
        "completedAt": "2025-02-09T12:02:07Z",
    }
    shown = json_answer({"success": True, "data": data})
    monkeypatch.setattr(stage, "answer", lambda request: shown)
    snapshot = await provider.look_up("call_xyz789")
    assert snapshot is not None
    (event,) = snapshot.events
    assert event.at.isoformat() == "2025-02-09T12:02:07+00:00"
    assert (event.duration_seconds, event.transcript) == (127, "...")
    assert (event.recording_url, event.disposition) == ("https://...", None)
    assert event.structured == {"outcome": "successful"}


@pytest.mark.parametrize("answer", [json_answer({"success": True}), Answer(200, b"<html>")])
async def test_what_can_not_be_read_is_unavailable(
    stage: VoxpriaStage,
    provider: VoxpriaProvider,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: answer)
    with pytest.raises(Unavailable, match="unreadable"):
        await provider.look_up("c-1")


async def test_a_list_that_is_none_is_unavailable(
    stage: VoxpriaStage, provider: VoxpriaProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: json_answer([]))
    with pytest.raises(Unavailable, match="unreadable"):
        await provider.find("our-1", to=NUMBER, since=SINCE)


async def test_find_goes_by_our_id_else_by_number_and_time(
    stage: VoxpriaStage, provider: VoxpriaProvider, call: FarCall
) -> None:
    other = await provider.place(stage.order(call_id="our-2"))
    ours = stage.order().call_id
    assert await provider.find(ours, to=NUMBER, since=SINCE) is None
    stage.shows_variables = True
    by_id = await provider.find(ours, to=NUMBER, since=SINCE)
    stage.shows_variables = False
    stage.facts[other.provider_call_id] = {"createdAt": iso(NOW - timedelta(hours=1))}
    by_time = await provider.find(ours, to=NUMBER, since=SINCE)
    assert by_id is not None
    assert by_time is not None
    assert by_id.provider_call_id == by_time.provider_call_id == call.id


async def test_find_looks_through_some_pages(
    stage: VoxpriaStage, provider: VoxpriaProvider
) -> None:
    for number in range(260):
        call = FarCall(f"call_{number}", f"+1202555{number:04}", None, order={"agentId": "agent-1"})
        stage.calls[call.id] = call
    snapshot = await provider.find("our-1", to="+12025550199", since=SINCE)
    assert snapshot is not None
    assert snapshot.provider_call_id == "call_199"
    assert await provider.find("our-1", to="+12025550200", since=SINCE) is None
    assert [dict(one.query)["page"] for one in stage.requests[-4:]] == ["1", "2", "3", "4"]


MOMENTS = [
    ("call.started", None, CallStatus.IN_PROGRESS, None),
    ("call.started", "ringing", CallStatus.RINGING, None),
    ("call.started", "completed", CallStatus.IN_PROGRESS, None),
    ("call.answered", None, CallStatus.IN_PROGRESS, None),
    ("call.completed", None, CallStatus.COMPLETED, None),
    ("call.completed", "completed", CallStatus.COMPLETED, None),
    ("call.failed", "failed", CallStatus.FAILED, FailureClass.UNAVAILABLE),
    ("call.failed", "no_answer", CallStatus.NO_ANSWER, None),
    ("call.failed", "busy", CallStatus.BUSY, None),
    ("call.failed", "afloat", CallStatus.FAILED, FailureClass.UNAVAILABLE),
    ("call.ended", "completed", CallStatus.COMPLETED, None),
    ("call.ended", None, CallStatus.FAILED, FailureClass.UNKNOWN),
]


@pytest.mark.parametrize(("event", "word", "status", "failure"), MOMENTS)
async def test_every_event(
    stage: VoxpriaStage,
    provider: VoxpriaProvider,
    event: str,
    word: str | None,
    status: CallStatus,
    failure: FailureClass | None,
) -> None:
    (report,) = reported(stage, provider, event, callId="c-1", status=word)
    assert (report.status, report.failure, report.at) == (status, failure, NOW)


@pytest.mark.parametrize(
    "event",
    ["campaign.started", "campaign.finished", "campaign.paused", "campaign.completed", "new"],
)
async def test_what_is_about_no_call(
    stage: VoxpriaStage, provider: VoxpriaProvider, event: str
) -> None:
    assert reported(stage, provider, event, id="campaign-1", status="completed") == []
    assert reported(stage, provider, "call.completed", status="completed") == []


async def test_the_webhook_of_the_developers_page(
    stage: VoxpriaStage, provider: VoxpriaProvider
) -> None:
    (event,) = reported(
        stage, provider, "call.completed", id="c-1", status="completed", summary="Confirmed"
    )
    assert event.provider_call_id == "c-1"
    assert event.structured == {"summary": "Confirmed"}


CONTENT = {"event": "call.completed", "data": {"callId": "c-1", "transcript": "¿Sí?"}}


def signed(body: bytes) -> dict[str, str]:
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"x-voxpria-signature": f"sha256={digest}"}


def test_the_signature_is_over_what_node_would_write(provider: VoxpriaProvider) -> None:
    """The verifier of the page parses the body and writes it anew."""
    stringified = '{"event":"call.completed","data":{"callId":"c-1","transcript":"¿Sí?"}}'.encode()
    for body in (stringified, json.dumps(CONTENT, indent=2).encode()):
        assert receive_webhook(provider, signed(stringified), body, HOOK, NOW)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{}"),
        ({"x-voxpria-signature": ""}, b"{}"),
        ({"x-voxpria-signature": signed(b"{}")["x-voxpria-signature"][7:]}, b"{}"),
        (signed(b"{}"), b'{"event":"call.completed"}'),
        (signed(b"{}"), b"not json"),
        (signed(b"{}"), b"[]"),
        ({"x-webhook-signature": "t=1609459200,v1=6a29"}, b"{}"),
    ],
)
def test_anything_else_is_refused(
    provider: VoxpriaProvider, headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(WebhookRefused):
        receive_webhook(provider, headers, body, HOOK, NOW)


def test_no_word_is_left_out() -> None:
    assert set(STATUS.rows) == set(CallStatus) - {CallStatus.CANCELED}
    followed = {word for word, meaning in EVENT.rows.items() if meaning.status}
    assert {event for event, *_ in MOMENTS} == followed
