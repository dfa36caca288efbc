"""What Voxanne tells of a call: in its details, and in signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import (
    BOOKED,
    CALL_ME_LATER,
    OPTED_OUT,
    AnsweredBy,
    CallStatus,
    FailureClass,
)
from outdial.providers.adapters.voxanne.client import VoxanneProvider
from outdial.providers.adapters.voxanne.webhook import DISPOSITIONS, ENDED_REASON, OUTCOME, STATUS
from outdial.providers.errors import WebhookRefused
from tests.providers.bearer import BEGAN, ENDED, SECRET
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import json_answer
from tests.providers.contract.stage import HOOK, NOW, iso
from tests.providers.voxanne.stage import VoxanneStage


@pytest.fixture
async def stage() -> AsyncIterator[VoxanneStage]:
    async with running(VoxanneStage) as stage:
        yield stage


@pytest.fixture
async def provider(stage: VoxanneStage) -> AsyncIterator[VoxanneProvider]:
    async with connected(VoxanneProvider, stage) as provider:
        yield provider


def reported(stage: VoxanneStage, provider: VoxanneProvider, content: Any) -> list[CallEvent]:
    delivery = stage.posted(content)
    return list(receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW))


def ended(stage: VoxanneStage, provider: VoxanneProvider, **call: Any) -> CallEvent:
    """The status told by a `call.ended`."""
    return reported(stage, provider, {"type": "call.ended", "call": {"id": "c-1", **call}})[0]


STATUSES = [
    ("queued", CallStatus.QUEUED),
    ("scheduled", CallStatus.QUEUED),
    ("ringing", CallStatus.RINGING),
    ("in_progress", CallStatus.IN_PROGRESS),
    ("in-progress", CallStatus.IN_PROGRESS),
    ("answered", CallStatus.IN_PROGRESS),
    ("forwarding", CallStatus.IN_PROGRESS),
    ("completed", CallStatus.COMPLETED),
    ("transferred", CallStatus.COMPLETED),
    ("voicemail", CallStatus.COMPLETED),
    ("no_answer", CallStatus.NO_ANSWER),
    ("missed", CallStatus.NO_ANSWER),
    ("busy", CallStatus.BUSY),
    ("failed", CallStatus.FAILED),
    ("error", CallStatus.FAILED),
    ("ended", CallStatus.FAILED),
    ("cancelled", CallStatus.CANCELED),
    ("canceled", CallStatus.CANCELED),
    ("levitating", None),
]


@pytest.mark.parametrize(("word", "status"), STATUSES)
async def test_every_status_of_a_look_up(
    stage: VoxanneStage,
    provider: VoxanneProvider,
    monkeypatch: pytest.MonkeyPatch,
    word: str,
    status: CallStatus | None,
) -> None:
    shown = {"id": "c-1", "status": word}
    monkeypatch.setattr(stage, "answer", lambda request: json_answer(shown))
    snapshot = await provider.look_up("c-1")
    assert snapshot is not None
    assert [event.status for event in snapshot.events] == ([status] if status else [])
    for event in snapshot.events:
        assert event.event_id == f"c-1/{status}"
        assert (event.answered_by is AnsweredBy.MACHINE) == (word == "voicemail")
        unclear = FailureClass.UNKNOWN if word == "ended" else FailureClass.UNAVAILABLE
        assert event.failure == (unclear if status is CallStatus.FAILED else None)


REASONS = [
    ("customer-ended-call", CallStatus.COMPLETED, None),
    ("assistant-ended-call", CallStatus.COMPLETED, None),
    ("assistant-said-end-call-phrase", CallStatus.COMPLETED, None),
    ("assistant-ended-call-with-hangup-task", CallStatus.COMPLETED, None),
    ("assistant-ended-call-after-message-spoken", CallStatus.COMPLETED, None),
    ("assistant-forwarded-call", CallStatus.COMPLETED, None),
    ("exceeded-max-duration", CallStatus.COMPLETED, None),
    ("silence-timed-out", CallStatus.COMPLETED, None),
    ("voicemail", CallStatus.COMPLETED, None),
    ("customer-busy", CallStatus.BUSY, None),
    ("customer-did-not-answer", CallStatus.NO_ANSWER, None),
    ("manually-canceled", CallStatus.CANCELED, None),
    ("twilio-failed-to-connect-call", CallStatus.FAILED, FailureClass.UNAVAILABLE),
    ("call.start.error-get-phone-number", CallStatus.FAILED, FailureClass.UNAVAILABLE),
    ("call.in-progress.error-pipeline", CallStatus.FAILED, FailureClass.UNKNOWN),
    ("levitated", CallStatus.FAILED, FailureClass.UNKNOWN),
]


@pytest.mark.parametrize(("reason", "status", "failure"), REASONS)
async def test_every_reason_of_an_end(
    stage: VoxanneStage,
    provider: VoxanneProvider,
    reason: str,
    status: CallStatus,
    failure: FailureClass | None,
) -> None:
    end = ended(stage, provider, status="ended", endedReason=reason)
    assert (end.status, end.failure, end.detail) == (status, failure, reason)
    assert (end.answered_by is AnsweredBy.MACHINE) == (reason == "voicemail")


async def test_an_end_that_says_nothing_else_is_a_normal_one(
    stage: VoxanneStage, provider: VoxanneProvider
) -> None:
    assert ended(stage, provider).status is CallStatus.COMPLETED
    assert ended(stage, provider, status="in-progress").status is CallStatus.COMPLETED


OUTCOMES = {
    "completed": (CallStatus.COMPLETED, None),
    "demo_booked": (CallStatus.COMPLETED, BOOKED),
    "interested": (CallStatus.COMPLETED, "interested"),
    "callback_scheduled": (CallStatus.COMPLETED, CALL_ME_LATER),
    "not_interested": (CallStatus.COMPLETED, "not_interested"),
    "wrong_number": (CallStatus.COMPLETED, "wrong_number"),
    "do_not_call": (CallStatus.COMPLETED, OPTED_OUT),
    "hangup": (CallStatus.COMPLETED, None),
    "voicemail": (CallStatus.COMPLETED, None),
    "no_answer": (CallStatus.NO_ANSWER, None),
    "busy": (CallStatus.BUSY, None),
    "failed": (CallStatus.FAILED, None),
    "error": (CallStatus.FAILED, None),
    "cancelled": (CallStatus.CANCELED, None),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_every_outcome(stage: VoxanneStage, provider: VoxanneProvider, outcome: str) -> None:
    status, disposition = OUTCOMES[outcome]
    call = {"id": "c-1", "status": "ended", "outcome": outcome}
    events = reported(stage, provider, {"type": "call.ended", "call": call})
    assert events[0].status is status
    assert [event.disposition for event in events[1:]] == ([disposition] if disposition else [])


def test_no_word_is_left_out() -> None:
    assert {word for word, status in STATUSES if status} == set(STATUS.rows)
    assert {word for word, _, _ in REASONS} >= set(ENDED_REASON.rows)
    assert set(OUTCOME.rows) == set(OUTCOMES)
    assert set(DISPOSITIONS) <= set(OUTCOMES)


async def test_a_machine_is_one_whoever_says_so(
    stage: VoxanneStage, provider: VoxanneProvider
) -> None:
    by_reason = ended(stage, provider, endedReason="voicemail", outcome="completed")
    by_outcome = ended(stage, provider, endedReason="customer-ended-call", outcome="voicemail")
    assert by_reason.answered_by is by_outcome.answered_by is AnsweredBy.MACHINE


async def test_what_comes_with_the_end(stage: VoxanneStage, provider: VoxanneProvider) -> None:
    call = {"id": "c-1", "startedAt": iso(BEGAN), "endedAt": iso(ENDED), "cost": 0.2}
    content = {
        "type": "call.ended",
        "call": call,
        "transcript": "AI: Hello.",
        "recordingUrl": "https://recordings.example.com/1.mp3",
        "analysis": {"summary": "Confirmed.", "sentiment": "positive"},
    }
    end, analysis = reported(stage, provider, content)
    assert (end.at, end.duration_seconds) == (ENDED, 127)
    assert (analysis.kind, analysis.transcript) == (EventKind.ANALYSIS, "AI: Hello.")
    assert (analysis.recording_url, analysis.cost) == (content["recordingUrl"], 0.2)
    assert analysis.structured == {"summary": "Confirmed.", "sentiment": "positive"}
    later = reported(stage, provider, content | {"type": "end-of-call-report"})
    assert [event.event_id for event in later] == [analysis.event_id]


async def test_an_appointment_is_an_analysis_of_its_call(
    stage: VoxanneStage, provider: VoxanneProvider
) -> None:
    for content in (
        {"appointment": {"id": "a-1", "call_id": "c-1"}},
        {"appointment": {"id": "a-1"}, "call": {"id": "c-1"}},
    ):
        (event,) = reported(stage, provider, {"type": "appointment.booked", **content})
        assert (event.kind, event.disposition) == (EventKind.ANALYSIS, BOOKED)
        assert event.provider_call_id == "c-1"
    alone = {"type": "appointment.booked", "appointment": {"id": "a-1"}}
    assert reported(stage, provider, alone) == []


@pytest.mark.parametrize("kind", ["function-call", "status-update", "call.transcribed", None])
async def test_what_says_nothing_of_a_call(
    stage: VoxanneStage, provider: VoxanneProvider, kind: str | None
) -> None:
    assert reported(stage, provider, {"type": kind, "call": {"id": "c-1"}}) == []


BODY = b'{"type": "call.ended", "call": {"id": "c-1"}}'


def signature(signed: bytes) -> str:
    return hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


def test_a_sender_that_knows_the_reference_alone_signs_the_body(provider: VoxanneProvider) -> None:
    headers = {"x-vapi-signature": signature(BODY)}
    assert receive_webhook(provider, headers, BODY, HOOK, NOW + timedelta(days=1))
    with pytest.raises(WebhookRefused):
        receive_webhook(provider, headers, BODY.replace(b"c-1", b"c-2"), HOOK, NOW)


@pytest.mark.parametrize("timestamp", ["", "0", str(int(NOW.timestamp()) + 1), "soon", "1" * 400])
def test_a_timestamp_can_neither_be_taken_out_nor_changed(
    provider: VoxanneProvider, timestamp: str
) -> None:
    second = str(int(NOW.timestamp()))
    signed = signature(second.encode() + b"." + BODY)
    genuine = {"x-vapi-signature": signed, "x-vapi-timestamp": second}
    assert receive_webhook(provider, genuine, BODY, HOOK, NOW)
    with pytest.raises(WebhookRefused):
        receive_webhook(provider, genuine | {"x-vapi-timestamp": timestamp}, BODY, HOOK, NOW)


def test_a_time_that_is_none_is_refused_though_it_was_signed(provider: VoxanneProvider) -> None:
    headers = {"x-vapi-signature": signature(b"soon." + BODY), "x-vapi-timestamp": "soon"}
    with pytest.raises(WebhookRefused, match="time"):
        receive_webhook(provider, headers, BODY, HOOK, NOW)
