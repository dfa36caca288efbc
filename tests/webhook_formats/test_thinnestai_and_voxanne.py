"""Webhooks in the schemes of thinnestAI and Voxanne, byte for byte."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from outdial.api.compat.voxanne.models.appointments import Appointment
from outdial.domain.endpoint import Endpoint, EventType
from outdial.providers.adapters.thinnestai import webhook as thinnestai
from outdial.providers.adapters.voxanne import webhook as voxanne
from outdial.webhook_formats.port import read_event
from outdial.webhook_formats.thinnestai import ThinnestAIWebhooks
from outdial.webhook_formats.voxanne import VoxanneWebhooks

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
SECRET = "whsec_c2lnbmVkIGJ5IHRoZSB0ZXN0cw=="
TO = Endpoint(
    id="ep_1",
    tenant="default",
    url="https://your-app.com/call-events",
    secret=SECRET,
    created_at=NOW,
    updated_at=NOW,
)
CALL: dict[str, Any] = {
    "id": "call-1",
    "to": "+14155551234",
    "agent": "agent_xyz",
    "status": "completed",
    "outcome": "completed",
    "duration_seconds": 61.0,
    "cost": 0.0915,
    "answered_at": "2026-11-24T17:58:00+00:00",
    "ended_at": "2026-11-24T17:59:01+00:00",
    "transcript": "Agent: Grüße 👋",
    "recording_url": None,
    "context": {"order_id": "ORD-123"},
}


BOOKED: dict[str, Any] = {
    "id": "apt_1", "calendar": "appointments", "phone": "+14155551234", "title": "Consultation",
    "status": "confirmed", "starts_at": "2026-12-01T15:00:00+00:00",
    "ends_at": "2026-12-01T15:45:00+00:00", "before_starts_at": None, "call_id": None,
    "campaign": None, "notes": None, "details": {"customer_name": "Jane Doe"},
    "created_at": NOW.isoformat(), "updated_at": NOW.isoformat(), "contact_id": None,
    "contact_name": None, "contact_email": None,
}  # fmt: skip


def payload_of(kind: str, data: dict[str, Any]) -> str:
    return json.dumps({"type": kind, "timestamp": NOW.isoformat(), "data": data})


SEED_EVENTS = [
    (EventType.CALL_INITIATING, "call.initiating", "initiating"),
    (EventType.CALL_RINGING, "call.ringing", "ringing"),
    (EventType.CALL_IN_PROGRESS, "call.in_progress", "in_progress"),
    (EventType.CALL_COMPLETED, "call.completed", "completed"),
    (EventType.CALL_FAILED, "call.failed", "failed"),
    (EventType.CALL_NO_ANSWER, "call.no_answer", "no_answer"),
    (EventType.CALL_BUSY, "call.failed", "busy"),
    (EventType.CALL_CANCELED, "call.failed", "failed"),
]


@pytest.mark.parametrize(("kind", "word", "status"), SEED_EVENTS)
def test_38_thinnestai_names_its_events(kind: EventType, word: str, status: str) -> None:
    message = ThinnestAIWebhooks().write(read_event("evt_1", payload_of(kind, CALL)), TO, NOW)
    assert message is not None
    body = json.loads(message.body)
    assert (body["event"], body["call_id"], body["status"]) == (word, "call-1", status)
    assert body["timestamp"] == "2026-11-24T18:00:00Z"
    assert ("duration" in body) is (word in ("call.completed", "call.failed", "call.no_answer"))
    assert message.headers["x-webhook-event"] == word
    # Our own line at thinnestAI takes them for its account's.
    credentials = {"signing_secret": SECRET}
    thinnestai.verify(message.headers, message.body.encode(), "", NOW, credentials)


def test_thinnestai_has_no_other_events() -> None:
    event = read_event("evt_1", payload_of(EventType.CAMPAIGN_STARTED, {"campaign": "x"}))
    assert ThinnestAIWebhooks().write(event, TO, NOW) is None


VOXANNE = [
    (EventType.CALL_IN_PROGRESS, "call.started"),
    (EventType.CALL_COMPLETED, "call.ended"),
    (EventType.CALL_NO_ANSWER, "call.ended"),
    (EventType.CALL_BUSY, "call.ended"),
    (EventType.CALL_FAILED, "call.ended"),
    (EventType.CALL_CANCELED, "call.ended"),
]


@pytest.mark.parametrize(("kind", "word"), VOXANNE)
def test_63_voxanne_tells_of_calls(kind: EventType, word: str) -> None:
    message = VoxanneWebhooks().write(read_event("evt_1", payload_of(kind, CALL)), TO, NOW)
    assert message is not None
    body = json.loads(message.body)
    assert (body["type"], body["call"]["id"]) == (word, "call-1")
    expected = hmac.new(SECRET.encode(), message.body.encode(), hashlib.sha256).hexdigest()
    assert message.headers["x-vapi-signature"] == expected
    assert "x-vapi-timestamp" not in message.headers
    voxanne.verify(message.headers, message.body.encode(), SECRET, NOW)


def test_63_voxanne_tells_of_appointments() -> None:
    """By the members that the API's appointment has."""
    event = read_event("evt_1", payload_of(EventType.APPOINTMENT_BOOKED, BOOKED))
    message = VoxanneWebhooks().write(event, TO, NOW)
    assert message is not None
    sent = json.loads(message.body)
    assert sent["type"] == "appointment.booked"
    shown = sent["appointment"]
    assert shown.keys() >= Appointment.model_fields.keys()
    named = ("id", "service_type", "scheduled_at", "duration_minutes", "status", "contact_name")
    assert [shown[name] for name in named] == [
        "apt_1", "Consultation", "2026-12-01T15:00:00.000Z", 45, "confirmed", "Jane Doe",
    ]  # fmt: skip


def test_voxanne_knows_the_contacts_name() -> None:
    data = CALL | {"contact_name": "Jane Doe"}
    message = VoxanneWebhooks().write(
        read_event("evt_1", payload_of(EventType.CALL_COMPLETED, data)), TO, NOW
    )
    assert message is not None
    customer = json.loads(message.body)["call"]["customer"]
    assert customer == {"number": "+14155551234", "name": "Jane Doe"}


def test_thinnestai_writes_whole_seconds() -> None:
    data = CALL | {"duration_seconds": 61.4, "from": "+18005551234"}
    message = ThinnestAIWebhooks().write(
        read_event("evt_1", payload_of(EventType.CALL_COMPLETED, data)), TO, NOW
    )
    assert message is not None
    sent = json.loads(message.body)
    assert (sent["duration"], sent["from_number"]) == (61, "+18005551234")
    assert sent["timestamp"] == "2026-11-24T18:00:00Z"


def test_63_voxannes_bytes() -> None:
    """As JSON.stringify writes them: no spaces, whole numbers without a point, text as it is."""
    event = read_event("evt_1", payload_of(EventType.CALL_IN_PROGRESS, CALL))
    message = VoxanneWebhooks().write(event, TO, NOW)
    assert message is not None
    assert message.body == (
        '{"type":"call.started","call":{"id":"call-1","status":"in_progress","duration":61,'
        '"assistantId":"agent_xyz","customer":{"number":"+14155551234","name":null},'
        '"cost":0.0915,"endedReason":"completed","startedAt":"2026-11-24T17:58:00.000Z",'
        '"endedAt":"2026-11-24T17:59:01.000Z"}}'
    )


@pytest.mark.parametrize("kind", [EventType.CALL_RINGING, EventType.CAMPAIGN_FINISHED])
def test_63_voxanne_has_no_other_events(kind: EventType) -> None:
    assert VoxanneWebhooks().write(read_event("evt_1", payload_of(kind, CALL)), TO, NOW) is None
