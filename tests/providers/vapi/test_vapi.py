"""What is special about Vapi."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.call import AnsweredBy, CallStatus, FailureClass
from domain.event import EventKind
from providers.port import (
    Misconfigured,
    PlacementUnknown,
    ProviderError,
    Unavailable,
    WebhookRefused,
)
from providers.status_map import Meaning
from providers.vapi import status
from providers.vapi.client import VapiProvider
from tests.providers.contract.reference import rows
from tests.providers.contract.running import connected, running
from tests.providers.contract.server import json_answer
from tests.providers.contract.stage import NOW, NUMBER, Delivery, FarCall
from tests.providers.vapi.stage import SECRET, VapiStage

SINCE = NOW - timedelta(minutes=1)
SPEC = json.loads(Path(__file__).with_name("openapi.json").read_text())
ENDED_REASONS: list[str] = SPEC["components"]["schemas"]["Call"]["properties"]["endedReason"][
    "enum"
]


@pytest.fixture
async def stage() -> AsyncIterator[VapiStage]:
    async with running(VapiStage) as stage:
        yield stage


@pytest.fixture
async def vapi(stage: VapiStage) -> AsyncIterator[VapiProvider]:
    async with connected(VapiProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: VapiStage, vapi: VapiProvider) -> FarCall:
    placed = await vapi.place(stage.order())
    return stage.calls[placed.provider_call_id]


@pytest.mark.parametrize(("word", "meaning"), rows("vapi", "status"))
async def test_every_status(
    stage: VapiStage, vapi: VapiProvider, call: FarCall, word: str, meaning: Meaning
) -> None:
    told = stage.message(call, type="status-update", status=word)
    (event,) = vapi.read(told.headers, told.body)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    stage.facts[call.id] = {"status": word}
    snapshot = await vapi.look_up(call.id)
    assert snapshot is not None
    assert [one.event_id for one in snapshot.events] == [event.event_id]


@pytest.mark.parametrize(("reason", "meaning"), rows("vapi", "endedReason_exact"))
async def test_every_named_reason(
    stage: VapiStage, vapi: VapiProvider, call: FarCall, reason: str, meaning: Meaning
) -> None:
    told = stage.message(call, type="status-update", status="ended", endedReason=reason)
    (event,) = vapi.read(told.headers, told.body)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    assert event.answered_by == meaning.answered_by
    stage.facts[call.id] = {"status": "ended", "endedReason": reason}
    snapshot = await vapi.look_up(call.id)
    assert snapshot is not None
    assert [one.event_id for one in snapshot.events] == [event.event_id]
    assert snapshot.events[0].status is meaning.status


def test_every_published_reason_is_known(caplog: pytest.LogCaptureFixture) -> None:
    assert len(set(ENDED_REASONS)) > 500
    with caplog.at_level(logging.WARNING):
        endings = [status.ending_of(reason, started=False) for reason in ENDED_REASONS]
    assert caplog.records == []
    assert all(meaning.status is not None for meaning in endings)


def test_a_reason_nobody_published_is_logged_and_unknown(caplog: pytest.LogCaptureFixture) -> None:
    assert status.ending_of("hangup", started=True).failure is FailureClass.UNKNOWN
    assert "endedReason: hangup" in caplog.text
    status.ending_of(f"called {NUMBER}", started=True)
    assert NUMBER not in caplog.text


async def test_canceled_after_the_answer_is_completed(
    stage: VapiStage, vapi: VapiProvider, call: FarCall
) -> None:
    stage.facts[call.id] = {"status": "ended", "endedReason": "manually-canceled"}
    before = await vapi.look_up(call.id)
    stage.move(call, CallStatus.IN_PROGRESS)
    after = await vapi.look_up(call.id)
    assert before is not None
    assert after is not None
    assert (before.status, after.status) == (CallStatus.CANCELED, CallStatus.COMPLETED)


async def test_the_report_tells_the_end_and_the_talk(
    stage: VapiStage, vapi: VapiProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    facts = {
        "artifact": {"transcript": "AI: Hello", "recordingUrl": "https://storage.example/1.wav"},
        "analysis": {
            "structuredData": {"disposition": "booked", "call_at": "2027-03-02T10:00:00+01:00"}
        },
        "cost": 0.12,
        "startedAt": "2027-03-01T15:30:02Z",
        "endedAt": "2027-03-01T15:31:02Z",
        "endedReason": "voicemail",
    }
    told = stage.message(call, type="end-of-call-report", **facts)
    end, known = vapi.read(told.headers, told.body)
    assert (end.status, end.answered_by) == (CallStatus.COMPLETED, AnsweredBy.MACHINE)
    assert end.duration_seconds == 60
    assert known.kind is EventKind.ANALYSIS
    assert (known.disposition, known.transcript, known.cost) == ("booked", "AI: Hello", 0.12)
    assert known.call_back_at is not None
    assert known.call_back_at.isoformat() == "2027-03-02T09:00:00+00:00"
    assert known.recording_url == "https://storage.example/1.wav"
    stage.facts[call.id] = facts
    snapshot = await vapi.look_up(call.id)
    assert snapshot is not None
    polled = [event.event_id for event in snapshot.events]
    assert polled == [end.event_id, known.event_id]


async def test_an_end_for_no_reason_is_left_to_the_report(
    stage: VapiStage, vapi: VapiProvider, call: FarCall
) -> None:
    told = stage.message(call, type="status-update", status="ended")
    (event,) = vapi.read(told.headers, told.body)
    assert event.status is None
    stage.facts[call.id] = {"status": "ended"}
    snapshot = await vapi.look_up(call.id)
    assert snapshot is not None
    assert snapshot.events[0].failure is FailureClass.UNKNOWN


@pytest.mark.parametrize("kind", ["transcript", "speech-update", "hang", "call.deleted", "", 7])
async def test_other_messages_are_not_about_the_status(
    stage: VapiStage, vapi: VapiProvider, call: FarCall, kind: object
) -> None:
    told = stage.message(call, type=kind, status="ringing")
    assert vapi.read(told.headers, told.body) == ()


_CALL = {"id": "0190b5c4-2222-7c3e-9d44-5f7d3c1e0009"}
_LIMITS = {"subscriptionLimits": {"concurrencyBlocked": True, "concurrencyLimit": 10}}
_FAILED = {"customer": {"number": NUMBER}, "error": "Over Concurrency Limit"}
_OTHER = {"customer": {"number": NUMBER}, "error": f"{NUMBER} is odd"}
_NEVER = "call.start.error-subscription-concurrency-limit-reached"


@pytest.mark.parametrize(
    ("http_status", "content", "failure"),
    [
        (400, {"error": "Over Concurrency Limit"}, FailureClass.THROTTLED),
        (400, {"message": "Over Concurrency Limit"}, FailureClass.THROTTLED),
        (400, {"message": ["customer.number is odd"]}, FailureClass.MISCONFIGURED),
        (402, {"message": "No credits"}, FailureClass.MISCONFIGURED),
        (429, {"message": "Rate limit exceeded"}, FailureClass.THROTTLED),
        (500, {"error": "Over Concurrency Limit"}, FailureClass.UNKNOWN),
        (201, {"results": [], "errors": [_FAILED]}, FailureClass.THROTTLED),
        (201, {"results": [], "errors": [_OTHER]}, FailureClass.UNAVAILABLE),
        (201, {"results": [], "errors": [], **_LIMITS}, FailureClass.THROTTLED),
        (201, {**_LIMITS}, FailureClass.THROTTLED),
        (201, {**_CALL, "status": "ended", "endedReason": _NEVER}, FailureClass.THROTTLED),
        (201, {"results": [], "errors": []}, FailureClass.UNKNOWN),
        (200, {"id": "call-1"}, FailureClass.UNKNOWN),
    ],
)
async def test_what_an_answer_without_a_call_means(
    stage: VapiStage,
    vapi: VapiProvider,
    monkeypatch: pytest.MonkeyPatch,
    http_status: int,
    content: dict[str, Any],
    failure: FailureClass,
) -> None:
    monkeypatch.setattr(stage, "created", lambda call: json_answer(content, http_status))
    with pytest.raises(ProviderError) as caught:
        await vapi.place(stage.order())
    assert caught.value.failure is failure
    assert isinstance(caught.value, PlacementUnknown) == (failure is FailureClass.UNKNOWN)
    assert NUMBER not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        {"results": [_CALL], "errors": [_OTHER], **_LIMITS},
        {**_CALL, "status": "queued", **_LIMITS},
        {**_CALL, "status": "ended", "endedReason": "customer-busy"},
    ],
)
async def test_a_call_with_an_id_may_go_on(
    stage: VapiStage,
    vapi: VapiProvider,
    monkeypatch: pytest.MonkeyPatch,
    content: dict[str, Any],
) -> None:
    monkeypatch.setattr(stage, "created", lambda call: json_answer(content, 201))
    placed = await vapi.place(stage.order())
    assert placed.provider_call_id == _CALL["id"]


async def test_what_is_ordered(stage: VapiStage, vapi: VapiProvider) -> None:
    settings = {"voicemailDetection": {"provider": "vapi"}, "variableValues": {"shop": "North"}}
    await vapi.place(stage.order(recording=True, agent_settings=settings))
    (call,) = stage.calls.values()
    overrides = call.order["assistantOverrides"]
    assert overrides["variableValues"] == {"shop": "North", "first_name": "Ada"}
    assert overrides["voicemailDetection"] == {"provider": "vapi"}
    assert overrides["maxDurationSeconds"] == 600
    assert overrides["artifactPlan"] == {"recordingEnabled": True}
    assert overrides["monitorPlan"] == {"controlEnabled": True}
    assert call.order["customer"]["externalId"] == stage.order().call_id


async def test_a_long_id_of_ours_travels_in_the_metadata(
    stage: VapiStage, vapi: VapiProvider
) -> None:
    await vapi.place(stage.order(call_id="c" * 41))
    (call,) = stage.calls.values()
    assert "externalId" not in call.order["customer"]
    found = await vapi.find("c" * 41, to=NUMBER, since=SINCE)
    assert found is not None
    assert found.provider_call_id == call.id


async def test_a_caller_id_has_an_id_at_vapi(stage: VapiStage) -> None:
    ids = {"phone_number_ids": {"+12025550999": "0190b5c4-4444-7c3e-9d44-5f7d3c1e0009"}}
    async with connected(VapiProvider, stage, options=ids) as vapi:
        await vapi.place(stage.order())
        (call,) = stage.calls.values()
        assert call.order["phoneNumberId"] == ids["phone_number_ids"]["+12025550999"]
        with pytest.raises(Misconfigured, match="phone_number_id"):
            await vapi.place(stage.order(caller_id="+12025550111"))
        assert stage.creates == 1


async def test_find_turns_the_pages(
    stage: VapiStage, vapi: VapiProvider, call: FarCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(120):
        other = FarCall(f"0190b5c4-5555-7c3e-9d44-{number:012x}", NUMBER, None)
        other.order = {"customer": {"number": NUMBER, "externalId": f"other-{number}"}}
        stage.calls[other.id] = other
        made = NOW + timedelta(seconds=number + 1)
        stage.facts[other.id] = {"createdAt": made.isoformat()}
    found = await vapi.find(stage.order().call_id, to=NUMBER, since=SINCE)
    assert found is not None
    assert found.provider_call_id == call.id
    full = [stage.shown(call)] * 100
    monkeypatch.setattr(stage, "_listed", lambda query: full)
    with pytest.raises(Unavailable):
        await vapi.find("our-9", to=NUMBER, since=SINCE)


async def test_a_call_that_cannot_be_controlled_yet(
    stage: VapiStage, vapi: VapiProvider, call: FarCall
) -> None:
    stage.facts[call.id] = {"monitor": {}}
    with pytest.raises(Unavailable):
        await vapi.end(call.id)


def _signed(delivery: Delivery, timestamp: str) -> dict[str, str]:
    signed = timestamp.encode() + b"." + delivery.body
    signature = hmac.digest(SECRET.encode(), signed, hashlib.sha256).hex()
    return {"x-signature": signature, "x-timestamp": timestamp}


@pytest.mark.parametrize("scale", [1, 1000], ids=["seconds", "milliseconds"])
async def test_an_hmac_credential_signs_body_and_time(stage: VapiStage, scale: int) -> None:
    options = stage.options() | {"credential_id": "cred-1"}
    async with connected(VapiProvider, stage, options=options) as vapi:
        await vapi.place(stage.order())
        (call,) = stage.calls.values()
        server = call.order["assistantOverrides"]["server"]
        assert (server["credentialId"], "headers" in server) == ("cred-1", False)
        told = stage.message(call, type="status-update", status="ringing")
        headers = _signed(told, str(int(NOW.timestamp()) * scale))
        assert vapi.receive(headers, told.body, told.url, NOW)
        refused = [
            (headers, told.body + b" ", NOW),
            (headers | {"x-signature": ""}, told.body, NOW),
            (headers, told.body, NOW + timedelta(minutes=5, seconds=1)),
            (headers, told.body, NOW - timedelta(minutes=5, seconds=1)),
            (_signed(told, "nan"), told.body, NOW),
            ({"X-Vapi-Secret": SECRET}, told.body, NOW),
        ]
        for given, body, now in refused:
            with pytest.raises(WebhookRefused):
                vapi.receive(given, body, told.url, now)


async def test_an_address_list_is_one_more_lock(stage: VapiStage) -> None:
    allowed = {"allowed_addresses": ["203.0.113.0/24"], "address_header": "X-Real-IP"}
    async with connected(VapiProvider, stage, options=stage.options() | allowed) as vapi:
        await vapi.place(stage.order())
        (call,) = stage.calls.values()
        told = stage.message(call, type="status-update", status="ringing")
        good = told.headers | {"x-real-ip": "198.51.100.1, 203.0.113.9"}
        assert vapi.receive(good, told.body, told.url, NOW)
        for address in ("198.51.100.1", "203.0.113.9, 198.51.100.1", "", "home"):
            with pytest.raises(WebhookRefused):
                vapi.receive(told.headers | {"x-real-ip": address}, told.body, told.url, NOW)
