"""How a call at Vapi goes: statuses and reasons, messages and look-ups."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.adapters.vapi.client import VapiProvider
from outdial.providers.adapters.vapi.webhook import ending_of
from outdial.providers.reports.status_map import Meaning
from tests.providers.contract.reference import rows
from tests.providers.contract.stage import NOW, NUMBER, FarCall
from tests.providers.vapi.stage import VapiStage

SINCE = NOW - timedelta(minutes=1)
SPEC = json.loads(Path(__file__).with_name("openapi.json").read_text())
ENDED_REASONS: list[str] = SPEC["components"]["schemas"]["Call"]["properties"]["endedReason"][
    "enum"
]


@pytest.mark.parametrize(("word", "meaning"), rows("vapi", "status"))
async def test_every_status(
    stage: VapiStage, vapi: VapiProvider, call: FarCall, word: str, meaning: Meaning
) -> None:
    delivery = stage.message(call, type="status-update", status=word)
    (event,) = vapi.webhooks.read(delivery.body, delivery.url, NOW)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    stage.facts[call.id] = {"status": word}
    snapshot = await vapi.look_up(call.id)
    assert snapshot is not None
    assert [one.event_id for one in snapshot.events] == [event.event_id]


@pytest.mark.parametrize(("reason", "meaning"), rows("vapi", "endedReason_exact"))
async def test_every_named_reason(
    stage: VapiStage, vapi: VapiProvider, call: FarCall, reason: str, meaning: Meaning
) -> None:
    delivery = stage.message(call, type="status-update", status="ended", endedReason=reason)
    (event,) = vapi.webhooks.read(delivery.body, delivery.url, NOW)
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
        endings = [ending_of(reason, started=False) for reason in ENDED_REASONS]
    assert caplog.records == []
    assert all(meaning.status is not None for meaning in endings)


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        ("sip-outbound-unallocated-number", FailureClass.REJECTED),
        ("sip-outbound-carrier-released-call", FailureClass.UNAVAILABLE),
    ],
)
def test_reasons_newer_than_the_table(reason: str, failure: FailureClass) -> None:
    assert ending_of(reason, started=False).failure is failure


def test_a_reason_nobody_published_is_logged_and_unknown(caplog: pytest.LogCaptureFixture) -> None:
    assert ending_of("hangup", started=True).failure is FailureClass.UNKNOWN
    assert "endedReason: hangup" in caplog.text
    ending_of(f"called {NUMBER}", started=True)
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
    delivery = stage.message(call, type="end-of-call-report", **facts)
    end, analysis = vapi.webhooks.read(delivery.body, delivery.url, NOW)
    assert (end.status, end.answered_by) == (CallStatus.COMPLETED, AnsweredBy.MACHINE)
    assert end.duration_seconds == 60
    assert analysis.kind is EventKind.ANALYSIS
    assert (analysis.disposition, analysis.transcript, analysis.cost) == (
        "booked",
        "AI: Hello",
        0.12,
    )
    assert analysis.redial_at is not None
    assert analysis.redial_at.isoformat() == "2027-03-02T09:00:00+00:00"
    assert analysis.recording_url == "https://storage.example/1.wav"
    stage.facts[call.id] = facts
    snapshot = await vapi.look_up(call.id)
    assert snapshot is not None
    polled = [event.event_id for event in snapshot.events]
    assert polled == [end.event_id, analysis.event_id]


async def test_an_end_for_no_reason_is_left_to_the_report(
    stage: VapiStage, vapi: VapiProvider, call: FarCall
) -> None:
    delivery = stage.message(call, type="status-update", status="ended")
    (event,) = vapi.webhooks.read(delivery.body, delivery.url, NOW)
    assert event.status is None
    report = stage.message(call, type="end-of-call-report", endedReason="customer-busy")
    assert event.event_id not in [
        e.event_id for e in vapi.webhooks.read(report.body, report.url, NOW)
    ]
    stage.facts[call.id] = {"status": "ended"}
    snapshot = await vapi.look_up(call.id)
    assert snapshot is not None
    assert snapshot.events[0].failure is FailureClass.UNKNOWN


async def test_structured_outputs_are_what_was_extracted(
    stage: VapiStage, vapi: VapiProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    outputs = {
        "0190-1": {"name": "disposition", "result": "booked"},
        "0190-2": {"name": "visit", "result": {"reason": "pain", "call_at": "10:30"}},
        "0190-3": {"name": "empty", "result": None},
    }
    facts = {"artifact": {"structuredOutputs": outputs}, "endedReason": "customer-ended-call"}
    delivery = stage.message(call, type="end-of-call-report", **facts)
    _, analysis = vapi.webhooks.read(delivery.body, delivery.url, NOW)
    assert analysis.disposition == "booked"
    assert analysis.structured == {
        "disposition": "booked",
        "visit": {"reason": "pain", "call_at": "10:30"},
        "reason": "pain",
        "call_at": "10:30",
    }
    stage.facts[call.id] = facts
    snapshot = await vapi.look_up(call.id)
    assert snapshot is not None
    assert snapshot.events[-1].structured == analysis.structured


@pytest.mark.parametrize("kind", ["transcript", "speech-update", "hang", "call.deleted", "", 7])
async def test_other_messages_are_not_about_the_status(
    stage: VapiStage, vapi: VapiProvider, call: FarCall, kind: object
) -> None:
    delivery = stage.message(call, type=kind, status="ringing")
    assert vapi.webhooks.read(delivery.body, delivery.url, NOW) == ()
