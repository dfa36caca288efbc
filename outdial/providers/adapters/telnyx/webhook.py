"""Telnyx's Call Control webhooks and calls as events.

developers.telnyx.com/docs/voice/programmable-voice/receiving-webhooks: unordered, repeated, and
each with an id. Signature as telnyx-python lib/webhook_verification.py does it: Ed25519 with the
account's public key over the time in seconds, a bar, and the body.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import WebhookReader
from outdial.providers.reports.analysis import disposition_in, redial_time_in
from outdial.providers.reports.instants import from_iso, from_unix
from outdial.providers.reports.payload import (
    list_at,
    number_at,
    object_at,
    object_in,
    parsed,
    text_at,
    value_at,
)
from outdial.providers.reports.price import in_currency
from outdial.providers.reports.sip import block_or_refusal
from outdial.providers.reports.status_map import Meaning, load_maps
from outdial.providers.signing import header_of, require_recent, required_secret

TOLERANCE = timedelta(minutes=5)

_KEY = "public_key"
_SPEAKERS = frozenset({"user", "assistant"})
"""Of a conversation; its other entries are remarks of the system and results of tools."""
_OURS = "outdial:"
"""Before our id in client_state, where other programs of the account write what they like."""

_MAPS = load_maps(Path(__file__).with_name("status.json"))

HANGUP = "call.hangup"
_REJECTED = "call_rejected"
_CLEARED = "normal_clearing"
_NO_CAUSE = frozenset({_REJECTED, "unspecified"})
"""Causes that say less than a SIP response from the callee's side."""
_START_FAILED = "call.conversation.start_failed"


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


class TelnyxWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        verify(headers, body, self.line.credentials.get("public_key"), now)

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; none for what is not about how a call of ours goes.

        Every field is optional in telnyx-python's types, the time too.

        Raises WebhookRefused when the body is no event.
        """
        data = object_at(object_in(body), "data")
        kind, payload = text_at(data, "event_type") or "", object_at(data, "payload")
        at = from_iso(text_at(data, "occurred_at")) or from_iso(text_at(data, "created_at"))
        number = text_at(payload, "call_control_id")
        call_id = call_id_in(text_at(payload, "client_state"))
        if not kind:
            raise WebhookRefused("data.event_type is missing or can't be read")
        # A saved recording names no call, only its leg and our client_state.
        if (number is None and call_id is None) or text_at(payload, "direction") == "incoming":
            return ()
        event = CallEvent(
            event_id=text_at(data, "id") or f"{number or call_id}:{kind}",
            call_id=call_id,
            provider_call_id=number,
            at=at or received_at,
            detail=kind,
        )
        facts = _facts(kind, payload)
        if "cost" in facts:
            cost = in_currency(facts["cost"], self.line.currency, *_currencies_in(payload))
            facts = {**facts, "cost": cost}
        return (event.model_copy(update=facts).by_facts(),) if facts else ()


def read_call(call: Mapping[str, Any]) -> Sequence[CallEvent]:
    """The event in a call as the API shows it: only that it is over.

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
        ).by_facts(),
    )


def _facts(kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says; nothing for events we don't follow."""
    if kind == HANGUP:
        meaning = ending_of(payload)
        causes = (text_at(payload, name) for name in ("hangup_cause", "sip_hangup_cause"))
        detail = " ".join(cause for cause in causes if cause is not None)
        return {
            "status": meaning.status,
            "failure": meaning.failure,
            "answered": meaning.answered,
            "presumes_answer": meaning.presumes_answer,
            "detail": detail or kind,
        }
    if kind.startswith("call.machine."):
        result = text_at(payload, "result")
        return {"answered_by": answered_by(kind, result), "detail": result or kind}
    if kind in _LATER:
        return _LATER[kind](payload)
    meaning = status_of(kind, text_at(payload, "reason"))
    if meaning.status is None:
        return {}
    if meaning.failure is None:
        return {"status": meaning.status}
    detail = " ".join(filter(None, (kind, text_at(payload, "reason"))))
    return {
        "status": meaning.status,
        "failure": meaning.failure,
        "unserved": meaning.unserved,
        "detail": detail,
    }


def _cost(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": EventKind.ANALYSIS, "cost": number_at(payload, "total_cost")}


def _currencies_in(payload: Mapping[str, Any]) -> list[str | None]:
    parts = list_at(payload, "cost_parts")
    return [text_at(payload, "cost", "currency"), *(text_at(part, "currency") for part in parts)]


def _recording(payload: Mapping[str, Any]) -> dict[str, Any]:
    public = object_at(payload, "public_recording_urls")
    private = object_at(payload, "recording_urls")
    return {"kind": EventKind.ANALYSIS, "recording_url": _url_in(public) or _url_in(private)}


def _transcription(payload: Mapping[str, Any]) -> dict[str, Any]:
    text = text_at(payload, "transcription_text")
    return {"kind": EventKind.ANALYSIS, "transcript": text}


def _conversation(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The talk with an AI assistant: what was said, and for how long."""
    turns = (
        f"{text_at(turn, 'role') or 'unknown'}: {text_at(turn, 'content')}"
        for turn in list_at(payload, "messages")
        if text_at(turn, "role") in _SPEAKERS and text_at(turn, "content") is not None
    )
    return {
        "kind": EventKind.ANALYSIS,
        "transcript": "\n".join(turns) or None,
        "duration_seconds": number_at(payload, "duration_sec"),
    }


def _insights(payload: Mapping[str, Any]) -> dict[str, Any]:
    return _insight_facts(list_at(payload, "results"))


def _analyzed(payload: Mapping[str, Any]) -> dict[str, Any]:
    """All there is once a call was worked up: its whole cost, insights, recordings."""
    groups = list_at(payload, "conversation_insights")
    results = [each for group in groups for each in list_at(group, "conversation_insights")]
    links = (_url_in(object_at(one, "download_urls")) for one in list_at(payload, "recordings"))
    return {
        **_insight_facts(results),
        "cost": number_at(payload, "cost", "total"),
        "recording_url": next(filter(None, links), None),
        "duration_seconds": number_at(payload, "duration_sec"),
    }


def _insight_facts(results: Sequence[Any]) -> dict[str, Any]:
    """What the insights of a conversation say: objects by their own names, texts by their id."""
    structured: dict[str, Any] = {}
    for result in results:
        insight, name = value_at(result, "result"), text_at(result, "insight_id")
        insight = _object_of(insight)
        if isinstance(insight, dict):
            structured |= insight
        elif name is not None and insight is not None:
            structured[name] = insight
    return {
        "kind": EventKind.ANALYSIS,
        "structured": structured,
        "disposition": disposition_in(structured),
        "redial_at": redial_time_in(structured),
    }


def _object_of(insight: Any) -> Any:
    """An insight with a schema may come as the JSON text of its object."""
    if not isinstance(insight, str) or not insight.lstrip().startswith("{"):
        return insight
    try:
        return parsed(insight.encode())
    except ValueError:
        return insight


def _url_in(links: Mapping[str, Any]) -> str | None:
    return text_at(links, "mp3") or text_at(links, "wav")


_LATER: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "call.cost": _cost,
    "call.recording.saved": _recording,
    "call.recording.transcription.saved": _transcription,
    "call.conversation.ended": _conversation,
    "call.conversation_insights.generated": _insights,
    "call.analyzed": _analyzed,
}
"""Reports about a call other than its status, some of them long after its end."""


def _decoded(text: str) -> bytes:
    """Raises ValueError when it is not base64."""
    return base64.b64decode(text, validate=True)


def status_of(event_type: str, reason: str | None = None) -> Meaning:
    """What an event says by its name; nothing for events we don't follow.

    Why an assistant was not started decides whether the line or Telnyx is at fault.
    """
    if event_type == _START_FAILED:
        return _MAPS["start_failed_reason"].meaning_of(reason or "")
    return _MAPS["event_type"].rows.get(event_type, Meaning())


def ending_of(payload: Mapping[str, Any]) -> Meaning:
    """How a call ended; why it was rejected is refined by the SIP code."""
    cause = text_at(payload, "hangup_cause")
    sip = text_at(payload, "sip_hangup_cause")
    refusal = block_or_refusal(sip)
    if refusal is not None and (cause in _NO_CAUSE or cause not in _MAPS["hangup_cause"].rows):
        return refusal
    if cause == _REJECTED and sip in _MAPS["rejected_sip_cause"].rows:
        return _MAPS["rejected_sip_cause"].rows[sip]
    if cause == _CLEARED and sip in _MAPS["cleared_sip_cause"].rows:
        return _MAPS["cleared_sip_cause"].rows[sip]
    if cause is None:
        return _MAPS["hangup_cause"].otherwise
    return _MAPS["hangup_cause"].meaning_of(cause)


def answered_by(event_type: str, result: str | None) -> AnsweredBy | None:
    """Who answered, by the result of a detection or of the wait for the end of a greeting."""
    name = "greeting_result" if event_type.endswith("greeting.ended") else "amd_result"
    return _MAPS[name].meaning_of(result).answered_by


def failure_of(http_status: int, code: str | None, pointer: str | None) -> FailureClass | None:
    """The class of an error: a code means another thing with another status or field."""
    rows = _MAPS["error_code"].rows
    for key in (f"{http_status} {code} {pointer}", f"{http_status} {code}"):
        if key in rows:
            return rows[key].failure
    return None
