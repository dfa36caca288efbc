"""Webhooks of the simulated network: how they are checked and read.

Checking is a pure function of the `now` passed in.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import WebhookReader
from outdial.providers.reports.analysis import redial_time_in
from outdial.providers.simulated.signature import key_of, sign
from outdial.providers.simulated.telephony.call import FAILURES

TOLERANCE = timedelta(minutes=5)
"""How old, or how far in the future, a signature may be."""

_ANALYZED = "call.analyzed"
_STATUSES = {
    f"call.{status.value}": status for status in CallStatus if status is not CallStatus.QUEUED
}


class _Facts(BaseModel):
    model_config = ConfigDict(extra="ignore")

    call_id: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    status: CallStatus
    answered_by: AnsweredBy | None = None
    reason: str | None = None
    duration_seconds: float | None = None
    disposition: str | None = None
    structured: dict[str, Any] = Field(default_factory=dict)
    transcript: str | None = None
    cost: float | None = None
    recording_url: str | None = None


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    type: str
    timestamp: AwareDatetime
    data: dict[str, Any]


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Check who signed a webhook, and when.

    Raises WebhookRefused unless exactly this body was signed within `TOLERANCE` of now.
    """
    by_name = {name.lower(): value for name, value in headers.items()}
    event_id = by_name.get("webhook-id", "")
    timestamp = by_name.get("webhook-timestamp", "")
    signatures = by_name.get("webhook-signature", "")
    if not (event_id and timestamp and signatures):
        raise WebhookRefused("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise WebhookRefused("webhook-timestamp is not a Unix time in seconds")
    try:
        key = key_of(secret)
    except ValueError as exc:
        raise WebhookRefused(f"this line can't check signatures: {exc}") from exc
    expected = sign(key, event_id, int(timestamp), body).encode()
    genuine = False
    for signature in signatures.split():
        genuine |= hmac.compare_digest(expected, signature.encode())
    if not genuine:
        raise WebhookRefused("no signature fits the body")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise WebhookRefused(f"signed more than {TOLERANCE} away from now")


class SimulatedWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        verify(headers, body, self.line.credentials.get("webhook_secret", ""), now)

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; empty when it is about nothing we follow.

        Raises WebhookRefused when the body is not an event of this network.
        """
        try:
            event = _Event.model_validate_json(body)
            if not _followed(event.type):
                return ()
            return (_translate(event),)
        except ValidationError as exc:
            raise WebhookRefused("the body is not an event of the simulated network") from exc


def read_events(events: Sequence[Mapping[str, Any]]) -> tuple[CallEvent, ...]:
    """The same events as the call API lists them.

    Raises pydantic's ValidationError when one can't be read.
    """
    parsed = (_Event.model_validate(event) for event in events)
    return tuple(_translate(event) for event in parsed if _followed(event.type))


def _followed(kind: str) -> bool:
    return kind in _STATUSES or kind == _ANALYZED


def _translate(event: _Event) -> CallEvent:
    facts = _Facts.model_validate(event.data)
    status = _STATUSES.get(event.type, facts.status)
    call_id = facts.metadata.get("call_id")
    failure = None
    if status is CallStatus.FAILED:
        failure = FAILURES.get(facts.reason or "", FailureClass.UNAVAILABLE)
    return CallEvent(
        event_id=event.id,
        kind=EventKind.ANALYSIS if event.type == _ANALYZED else EventKind.STATUS,
        call_id=None if call_id is None else str(call_id),
        provider_call_id=facts.call_id,
        status=status,
        at=event.timestamp.astimezone(UTC),
        answered_by=facts.answered_by,
        failure=failure,
        detail=facts.reason,
        duration_seconds=facts.duration_seconds,
        disposition=facts.disposition,
        redial_at=redial_time_in(facts.structured),
        transcript=facts.transcript,
        recording_url=facts.recording_url,
        cost=facts.cost,
        structured=facts.structured,
    )
