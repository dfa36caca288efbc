"""ElevenLabs' post-call webhooks and conversations as events.

elevenlabs.io/docs/agents-platform/workflows/post-call-webhooks: `post_call_transcription`, and
`call_initiation_failure`, which is sent once and never again. Signature as elevenlabs-python
webhooks_custom.py does it, with the time bounded on both sides.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.call import AnsweredBy, CallStatus
from domain.event import CallEvent, EventKind
from providers.analysis import call_back_in, disposition_in
from providers.elevenlabs import status
from providers.instants import from_unix
from providers.payload import list_at, number_at, object_at, object_in, text_at, value_at
from providers.port import WebhookRefused
from providers.signing import header_of, require_equal, require_recent, required_secret
from providers.status_map import Meaning

TOLERANCE = timedelta(minutes=30)

_DONE = "done"
_VOICEMAIL_TOOL = "voicemail_detection"


def sign(secret: str, body: bytes, seconds: int) -> str:
    """The value of ElevenLabs-Signature."""
    signed = str(seconds).encode() + b"." + body
    return f"t={seconds},v0={hmac.digest(secret.encode(), signed, hashlib.sha256).hex()}"


def verify(headers: Mapping[str, str], body: bytes, secret: str | None, now: datetime) -> None:
    """Raises WebhookRefused unless ElevenLabs signed exactly this within `TOLERANCE` of now."""
    given = header_of(headers, "elevenlabs-signature")
    parts = dict(part.strip().partition("=")[::2] for part in given.split(","))
    timestamp = parts.get("t", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise WebhookRefused("ElevenLabs-Signature is missing or not t=<s>,v0=<hex>")
    expected = sign(required_secret(secret), body, int(timestamp)).partition("v0=")[2]
    require_equal(expected, parts.get("v0", ""), "ElevenLabs-Signature")
    require_recent(from_unix(int(timestamp)), now, TOLERANCE)


def read(body: bytes, now: datetime) -> Sequence[CallEvent]:
    """The events in a verified webhook; none for what is not about how a call goes.

    `now` is when it came, for reports without a time. Raises WebhookRefused when the body is
    none.
    """
    content = object_in(body)
    kind, data = text_at(content, "type"), object_at(content, "data")
    if kind not in ("post_call_transcription", "call_initiation_failure"):
        return ()
    number = text_at(data, "conversation_id")
    if number is None:
        raise WebhookRefused("data.conversation_id is missing or can't be read")
    at = from_unix(number_at(content, "event_timestamp")) or now
    if kind == "call_initiation_failure":
        leg = text_at(data, "metadata", "body", "CallStatus")
        meaning = status.failure_to_start(text_at(data, "failure_reason"), leg)
        return (_told(data, number, meaning, at, text_at(data, "failure_reason") or "unknown"),)
    return _conversation(data, number, at, _over(data), worked_up=True)


def read_conversation(conversation: Mapping[str, Any], now: datetime) -> Sequence[CallEvent]:
    """The events in a conversation, as the API shows it; empty when it can't be read."""
    number, word = text_at(conversation, "conversation_id"), text_at(conversation, "status")
    if number is None:
        return ()
    meaning = status.status_of(word)
    worked_up = word == _DONE and value_at(conversation, "analysis") is not None
    return _conversation(conversation, number, now, meaning, worked_up=worked_up)


def _over(conversation: Mapping[str, Any]) -> Meaning:
    """A transcript is of a call that is over, whatever its status says."""
    meaning = status.status_of(text_at(conversation, "status"))
    ended = meaning.status is not None and meaning.status.terminal
    return meaning if ended else Meaning(status=CallStatus.COMPLETED)


def _conversation(
    data: Mapping[str, Any], number: str, now: datetime, meaning: Meaning, *, worked_up: bool
) -> Sequence[CallEvent]:
    metadata = object_at(data, "metadata")
    began = from_unix(number_at(metadata, "start_time_unix_secs"))
    accepted = from_unix(number_at(metadata, "accepted_time_unix_secs"))
    seconds = number_at(metadata, "call_duration_secs")
    word = text_at(data, "status") or "unknown"
    if meaning.status is None or not meaning.status.terminal:
        live = accepted if meaning.status is CallStatus.IN_PROGRESS else began
        return (_told(data, number, meaning, live or now, word),)
    over = None if seconds is None or began is None else from_unix(began.timestamp() + seconds)
    end = _told(data, number, meaning, over or now, text_at(metadata, "termination_reason") or word)
    machine = AnsweredBy.MACHINE if _reached_voicemail(data) else None
    end = end.model_copy(update={"answered_by": machine})
    if meaning.status is CallStatus.COMPLETED:
        end = end.model_copy(update={"duration_seconds": seconds})
    return (end, _analysis(data, end)) if worked_up else (end,)


def _analysis(data: Mapping[str, Any], end: CallEvent) -> CallEvent:
    results = object_at(data, "analysis", "data_collection_results")
    structured = {name: value_at(result, "value") for name, result in results.items()}
    turns = (
        f"{text_at(turn, 'role')}: {text_at(turn, 'message')}"
        for turn in list_at(data, "transcript")
        if text_at(turn, "message") is not None
    )
    return CallEvent(
        event_id=f"{end.provider_call_id}:analysis",
        kind=EventKind.ANALYSIS,
        call_id=end.call_id,
        provider_call_id=end.provider_call_id,
        at=end.at,
        disposition=disposition_in(structured),
        call_back_at=call_back_in(structured),
        transcript="\n".join(turns) or None,
        cost=number_at(data, "metadata", "cost_fiat"),
        structured=structured,
    )


def _told(
    data: Mapping[str, Any], number: str, meaning: Meaning, at: datetime, word: str
) -> CallEvent:
    known = meaning.status
    kind = "ended" if known is not None and known.terminal else known or word
    sent = text_at(data, "conversation_initiation_client_data", "user_id")
    return CallEvent(
        event_id=f"{number}:{kind}",
        call_id=sent or text_at(data, "user_id"),
        provider_call_id=number,
        status=known,
        at=at,
        failure=meaning.failure,
        detail=word,
    )


def _reached_voicemail(data: Mapping[str, Any]) -> bool:
    """Whether the agent used the tool that tells a voicemail from a person."""
    return any(
        text_at(call, "tool_name") == _VOICEMAIL_TOOL
        for turn in list_at(data, "transcript")
        for call in list_at(turn, "tool_calls")
    )
