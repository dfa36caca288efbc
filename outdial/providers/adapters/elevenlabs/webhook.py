"""ElevenLabs' post-call webhooks and conversations as events.

elevenlabs.io/docs/agents-platform/workflows/post-call-webhooks: `post_call_transcription`;
`call_initiation_failure`, which is sent once and never again; `answering_machine_detection`, the
verdict on who answered, where the settings ask for one. Signature as elevenlabs-python
webhooks_custom.py does it, with the time bounded on both sides.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import WebhookReader
from outdial.providers.reports.analysis import disposition_in, redial_time_in
from outdial.providers.reports.instants import from_unix
from outdial.providers.reports.payload import (
    list_at,
    number_at,
    object_at,
    object_in,
    text_at,
    value_at,
)
from outdial.providers.reports.sip import block_or_refusal, meaning_of_response
from outdial.providers.reports.status_map import Meaning, load_maps
from outdial.providers.signing import header_of, require_equal, require_recent, required_secret

TOLERANCE = timedelta(minutes=30)

_DONE = "done"
_VOICEMAIL_TOOL = "voicemail_detection"
_FAILED = "call_initiation_failure"
_DETECTED = "answering_machine_detection"
_FOLLOWED = frozenset({"post_call_transcription", _FAILED, _DETECTED})
_NOT_ANSWERED = frozenset({CallStatus.BUSY, CallStatus.NO_ANSWER, CallStatus.FAILED})

_MAPS = load_maps(Path(__file__).with_name("status.json"))

_NOBODY_KNOWS = "unknown"


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


class ElevenLabsWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        verify(headers, body, self.line.credentials.get("webhook_secret"), now)

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; none for what is not about how a call goes.

        Raises WebhookRefused when the body is none.
        """
        content = object_in(body)
        kind, data = text_at(content, "type"), object_at(content, "data")
        if kind not in _FOLLOWED:
            return ()
        number = text_at(data, "conversation_id")
        if number is None:
            raise WebhookRefused("data.conversation_id is missing or can't be read")
        at = from_unix(number_at(content, "event_timestamp")) or received_at
        if kind == _DETECTED:
            return _detected(data, number, at)
        if kind == _FAILED:
            reason, leg = text_at(data, "failure_reason"), object_at(data, "metadata", "body")
            code = number_at(leg, "sip_status_code")
            response = text_at(leg, "SipResponseCode") or (None if code is None else f"{code:.0f}")
            phrase = text_at(leg, "error_reason") or text_at(leg, "sip_status")
            meaning = failure_to_start(reason, text_at(leg, "CallStatus"), response, phrase)
            return (_event(data, number, meaning, at, reason or "unknown"),)
        return _conversation(data, number, at, _over(data), worked_up=True)


def read_conversation(conversation: Mapping[str, Any], now: datetime) -> Sequence[CallEvent]:
    """The events in a conversation, as the API shows it; empty when it can't be read."""
    number, word = text_at(conversation, "conversation_id"), text_at(conversation, "status")
    if number is None:
        return ()
    meaning = status_of(word)
    worked_up = word == _DONE and value_at(conversation, "analysis") is not None
    return _conversation(conversation, number, now, meaning, worked_up=worked_up)


def _over(conversation: Mapping[str, Any]) -> Meaning:
    """A transcript is of a call that is over, whatever its status says."""
    meaning = status_of(text_at(conversation, "status"))
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
    result = result_of(call_result := text_at(metadata, "phone_call", "call_result"))
    ended = meaning.status is not None and meaning.status.terminal
    if not ended and result.status not in _NOT_ANSWERED:
        live = accepted if meaning.status is CallStatus.IN_PROGRESS else began
        event = _event(data, number, meaning, live or now, word)
        return (event.model_copy(update={"answered_by": result.answered_by}),)
    if result.status is not None:
        # A conversation that failed may be of a person who was busy, and one that is done of a
        # person who never answered.
        meaning = result
    reason = text_at(metadata, "termination_reason") or call_result or word
    over = None if seconds is None or began is None else from_unix(began.timestamp() + seconds)
    end = _event(data, number, meaning, over or now, reason)
    machine = AnsweredBy.MACHINE if _reached_voicemail(data) else result.answered_by
    talked = accepted is not None and meaning.status not in _NOT_ANSWERED
    answered = True if talked else meaning.answered
    facts = {"answered_by": machine, "duration_seconds": seconds, "answered": answered}
    end = end.model_copy(update=facts).by_facts()
    if end.status is not CallStatus.COMPLETED:
        end = end.model_copy(update={"duration_seconds": None})
    return (end, _analysis(data, end)) if worked_up else (end,)


def _detected(data: Mapping[str, Any], number: str, at: datetime) -> Sequence[CallEvent]:
    """Who answered, by Twilio's own detection. The verdict may come after the end of the call.

    No document shows this message: the verdict is read where ElevenLabs' other messages have
    theirs, or as Twilio writes it.
    """
    places = (("answered_by",), ("metadata", "answered_by"), ("metadata", "body", "AnsweredBy"))
    word = next((verdict for path in places if (verdict := text_at(data, *path))), None)
    if word is None:
        return ()
    event = _event(data, number, Meaning(), at, word)
    who = {"event_id": f"{number}:answered_by", "answered_by": answered_by(word)}
    return (event.model_copy(update=who),)


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
        redial_at=redial_time_in(structured),
        transcript="\n".join(turns) or None,
        cost=number_at(data, "metadata", "cost_fiat"),
        structured=structured,
    )


def _event(
    data: Mapping[str, Any], number: str, meaning: Meaning, at: datetime, word: str
) -> CallEvent:
    status = meaning.status
    kind = "ended" if status is not None and status.terminal else status or word
    sent = text_at(data, "conversation_initiation_client_data", "user_id")
    return CallEvent(
        event_id=f"{number}:{kind}",
        call_id=sent or text_at(data, "user_id"),
        provider_call_id=number,
        status=status,
        at=at,
        failure=meaning.failure,
        detail=word,
    )


def _reached_voicemail(data: Mapping[str, Any]) -> bool:
    """Whether the agent used the tool that tells a voicemail from a person.

    An entry alone does not say so: one that was not called has no verdict.
    """
    return any(
        text_at(call, "tool_name") == _VOICEMAIL_TOOL
        and value_at(call, "tool_has_been_called") is not False
        for turn in list_at(data, "transcript")
        for call in list_at(turn, "tool_calls")
    )


def status_of(word: str | None) -> Meaning:
    """A conversation status."""
    return _MAPS["conversation_status"].meaning_of(word)


def result_of(word: str | None) -> Meaning:
    """A call_result: how the telephone call went, which the conversation's status does not say."""
    return _MAPS["call_result"].meaning_of(word)


def answered_by(word: str | None) -> AnsweredBy | None:
    """The verdict of an answering machine detection."""
    return _MAPS["answered_by"].meaning_of(word).answered_by


def failure_to_start(
    reason: str | None, leg_status: str | None, sip: str | None = None, phrase: str | None = None
) -> Meaning:
    """A failure_reason; where it is `unknown`, the telephone leg may know more.

    The leg of a SIP trunk has its final response alone, and says by it who refused the call.
    """
    refusal = block_or_refusal(sip, phrase)
    if refusal is not None:
        return refusal
    if reason in (None, _NOBODY_KNOWS) and leg_status is None and sip is not None:
        return meaning_of_response(sip, phrase)
    if reason in (None, _NOBODY_KNOWS) and leg_status is not None:
        leg = _MAPS["leg_status"].meaning_of(leg_status)
        if leg.status is CallStatus.FAILED:
            refined = _MAPS["leg_sip_code"].rows.get(sip or "", Meaning()).failure
            return leg.model_copy(update={"failure": refined or leg.failure})
        if leg.status is not None:
            return leg
    return _MAPS["failure_reason"].meaning_of(reason or _NOBODY_KNOWS)


def failure_of(code: str | None) -> FailureClass | None:
    """The class of an error code; None for one that says nothing more than the HTTP status."""
    return _MAPS["error_code"].meaning_of(code).failure
