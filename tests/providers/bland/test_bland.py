"""What is special about Bland."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.adapters.bland.client import BlandProvider
from outdial.providers.errors import ProviderError, Unavailable, Unsendable, WebhookRefused
from outdial.providers.reports.status_map import Meaning
from tests.providers.bland.stage import BlandStage
from tests.providers.contract.reference import answerers, rows
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import json_answer
from tests.providers.contract.stage import NOW, NUMBER, FarCall

SINCE = NOW - timedelta(minutes=1)


NEVER_TALKED = {"answered_by": None, "call_length": 0, "concatenated_transcript": ""}


@pytest.fixture
async def stage() -> AsyncIterator[BlandStage]:
    async with running(BlandStage) as stage:
        yield stage


@pytest.fixture
async def bland(stage: BlandStage) -> AsyncIterator[BlandProvider]:
    async with connected(BlandProvider, stage, clock=lambda: NOW) as provider:
        yield provider


@pytest.fixture
async def call(stage: BlandStage, bland: BlandProvider) -> FarCall:
    placed = await bland.place(stage.order())
    return stage.calls[placed.provider_call_id]


@pytest.mark.parametrize(("word", "meaning"), rows("bland", "queue_status"))
async def test_every_queue_status(
    stage: BlandStage, bland: BlandProvider, call: FarCall, word: str, meaning: Meaning
) -> None:
    stage.facts[call.id] = {"queue_status": word}
    snapshot = await bland.look_up(call.id)
    assert snapshot is not None
    event = snapshot.events[0]
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    assert event.call_id == stage.order().call_id


@pytest.mark.parametrize(("word", "meaning"), rows("bland", "status"))
async def test_every_status(
    stage: BlandStage, bland: BlandProvider, call: FarCall, word: str, meaning: Meaning
) -> None:
    stage.move(call, *stage.steps)
    stage.facts[call.id] = {"status": word} | ({} if word == "completed" else NEVER_TALKED)
    delivery = stage.webhook(stage.shown(call))
    event, analysis = receive_webhook(bland, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    snapshot = await bland.look_up(call.id)
    assert snapshot is not None
    assert [one.event_id for one in snapshot.events] == [event.event_id, analysis.event_id]


@pytest.mark.parametrize(("phrase", "meaning"), rows("bland", "error_message_contains"))
async def test_every_reason_of_a_failure(
    stage: BlandStage, bland: BlandProvider, call: FarCall, phrase: str, meaning: Meaning
) -> None:
    stage.move(call, *stage.steps)
    fields = {"status": "failed", "error_message": f"The number {phrase}, sorry."}
    stage.facts[call.id] = fields | NEVER_TALKED
    snapshot = await bland.look_up(call.id)
    assert snapshot is not None
    event = snapshot.events[0]
    assert (event.status, event.failure) == (meaning.status, meaning.failure)


@pytest.mark.parametrize(("word", "who"), answerers("bland", "answered_by"))
async def test_who_answered(
    stage: BlandStage, bland: BlandProvider, call: FarCall, word: str, who: AnsweredBy | None
) -> None:
    stage.move(call, *stage.steps)
    stage.facts[call.id] = {"answered_by": word}
    snapshot = await bland.look_up(call.id)
    assert snapshot is not None
    assert snapshot.events[0].answered_by is who


async def test_a_status_does_not_end_what_goes_on(
    stage: BlandStage, bland: BlandProvider, call: FarCall
) -> None:
    stage.move(call, CallStatus.IN_PROGRESS)
    stage.facts[call.id] = {"status": "unknown"}
    snapshot = await bland.look_up(call.id)
    assert snapshot is not None
    assert snapshot.status is CallStatus.IN_PROGRESS
    stage.facts[call.id] = {"status": "busy", "completed": True}
    snapshot = await bland.look_up(call.id)
    assert snapshot is not None
    assert snapshot.status is CallStatus.BUSY


async def test_nobody_answered_a_call_that_is_complete(
    stage: BlandStage, bland: BlandProvider, call: FarCall
) -> None:
    stage.facts[call.id] = {"queue_status": "complete", "answered_by": "no-answer"}
    snapshot = await bland.look_up(call.id)
    assert snapshot is not None
    assert snapshot.status is CallStatus.NO_ANSWER


async def test_the_talk_is_an_event_of_its_own(
    stage: BlandStage, bland: BlandProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    stage.facts[call.id] = {
        "concatenated_transcript": "user: Yes",
        "price": 0.09,
        "disposition_tag": "BOOKED",
        "recording_url": "https://storage.example/1.mp3",
        "call_length": 0.8,
    }
    delivery = stage.webhook(stage.shown(call))
    end, analysis = receive_webhook(bland, delivery.headers, delivery.body, delivery.url, NOW)
    # `corrected_duration`, 50 seconds here, has the ringing in it.
    assert (end.duration_seconds, end.at) == (48, NOW + timedelta(seconds=60))
    assert (analysis.kind, analysis.disposition, analysis.cost) == (
        EventKind.ANALYSIS,
        "BOOKED",
        0.09,
    )
    assert analysis.transcript == "user: Yes"
    stage.facts[call.id] |= {"corrected_duration": None, "analysis": {"disposition": "booked"}}
    delivery = stage.webhook(stage.shown(call))
    end, analysis = receive_webhook(bland, delivery.headers, delivery.body, delivery.url, NOW)
    assert (end.duration_seconds, analysis.disposition) == (48, "booked")


async def test_what_is_not_worked_up_yet_is_not_told(
    stage: BlandStage, bland: BlandProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    stage.facts[call.id] = {"queue_status": "started", "price": 0.01}
    snapshot = await bland.look_up(call.id)
    assert snapshot is not None
    assert [event.kind for event in snapshot.events] == [EventKind.STATUS]
    assert snapshot.status is CallStatus.COMPLETED


@pytest.mark.parametrize(
    "content",
    [
        {"event_type": "citations", "call_id": "c1"},
        {"message": "Call connected", "call_id": "c1", "category": "call", "log_level": "info"},
    ],
)
async def test_other_webhooks_are_not_about_the_status(
    stage: BlandStage, bland: BlandProvider, content: dict[str, Any]
) -> None:
    delivery = stage.webhook(content)
    assert receive_webhook(bland, delivery.headers, delivery.body, delivery.url, NOW) == ()


_ERROR = "error"
_DNC = (
    "Number found in DNC list. You cannot dial sensitive numbers. "
    "More attempts will result in being blocked."
)
_SOON = (
    "Calls can only be sent every 10 seconds to the same number. Please try again in a few seconds."
)
_NEW = "Rate limit exceeded for newly created accounts. Please try again soon."
_ABROAD = "International rate limit exceeded for your account type."
_COUNTRY = "Invalid phone number. Please include a country code if outside the US."
_LONG = f"Invalid phone number. `{NUMBER}` has these validation errors: too long"


@pytest.mark.parametrize(
    ("http_status", "status", "message", "failure"),
    [
        (429, _ERROR, "This number is blacklisted.", FailureClass.REJECTED),
        (429, _ERROR, _SOON, FailureClass.THROTTLED),
        (429, _ERROR, "Rate limit exceeded", FailureClass.THROTTLED),
        (429, _ERROR, _NEW, FailureClass.THROTTLED),
        (429, _ERROR, _ABROAD, FailureClass.THROTTLED),
        (429, _ERROR, "Something new", FailureClass.THROTTLED),
        (400, "DNC Error", "Something new", FailureClass.REJECTED),
        (400, "DNC Error", _DNC, FailureClass.REJECTED),
        (400, _ERROR, _COUNTRY, FailureClass.REJECTED),
        (400, _ERROR, _LONG, FailureClass.REJECTED),
        (400, _ERROR, "Invalid from number format", FailureClass.MISCONFIGURED),
        (402, _ERROR, "No balance", FailureClass.MISCONFIGURED),
        (403, _ERROR, "Flagged", FailureClass.MISCONFIGURED),
        (200, _ERROR, "Something new", FailureClass.MISCONFIGURED),
        (200, _ERROR, "This number is blacklisted.", FailureClass.REJECTED),
        (200, "success", "Call successfully queued.", FailureClass.UNKNOWN),
        (500, _ERROR, "This number is blacklisted.", FailureClass.UNKNOWN),
    ],
)
async def test_every_answer_without_a_call(
    stage: BlandStage,
    bland: BlandProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    http_status: int,
    status: str,
    message: str,
    failure: FailureClass,
) -> None:
    answer = json_answer({"status": status, "message": message}, http_status)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await bland.place(stage.order())
    assert caught.value.failure is failure
    assert NUMBER not in str(caught.value)
    assert NUMBER not in caplog.text


async def test_an_error_may_stand_alone(
    stage: BlandStage, bland: BlandProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json_answer({"error": "Invalid phone number format"}, 400)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await bland.place(stage.order())
    assert caught.value.failure is FailureClass.REJECTED


async def test_what_is_ordered(
    stage: BlandStage, bland: BlandProvider, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"task": "Remind people.", "voicemail": {"action": "hangup"}}
    await bland.place(stage.order(agent_settings=settings, recording=True, caller_id=None))
    (call,) = stage.calls.values()
    assert "pathway_id" not in call.order
    assert "from" not in call.order
    assert (call.order["max_duration"], call.order["record"]) == (10, True)
    assert call.order["request_data"] == {"first_name": "Ada"}
    assert caplog.records == []
    await bland.place(stage.order(max_duration=timedelta(seconds=59)))
    assert list(stage.calls.values())[1].order["max_duration"] == 1
    assert list(stage.calls.values())[1].order["pathway_id"] == "agent-1"


async def test_bland_may_not_call_again_by_itself(stage: BlandStage, bland: BlandProvider) -> None:
    with pytest.raises(Unsendable, match="retry"):
        await bland.place(stage.order(agent_settings={"retry": {"wait": 60}}))
    assert stage.requests == []


@pytest.mark.parametrize("lists_metadata", [True, False])
async def test_find_with_and_without_metadata_in_the_list(
    stage: BlandStage, bland: BlandProvider, call: FarCall, lists_metadata: bool
) -> None:
    stage.lists_metadata = lists_metadata
    await bland.place(stage.order(call_id="our-2"))
    await bland.place(stage.order(call_id="our-3", to="+12025550177"))
    snapshot = await bland.find(stage.order().call_id, to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert snapshot.provider_call_id == call.id
    assert await bland.find("our-9", to=NUMBER, since=SINCE) is None


async def test_find_does_not_guess_behind_a_full_list(
    stage: BlandStage, bland: BlandProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"total_count": 1001, "count": 0, "calls": []}
    monkeypatch.setattr(stage, "_listed", lambda query: listed)
    with pytest.raises(Unavailable):
        await bland.find("our-1", to=NUMBER, since=SINCE)


async def test_a_stop_that_fails_is_told(
    stage: BlandStage, bland: BlandProvider, call: FarCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "_stop", lambda call: {"status": "error", "message": "Not now."})
    with pytest.raises(Unavailable):
        await bland.end(call.id)


async def test_a_signature_is_not_a_plain_hash(stage: BlandStage, bland: BlandProvider) -> None:
    delivery = stage.webhook({"call_id": "c1"})
    for signature in ("", "0" * 64, "é"):
        headers = delivery.headers | {"X-Webhook-Signature": signature}
        with pytest.raises(WebhookRefused):
            receive_webhook(bland, headers, delivery.body, delivery.url, NOW)
