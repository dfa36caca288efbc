"""Webhooks of VozAgent: how they are checked and read.

docs.vozagent.ai names the events; what a delivery looks like, and what is done with the secret
`whsec_…` of a subscription, is in no document. Our choices: the URL registered at VozAgent is
`…/hooks/<line>/<webhook_secret>`; the event's name is read from `event` or `type`, the call
from `data`, `call` or the body itself, with the field names of the call's record. A delivery that
looks otherwise proves nothing, and the call is looked up when it has been silent for too long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import BOOKED, CallStatus
from outdial.providers.port import WebhookReader
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at, value_at
from outdial.providers.reports.status_map import Meaning, load_maps, sharper
from outdial.providers.signing import require_token

_BOOKED = frozenset({"appointment.booked", "appointment.rescheduled"})

_MAPS = load_maps(Path(__file__).with_name("status.json"))

EVENT = _MAPS["event"]
STATUS = _MAPS["status"]

_ANALYSED = ("transcript", "analysis_summary")
"""Fields that are there once VozAgent has looked back on the call."""
_STRUCTURED = {
    "analysis_summary": "summary",
    "call_intent": "call_intent",
    "lead_qualification": "lead_qualification",
}


class VozAgentWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        require_token(url, self.line.credentials.get("webhook_secret"))

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; empty when it is about nothing we follow.

        Raises WebhookRefused when the body is not a JSON object.
        """
        content = object_in(body)
        event = text_at(content, "event") or text_at(content, "type")
        call = object_at(content, "data") or object_at(content, "call") or content
        at = from_iso(text_at(content, "timestamp")) or received_at
        if event in _BOOKED:
            return _booked(event, text_at(call, "call_id"), at)
        named = EVENT.meaning_of(event)
        call_id = text_at(call, "call_id") or text_at(call, "id")
        if named.status is None or call_id is None:
            return ()
        meaning = sharper(named, STATUS.meaning_of(_status_in(call)))
        return events_of(call_id, call, meaning, at)


def _status_in(call: Mapping[str, Any]) -> str | None:
    return text_at(call, "call_status") or text_at(call, "status")


def _booked(event: str, call_id: str | None, at: datetime) -> Sequence[CallEvent]:
    if call_id is None:
        return ()
    return (
        CallEvent(
            event_id=f"{call_id}/{event}",
            kind=EventKind.ANALYSIS,
            provider_call_id=call_id,
            at=at,
            disposition=BOOKED,
            detail=event,
        ),
    )


def events_of(
    call_id: str, call: Mapping[str, Any], meaning: Meaning, seen_at: datetime
) -> tuple[CallEvent, ...]:
    """The status of a call, and its analysis once there is one.

    Neither VozAgent's record nor its webhooks number what they report: an event is recognized
    by the call and its status, so that a webhook and a look-up tell the same one.
    """
    if meaning.status is None:
        return ()
    at = _happened_at(call, meaning.status) or seen_at
    event = CallEvent(
        event_id=f"{call_id}/{meaning.status}",
        provider_call_id=call_id,
        status=meaning.status,
        at=at,
        answered=_answered(call, meaning),
        answered_by=meaning.answered_by,
        failure=meaning.failure,
        detail=text_at(call, "call_status"),
        duration_seconds=number_at(call, "duration_seconds"),
    ).by_facts()
    analysed = meaning.status.terminal and any(text_at(call, name) for name in _ANALYSED)
    return (event, analysis_of(call_id, call, at)) if analysed else (event,)


def _answered(call: Mapping[str, Any], meaning: Meaning) -> bool | None:
    """Whether there was a talk, by what was written down of it."""
    unreached = meaning.status in (CallStatus.BUSY, CallStatus.NO_ANSWER)
    return True if text_at(call, "transcript") and not unreached else meaning.answered


def analysis_of(call_id: str, call: Mapping[str, Any], at: datetime) -> CallEvent:
    return CallEvent(
        event_id=f"{call_id}/analysis",
        kind=EventKind.ANALYSIS,
        provider_call_id=call_id,
        at=at,
        disposition=BOOKED if value_at(call, "appointment_booked") is True else None,
        transcript=text_at(call, "transcript"),
        recording_url=text_at(call, "recording_url"),
        cost=number_at(call, "cost"),
        structured={
            ours: text for name, ours in _STRUCTURED.items() if (text := text_at(call, name))
        },
    )


def _happened_at(call: Mapping[str, Any], status: CallStatus) -> datetime | None:
    if status.terminal:
        return from_iso(text_at(call, "call_ended_at"))
    if status is CallStatus.IN_PROGRESS:
        return from_iso(text_at(call, "call_started_at"))
    return None
