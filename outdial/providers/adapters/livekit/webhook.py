"""LiveKit's webhooks and participants as events.

docs.livekit.io/home/server/webhooks: `participant_left` reports that a call is over, and by its
disconnectReason how. Nothing is sent when a phone rings or is answered: that is an attribute of
the participant, to be asked for. A call is known by its room, which is ours to name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus
from outdial.providers.adapters.livekit import token
from outdial.providers.credentials import required_credential
from outdial.providers.port import WebhookReader
from outdial.providers.reports.instants import from_unix
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at, value_at
from outdial.providers.reports.sip import block_or_refusal
from outdial.providers.reports.status_map import Meaning, load_maps

CALL_ID = "outdial.call_id"
"""The attribute of the participant that carries our id."""
CALLEE = "callee"
"""The identity of the participant that is the telephone call."""

_ROOM = "outdial-"
_GONE = frozenset({"participant_left", "participant_connection_aborted"})
_NO_REASON = "UNKNOWN_REASON"
"""What an enum's first value is called, which JSON leaves out."""

_MAPS = load_maps(Path(__file__).with_name("status.json"))

_BEFORE_THE_ANSWER = frozenset({CallStatus.QUEUED, CallStatus.RINGING})


def room_of(call_id: str) -> str:
    """The room of a call: named after it, so that it is known without any answer."""
    return f"{_ROOM}{call_id}"


class LiveKitWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        token.verify(
            headers,
            body,
            required_credential(self.line, "api_key"),
            required_credential(self.line, "api_secret"),
            now,
        )

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; none for what is not about a call of ours.

        Raises WebhookRefused when the body is none.
        """
        content = object_in(body)
        kind, participant = text_at(content, "event"), object_at(content, "participant")
        room = text_at(content, "room", "name") or ""
        if not room.startswith(_ROOM) or text_at(participant, "identity") != CALLEE:
            return ()
        at = from_unix(number_at(content, "createdAt")) or received_at
        if kind == "participant_joined":
            return _events(room, participant, status_of(_word(participant)), at, _word(participant))
        if kind not in _GONE:
            return ()
        reason = text_at(participant, "disconnectReason") or _NO_REASON
        return _events(room, participant, ending_of(reason, _word(participant)), at, reason)


def read_participant(
    room: str, participant: Mapping[str, Any], now: datetime
) -> Sequence[CallEvent]:
    """The event in a participant as the API shows it; empty when it says nothing."""
    word = _word(participant)
    reason = value_at(participant, "disconnect_reason") or value_at(participant, "disconnectReason")
    meaning = status_of(word)
    ended = meaning.status is not None and meaning.status.terminal
    if ended and isinstance(reason, str) and reason != _NO_REASON:
        return _events(room, participant, ending_of(reason, word), now, reason)
    return _events(room, participant, meaning, now, word)


def read_answer(room: str, call_id: str, meaning: Meaning, word: str, now: datetime) -> CallEvent:
    """The end of a call that was dialed while we waited for the answer."""
    return _event(room, call_id, meaning, now, word)


def _events(
    room: str, participant: Mapping[str, Any], meaning: Meaning, at: datetime, word: str | None
) -> Sequence[CallEvent]:
    if meaning.status is None or word is None:
        return ()
    attributes = object_at(participant, "attributes")
    call_id = text_at(attributes, CALL_ID) or room.removeprefix(_ROOM)
    return (_event(room, call_id, meaning, at, word),)


def _event(room: str, call_id: str, meaning: Meaning, at: datetime, word: str) -> CallEvent:
    status = meaning.status or CallStatus.QUEUED
    return CallEvent(
        event_id=f"{room}:{'ended' if status.terminal else status}",
        call_id=call_id,
        provider_call_id=room,
        status=status,
        at=at,
        answered=meaning.answered,
        failure=meaning.failure,
        detail=word,
    ).by_facts()


def _word(participant: Mapping[str, Any]) -> str | None:
    return text_at(participant, "attributes", "sip.callStatus")


def status_of(word: str | None) -> Meaning:
    """A participant's sip.callStatus."""
    return _MAPS["sip_call_status"].meaning_of(word)


def ending_of(reason: str, word: str | None) -> Meaning:
    """A disconnectReason, refined by the last sip.callStatus.

    Who was talking when we hung up had completed the call; whose phone only rang had not.
    """
    meaning, last = _MAPS["disconnect_reason"].meaning_of(reason), status_of(word).status
    if last is CallStatus.IN_PROGRESS:
        # Somebody had answered, whatever ended it.
        return meaning.model_copy(update={"answered": True})
    if meaning.status is CallStatus.COMPLETED and last in _BEFORE_THE_ANSWER:
        return Meaning(status=CallStatus.CANCELED)
    return meaning


def answer_of(sip_status_code: str, phrase: str | None = None) -> Meaning:
    """The SIP response that a dial ended with."""
    refusal = block_or_refusal(sip_status_code, phrase)
    if refusal is not None:
        return refusal
    return _MAPS["sip_status_code"].meaning_of(sip_status_code)


def error_of(twirp_code: str | None) -> Meaning:
    """A Twirp error code that came without a SIP response."""
    return _MAPS["twirp_code"].rows.get(twirp_code or "", Meaning())
