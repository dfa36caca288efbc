"""Webhooks in the formats of Voxpria, BuildVoiceAI and VozAgent: their bytes, and whether our own
adapters, who read these systems' webhooks, understand them."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from outdial.domain.call.status import CallStatus
from outdial.domain.endpoint import EventType
from outdial.providers.adapters.buildvoiceai.webhook import BuildVoiceAIWebhooks
from outdial.providers.adapters.voxpria.webhook import VoxpriaWebhooks
from outdial.providers.adapters.vozagent.webhook import VozAgentWebhooks
from outdial.providers.port import LineConfig, WebhookReader
from outdial.webhook_formats.catalog import WEBHOOK_FORMATS
from outdial.webhook_formats.port import Message
from tests.webhook_formats.events import (
    CAMPAIGN,
    ENDED,
    NOW,
    RANG,
    SECRET,
    call_event,
    endpoint,
    event,
)

LINE = LineConfig(name="main", credentials={"webhook_secret": SECRET})
READERS: dict[str, WebhookReader] = {
    "voxpria": VoxpriaWebhooks(LINE),
    "buildvoiceai": BuildVoiceAIWebhooks(LINE),
    "vozagent": VozAgentWebhooks(LINE),
}
FAILS = {"no_answer": "no_answer", "busy": "busy", "failed": "failed", "canceled": "failed"}


def written(scheme: str, kind: str, **changes: Any) -> Message | None:
    return WEBHOOK_FORMATS[scheme].write(call_event(kind, **changes), endpoint(scheme), NOW)


def body_of(message: Message | None) -> dict[str, object]:
    assert message is not None
    return dict(json.loads(message.body))


def test_voxpria_signs_what_node_would_write() -> None:
    message = written("voxpria", "completed")
    assert message is not None
    assert message.body == (
        '{"event":"call.completed","timestamp":"2026-11-20T15:00:30Z","data":{'
        '"callId":"0c5b6d3e-7a34-4d0f-9c3c-2f4b8f1f9a11","status":"completed","duration":127,'
        '"toNumber":"+14155550123","agentId":"front-desk","recording":"https://example.com/r/1",'
        '"transcript":"Agent: Grüß Gott – “hello”.\\nPerson: Yes."}}'
    )
    expected = hmac.new(SECRET.encode(), message.body.encode(), hashlib.sha256).hexdigest()
    assert message.headers["x-voxpria-signature"] == f"sha256={expected}"
    READERS["voxpria"].verify(message.headers, message.body.encode(), "", NOW)


def test_voxpria_has_campaign_events() -> None:
    finished = event("campaign.finished", CAMPAIGN)
    body = body_of(WEBHOOK_FORMATS["voxpria"].write(finished, endpoint("voxpria"), NOW))
    assert (body["event"], body["data"]) == (
        "campaign.finished",
        {"id": "reminders", "name": "reminders", "status": "finished"},
    )


@pytest.mark.parametrize("scheme", ["buildvoiceai", "vozagent"])
def test_standard_headers_where_a_scheme_is_unknown(scheme: str) -> None:
    message = written(scheme, "completed")
    assert message is not None
    assert message.headers["webhook-id"] == "evt_1"
    signature = Webhook(SECRET).sign("evt_1", NOW, message.body)
    assert message.headers["webhook-signature"] == signature


def test_buildvoiceai_has_the_members_of_both_renditions() -> None:
    body = body_of(written("buildvoiceai", "completed"))
    assert (
        body.items()
        >= {
            "event": "call.completed",
            "call_id": ENDED["id"],
            "status": "completed",
            "direction": "outbound",
            "phone_number": "+14155550123",
            "to_number": "+14155550123",
            "duration_seconds": 127,
            "cost_cents": 40,
            "summary": "All fine.",
            "started_at": "2026-11-20T15:00:00Z",
            "ended_at": "2026-11-20T15:00:27Z",
        }.items()
    )
    assert body["metadata"] == {"order": 4711}
    assert body["transcript"] == [
        {"role": "agent", "content": "Grüß Gott – “hello”."},
        {"role": "human", "content": "Yes."},
    ]


@pytest.mark.parametrize("scheme", READERS)
@pytest.mark.parametrize(
    ("kind", "status"),
    [("in_progress", "in_progress"), ("completed", "completed"), *FAILS.items()],
)
def test_our_adapters_understand_them(scheme: str, kind: str, status: str) -> None:
    message = written(scheme, kind)
    if scheme == "vozagent" and kind in FAILS:
        assert message is None  # it has no event for a call that failed
        return
    assert message is not None
    first = READERS[scheme].read(message.body.encode(), "", NOW)[0]
    assert (first.provider_call_id, first.status) == (ENDED["id"], CallStatus(status))
    if kind == "completed":
        assert first.duration_seconds == 127


@pytest.mark.parametrize("scheme", ["voxpria", "buildvoiceai"])
@pytest.mark.parametrize(("kind", "status"), FAILS.items())
def test_a_call_that_only_rang_tells_of_no_talk(scheme: str, kind: str, status: str) -> None:
    message = written(scheme, kind, **RANG)
    assert message is not None
    (first,) = READERS[scheme].read(message.body.encode(), "", NOW)
    assert first.status is CallStatus(status)
    assert not first.duration_seconds
    assert not first.transcript
    assert first.recording_url is None


@pytest.mark.parametrize("scheme", READERS)
def test_what_a_scheme_has_no_event_for_is_not_sent(scheme: str) -> None:
    for kind in ("initiating", "ringing"):
        assert written(scheme, kind) is None
    paused = event(EventType.CAMPAIGN_RESUMED.value, CAMPAIGN)
    assert WEBHOOK_FORMATS[scheme].write(paused, endpoint(scheme), NOW) is None


@pytest.mark.parametrize("scheme", READERS)
def test_test_events_hold_nothing_of_a_call(scheme: str) -> None:
    test_event = event("test", {"endpoint": "ep_1", "test": True})
    message = WEBHOOK_FORMATS[scheme].write(test_event, endpoint(scheme), NOW)
    assert message is not None
    assert READERS[scheme].read(message.body.encode(), "", NOW) == ()


def test_requests_that_ended_without_a_call() -> None:
    """They have no attempt, so many members are not there."""
    lean = {name: ENDED[name] for name in ("id", "to", "agent", "contact_id", "context")}
    ended = event("call.failed", lean | {"status": "failed", "detail": "nobody has it"})
    for scheme in ("voxpria", "buildvoiceai"):
        message = WEBHOOK_FORMATS[scheme].write(ended, endpoint(scheme), NOW)
        assert message is not None
        (first,) = READERS[scheme].read(message.body.encode(), "", NOW)
        assert first.status is CallStatus.FAILED


@pytest.mark.parametrize(
    ("before", "sent"),
    [("2026-12-01T15:00:00+00:00", True), ("2026-12-02T15:00:00+00:00", False), (None, False)],
)
def test_vozagent_has_changes_of_time_only(before: str | None, sent: bool) -> None:
    """A change of an appointment's status is no `appointment.rescheduled`."""
    data = {"id": "a1", "starts_at": "2026-12-02T15:00:00+00:00", "before_starts_at": before}
    message = WEBHOOK_FORMATS["vozagent"].write(
        event("appointment.changed", data), endpoint("vozagent"), NOW
    )
    assert (message is not None) == sent


def test_buildvoiceai_has_whole_cents_and_an_agents_name() -> None:
    completed = call_event("completed", agent_name="Front Desk", cost=0.4066)
    body = body_of(WEBHOOK_FORMATS["buildvoiceai"].write(completed, endpoint("buildvoiceai"), NOW))
    assert (body["cost_cents"], type(body["cost_cents"])) == (41, int)
    assert (body["agent_id"], body["agent_name"]) == ("front-desk", "Front Desk")
