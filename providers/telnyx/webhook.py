"""Telnyx's Call Control webhooks and calls as events.

developers.telnyx.com/docs/voice/programmable-voice/receiving-webhooks: unordered, repeated, and
each with an id. Signature as telnyx-python lib/webhook_verification.py does it: Ed25519 with the
account's public key over the time in seconds, a bar, and the body.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.call import CallStatus, FailureClass
from domain.event import CallEvent, EventKind
from providers.instants import from_iso, from_unix
from providers.payload import number_at, object_at, object_in, text_at, value_at
from providers.port import WebhookRefused
from providers.signing import header_of, require_recent, required_secret
from providers.telnyx import status

TOLERANCE = timedelta(minutes=5)

_KEY = "public_key"
_OURS = "outdial:"
"""Before our id in client_state, where other programs of the account write what they like."""


def client_state(call_id: str) -> str:
    return base64.b64encode(f"{_OURS}{call_id}".encode()).decode()


def call_id_in(state: str | None) -> str | None:
    """Our call id in a client_state; None when it is not ours."""
    try:
        text = base64.b64decode(state or "", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text.removeprefix(_OURS) or None if text.startswith(_OURS) else None


def verify(headers: Mapping[str, str], body: bytes, key: str | None, now: datetime) -> None:
    """Raises WebhookRefused unless Telnyx signed exactly this within `TOLERANCE` of now."""
    timestamp = header_of(headers, "telnyx-timestamp")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise WebhookRefused("telnyx-timestamp is missing or no Unix time in seconds")
    given = header_of(headers, "telnyx-signature-ed25519")
    try:
        public_key = Ed25519PublicKey.from_public_bytes(_decoded(required_secret(key, _KEY)))
        public_key.verify(_decoded(given), timestamp.encode() + b"|" + body)
    except (InvalidSignature, ValueError) as exc:
        raise WebhookRefused("telnyx-signature-ed25519 is missing or does not fit") from exc
    require_recent(from_unix(int(timestamp)), now, TOLERANCE)


def read(body: bytes) -> Sequence[CallEvent]:
    """The events in a verified webhook; none for what is not about how a call of ours goes.

    Raises WebhookRefused when the body is no event, or says neither of which call nor when.
    """
    data = object_at(object_in(body), "data")
    kind, payload = text_at(data, "event_type") or "", object_at(data, "payload")
    event_id, at = text_at(data, "id"), from_iso(text_at(data, "occurred_at"))
    number = text_at(payload, "call_control_id")
    if event_id is None or at is None:
        raise WebhookRefused("data.id or data.occurred_at is missing or can't be read")
    if number is None or text_at(payload, "direction") == "incoming":
        return ()
    event = CallEvent(
        event_id=event_id,
        call_id=call_id_in(text_at(payload, "client_state")),
        provider_call_id=number,
        at=at,
        detail=kind,
    )
    facts = _facts(kind, payload)
    return (event.model_copy(update=facts),) if facts else ()


def read_call(call: Mapping[str, Any]) -> Sequence[CallEvent]:
    """The event in a call as the API shows it: that it is over, which is all it tells.

    A call that lasted was completed; of another nobody can tell why it ended.
    """
    number, over = text_at(call, "call_control_id"), from_iso(text_at(call, "end_time"))
    if number is None or over is None or value_at(call, "is_alive") is not False:
        return ()
    seconds = number_at(call, "call_duration")
    lasted = seconds is not None and seconds > 0
    return (
        CallEvent(
            event_id=f"{number}:ended",
            call_id=call_id_in(text_at(call, "client_state")),
            provider_call_id=number,
            status=CallStatus.COMPLETED if lasted else CallStatus.FAILED,
            at=over,
            failure=None if lasted else FailureClass.UNKNOWN,
            detail="is_alive false",
            duration_seconds=seconds if lasted else None,
        ),
    )


def _facts(kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says; nothing for events we don't follow."""
    if kind == status.HANGUP:
        meaning = status.ending_of(payload)
        causes = (text_at(payload, name) for name in ("hangup_cause", "sip_hangup_cause"))
        detail = " ".join(cause for cause in causes if cause is not None)
        return {"status": meaning.status, "failure": meaning.failure, "detail": detail or kind}
    if kind.startswith("call.machine."):
        result = text_at(payload, "result")
        return {"answered_by": status.answered_by(kind, result), "detail": result or kind}
    if kind == "call.cost":
        return {"kind": EventKind.ANALYSIS, "cost": number_at(payload, "total_cost")}
    if kind == "call.recording.saved":
        public = object_at(payload, "public_recording_urls")
        private = object_at(payload, "recording_urls")
        url = text_at(public, "mp3") or text_at(private, "mp3") or text_at(private, "wav")
        return {"kind": EventKind.ANALYSIS, "recording_url": url}
    reached = status.status_of(kind).status
    return {} if reached is None else {"status": reached}


def _decoded(text: str) -> bytes:
    """Raises ValueError when it is not base64."""
    return base64.b64decode(text, validate=True)
