"""Webhooks of Voxanne: how they are checked and read.

voxanne.ai/api-reference shows the header `x-vapi-signature` over the event, and three types:
`call.started`, `call.ended`, `appointment.booked`. It does not show the algorithm. Our choice is
what the product's public source does when it receives such events: HMAC-SHA256 in hex over
`<x-vapi-timestamp>.<body>`, at most 300 seconds old. A sender that knows the reference alone has
no timestamp, so the same over the body alone is taken too. That has no replay window; a repeated
event changes nothing. Taking the timestamp out of a signed request does not make it the latter.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import BOOKED, CallStatus
from outdial.providers.port import WebhookReader
from outdial.providers.reports.instants import from_iso, from_unix
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at
from outdial.providers.reports.status_map import Meaning, listed_meaning, load_maps, sharper
from outdial.providers.signing import header_of, require_equal, require_recent, required_secret

TOLERANCE = timedelta(seconds=300)
SIGNATURE = "x-vapi-signature"
TIMESTAMP = "x-vapi-timestamp"
_ANALYSED = frozenset({"end-of-call-report", "call.transcribed"})
_BOOKED = "appointment.booked"

_MAPS = load_maps(Path(__file__).with_name("status.json"))

EVENT = _MAPS["event"]
STATUS = _MAPS["status"]
ENDED_REASON = _MAPS["ended_reason"]
OUTCOME = _MAPS["outcome"]

DISPOSITIONS: dict[str, str] = json.loads(
    Path(__file__).with_name("dispositions.json").read_text(encoding="utf-8")
)
"""How the agent judged the call, by the outcome; other outcomes only say how the call ended."""

_BEGAN = ("startedAt", "started_at")
_ENDED = ("endedAt", "ended_at")


def sign(secret: str, body: bytes, timestamp: str = "") -> str:
    """The value of `x-vapi-signature`, with the value of `x-vapi-timestamp` if one is sent."""
    signed = timestamp.encode() + b"." + body if timestamp else body
    return hmac.digest(secret.encode(), signed, hashlib.sha256).hex()


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Raise WebhookRefused unless exactly this body was signed, and recently where it says when."""
    timestamp = header_of(headers, TIMESTAMP)
    expected = sign(required_secret(secret), body, timestamp)
    require_equal(expected, header_of(headers, SIGNATURE), SIGNATURE)
    if timestamp:
        require_recent(from_unix(number_at(timestamp)), now, TOLERANCE)


class VoxanneWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        verify(headers, body, self.line.credentials.get("webhook_secret", ""), now)

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; empty when it is about nothing we follow.

        Raises WebhookRefused when the body is not a JSON object.
        """
        content = object_in(body)
        kind, call = text_at(content, "type"), object_at(content, "call")
        if kind == _BOOKED:
            return _booked(
                text_at(content, "appointment", "call_id") or text_at(call, "id"), received_at
            )
        named, call_id = EVENT.meaning_of(kind), text_at(call, "id")
        if call_id is None:
            return ()
        if kind in _ANALYSED:
            return analysis_of(call_id, content, call, received_at)
        if named.status is None:
            return ()
        events = status_of(call_id, call, meaning_of(call, named), received_at)
        ended = any(event.status and event.status.terminal for event in events)
        return (*events, *analysis_of(call_id, content, call, received_at)) if ended else events


def _booked(call_id: str | None, at: datetime) -> Sequence[CallEvent]:
    """No document says where an appointment names its call; in the source it is `call_id`."""
    if call_id is None:
        return ()
    return (
        CallEvent(
            event_id=f"{call_id}/{_BOOKED}",
            kind=EventKind.ANALYSIS,
            provider_call_id=call_id,
            at=at,
            disposition=BOOKED,
            detail=_BOOKED,
        ),
    )


def meaning_of(call: Mapping[str, Any], event: Meaning) -> Meaning:
    """How a call stands, by the exactest word: its outcome, why it ended, its status, the event."""
    meaning = sharper(event, STATUS.meaning_of(text_at(call, "status")))
    if meaning.status is not None and not meaning.status.terminal:
        return meaning
    machine = meaning.answered_by
    for refinement in (
        ENDED_REASON.meaning_of(text_at(call, "endedReason")),
        listed_meaning(OUTCOME, text_at(call, "outcome")),
    ):
        meaning = sharper(meaning, refinement)
        machine = machine or refinement.answered_by
    return meaning.model_copy(update={"answered_by": machine})


def status_of(
    call_id: str, call: Mapping[str, Any], meaning: Meaning, seen_at: datetime
) -> tuple[CallEvent, ...]:
    """The status of a call; nothing when it says nothing about that.

    Nothing numbers the events: one is recognized by the call and its status, so that a
    webhook and a look-up tell the same one.
    """
    if meaning.status is None:
        return ()
    event = CallEvent(
        event_id=f"{call_id}/{meaning.status}",
        provider_call_id=call_id,
        status=meaning.status,
        at=_happened_at(call, meaning.status) or seen_at,
        answered=_answered(call, meaning),
        answered_by=meaning.answered_by,
        failure=meaning.failure,
        detail=text_at(call, "endedReason") or text_at(call, "status"),
        duration_seconds=_duration(call),
    ).by_facts()
    return (event,)


def _answered(call: Mapping[str, Any], meaning: Meaning) -> bool | None:
    """Whether there was a talk, by what was written down of it."""
    transcript = _first_text((call, ("transcript",)), (call, ("artifact", "transcript")))
    unreached = meaning.status in (CallStatus.BUSY, CallStatus.NO_ANSWER)
    return True if transcript and not unreached else meaning.answered


def analysis_of(
    call_id: str, content: Mapping[str, Any], call: Mapping[str, Any], at: datetime
) -> tuple[CallEvent, ...]:
    """What was made of a call, from a report about it; nothing when nothing was yet."""
    analysed = CallEvent(
        event_id=f"{call_id}/analysis",
        kind=EventKind.ANALYSIS,
        provider_call_id=call_id,
        at=at,
        disposition=DISPOSITIONS.get(text_at(call, "outcome") or ""),
        transcript=_first_text(
            (content, ("transcript",)),
            (content, ("artifact", "transcript")),
            (call, ("transcript",)),
            (call, ("artifact", "transcript")),
        ),
        recording_url=_first_text(
            (content, ("recordingUrl",)),
            (content, ("artifact", "recording")),
            (call, ("recordingUrl",)),
            (call, ("artifact", "recordingUrl")),
        ),
        cost=number_at(call, "cost"),
        structured={
            name: text
            for name in ("summary", "sentiment", "successEvaluation")
            if (text := _first_text((content, ("analysis", name)), (call, ("analysis", name))))
        },
    )
    made = analysed.disposition or analysed.transcript or analysed.structured
    return (analysed,) if made else ()


def _first_text(*places: tuple[Mapping[str, Any], tuple[str, ...]]) -> str | None:
    return next((text for content, path in places if (text := text_at(content, *path))), None)


def _happened_at(call: Mapping[str, Any], status: CallStatus) -> datetime | None:
    names = _ENDED if status.terminal else _BEGAN if status is CallStatus.IN_PROGRESS else ()
    return next((at for name in names if (at := from_iso(text_at(call, name)))), None)


def _duration(call: Mapping[str, Any]) -> float | None:
    """Seconds; computed from begin and end where they are not reported."""
    duration = number_at(call, "duration")
    began = _happened_at(call, CallStatus.IN_PROGRESS)
    ended = _happened_at(call, CallStatus.COMPLETED)
    if duration is not None or began is None or ended is None:
        return duration
    return max(0.0, (ended - began).total_seconds())
