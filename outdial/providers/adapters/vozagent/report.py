"""What VozAgent says of a call, in its record as in a webhook, as events of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import BOOKED, CallStatus
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import number_at, text_at, value_at
from outdial.providers.reports.status_map import Meaning

_ANALYSED = ("transcript", "analysis_summary")
"""Fields that are there once VozAgent has looked back on the call."""
_STRUCTURED = {
    "analysis_summary": "summary",
    "call_intent": "call_intent",
    "lead_qualification": "lead_qualification",
}


def events_of(
    call_id: str, call: Mapping[str, Any], meaning: Meaning, seen_at: datetime
) -> tuple[CallEvent, ...]:
    """The status of a call, and its analysis once there is one.

    Neither VozAgent's record nor its webhooks number what they tell: an event is told from others
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
            ours: told for name, ours in _STRUCTURED.items() if (told := text_at(call, name))
        },
    )


def _happened_at(call: Mapping[str, Any], status: CallStatus) -> datetime | None:
    if status.terminal:
        return from_iso(text_at(call, "call_ended_at"))
    if status is CallStatus.IN_PROGRESS:
        return from_iso(text_at(call, "call_started_at"))
    return None
