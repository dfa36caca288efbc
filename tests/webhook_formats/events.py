"""Events as they stand in the outbox, for those who write them in another format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from outdial.domain.endpoint import Endpoint
from outdial.webhook_formats.port import Event, read_event

NOW = datetime(2026, 11, 20, 15, 0, 30, tzinfo=UTC)
SECRET = "whsec_c2lnbmVkIGJ5IHRoZSB0ZXN0cw=="
ENDED: dict[str, Any] = {
    "id": "0c5b6d3e-7a34-4d0f-9c3c-2f4b8f1f9a11",
    "attempt_id": "a1",
    "attempt": 1,
    "campaign": "direct",
    "to": "+14155550123",
    "from": "+12025550100",
    "line": "simulated",
    "agent": "front-desk",
    "contact_id": "c1",
    "status": "completed",
    "outcome": "completed",
    "disposition": None,
    "answered_by": "human",
    "failure": None,
    "detail": None,
    "created_at": "2026-11-20T14:59:50+00:00",
    "answered_at": "2026-11-20T15:00:00.250000+00:00",
    "ended_at": "2026-11-20T15:00:27.500000+00:00",
    "duration_seconds": 127.0,
    "cost": 0.4,
    "recording_url": "https://example.com/r/1",
    "transcript": "Agent: Grüß Gott – “hello”.\nPerson: Yes.",
    "structured": {"summary": "All fine."},
    "context": {"1": "first", "metadata": {"order": 4711}},
    "final": True,
}
NEVER_ANSWERED: dict[str, Any] = {
    "answered_by": None,
    "answered_at": None,
    "duration_seconds": None,
    "cost": None,
    "recording_url": None,
    "transcript": None,
    "structured": {},
}
"""What the store has of a call that nobody answered."""
RANG: dict[str, Any] = {
    "duration_seconds": 12.0,
    "transcript": "Agent: Grüß Gott.",
    "recording_url": "https://example.com/r/2",
}
"""What it may have all the same: ringing that was measured, a greeting to a telephone that rang."""
CAMPAIGN = {"campaign": "reminders", "state": "finished", "launch": 1, "reason": None}


def event(kind: str, data: dict[str, Any]) -> Event:
    payload = json.dumps({"type": kind, "timestamp": NOW.isoformat(), "data": data})
    return read_event("evt_1", payload)


def call_event(kind: str, **changes: Any) -> Event:
    status = {"initiating": "queued"}.get(kind, kind)
    data = ENDED if kind in ("in_progress", "completed") else ENDED | NEVER_ANSWERED
    return event(f"call.{kind}", data | {"status": status, "outcome": status} | changes)


def endpoint(scheme: str) -> Endpoint:
    return Endpoint(
        id="ep_1",
        tenant="default",
        url="https://example.com/hooks",
        scheme=scheme,
        secret=SECRET,
        created_at=NOW,
        updated_at=NOW,
    )
