from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.adapters.simulated.webhook import SimulatedWebhooks, verify
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import LineConfig
from outdial.providers.simulated.signature import key_of, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
BODY = b'{"type":"call.ringing"}'


def read(body: bytes) -> Sequence[CallEvent]:
    return SimulatedWebhooks(LineConfig(name="main")).read(body, "", NOW)


def _signed(at: datetime = NOW, body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    """Headers as the reference implementation of the scheme makes them."""
    signature = Webhook(secret).sign("evt_1", at, body.decode())
    timestamp = str(int(at.timestamp()))
    return {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": signature,
    }


def test_our_signature_is_the_reference_implementation_s() -> None:
    assert sign(key_of(SECRET), "evt_1", int(NOW.timestamp()), BODY) == (
        Webhook(SECRET).sign("evt_1", NOW, BODY.decode())
    )


def test_a_genuine_webhook_is_accepted() -> None:
    verify(_signed(), BODY, SECRET, NOW)


@pytest.mark.parametrize("off", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_five_minutes_off_are_still_accepted(off: timedelta) -> None:
    verify(_signed(NOW + off), BODY, SECRET, NOW)


@pytest.mark.parametrize(
    "off", [timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1)]
)
def test_more_than_five_minutes_off_are_refused(off: timedelta) -> None:
    with pytest.raises(WebhookRefused, match="away from now"):
        verify(_signed(NOW + off), BODY, SECRET, NOW)


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(WebhookRefused, match="no signature"):
        verify(_signed(), BODY.replace(b"ringing", b"busy"), SECRET, NOW)


@pytest.mark.parametrize(
    ("header", "value"),
    [("Webhook-Id", "evt_2"), ("Webhook-Timestamp", str(int(NOW.timestamp()) + 1))],
)
def test_a_changed_header_is_refused(header: str, value: str) -> None:
    with pytest.raises(WebhookRefused, match="no signature"):
        verify({**_signed(), header: value}, BODY, SECRET, NOW)


def test_another_secret_is_refused() -> None:
    other = _signed(secret="whsec_b3RoZXI=")
    with pytest.raises(WebhookRefused, match="no signature"):
        verify(other, BODY, SECRET, NOW)


@pytest.mark.parametrize("header", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_missing_header_is_refused(header: str) -> None:
    headers = _signed()
    del headers[header]
    with pytest.raises(WebhookRefused, match="missing"):
        verify(headers, BODY, SECRET, NOW)


@pytest.mark.parametrize("timestamp", ["soon", "-5", "1e9", "177263280\u0660", "9" * 40])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    with pytest.raises(WebhookRefused, match="Unix time"):
        verify({**_signed(), "Webhook-Timestamp": timestamp}, BODY, SECRET, NOW)


def test_one_genuine_signature_among_several_is_enough() -> None:
    headers = _signed()
    headers["Webhook-Signature"] = f"v1,bm8= {headers['Webhook-Signature']} v2,ä"
    verify(headers, BODY, SECRET, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "secret", "whsec_***"])
def test_a_line_without_a_usable_secret_accepts_nothing(secret: str) -> None:
    with pytest.raises(WebhookRefused, match="whsec_"):
        verify(_signed(), BODY, secret, NOW)


def _body(kind: str, **data: Any) -> bytes:
    facts = {"call_id": "call_9", "metadata": {"call_id": "our-1"}, "status": "completed", **data}
    event = {"id": "evt_1", "type": kind, "timestamp": "2026-03-04T16:00:00+01:00", "data": facts}
    return json.dumps(event).encode()


@pytest.mark.parametrize(
    "status", ["ringing", "in_progress", "completed", "no_answer", "busy", "failed", "canceled"]
)
def test_status_events_are_read(status: str) -> None:
    (event,) = read(_body(f"call.{status}", status=status, reason="why"))
    assert event.event_id == "evt_1"
    assert event.kind is EventKind.STATUS
    assert (event.call_id, event.provider_call_id) == ("our-1", "call_9")
    assert event.status is CallStatus(status)
    assert event.at == NOW
    assert event.at.utcoffset() == timedelta(0)
    assert event.detail == "why"


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        ("carrier_failure", FailureClass.UNAVAILABLE),
        ("not_in_service", FailureClass.REJECTED),
        ("something_new", FailureClass.UNAVAILABLE),
    ],
)
def test_a_failure_gets_its_class_from_the_reason(reason: str, failure: FailureClass) -> None:
    (event,) = read(_body("call.failed", status="failed", reason=reason))
    assert event.failure is failure


def test_an_analysis_is_read() -> None:
    structured = {"call_at": "2026-03-05T09:00:00-05:00"}
    (event,) = read(
        _body(
            "call.analyzed",
            answered_by="human",
            duration_seconds=31.5,
            disposition="call_me_later",
            structured=structured,
            transcript="Agent: Hello.",
            cost=0.05,
            recording_url="http://network/recording",
        )
    )
    assert event.kind is EventKind.ANALYSIS
    assert event.status is CallStatus.COMPLETED
    assert event.answered_by is AnsweredBy.HUMAN
    assert event.redial_at == datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
    assert event.structured == structured
    assert (event.disposition, event.cost) == ("call_me_later", 0.05)
    assert (event.duration_seconds, event.transcript) == (31.5, "Agent: Hello.")
    assert event.recording_url == "http://network/recording"


@pytest.mark.parametrize("call_at", ["tomorrow", 17, None])
def test_a_time_the_agent_got_wrong_is_left_out(call_at: object) -> None:
    (event,) = read(_body("call.analyzed", structured={"call_at": call_at}))
    assert event.redial_at is None


def test_a_time_on_the_persons_own_clock_is_passed_on_as_it_is() -> None:
    (event,) = read(_body("call.analyzed", structured={"call_at": "2026-03-05T15:00:00"}))
    assert event.redial_at == datetime(2026, 3, 5, 15, 0)


def test_a_call_made_without_metadata_has_no_id_of_ours() -> None:
    (event,) = read(_body("call.ringing", metadata={}))
    assert event.call_id is None


def test_events_nobody_follows_are_none() -> None:
    assert read(_body("account.low_balance")) == ()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"id": 1}', _body("call.ringing", call_id=None), b"\xff"]
)
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused, match="not an event"):
        read(body)
