"""What thinnestAI says of a call, in a status as in a webhook, as an event of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outdial.domain.call.event import CallEvent
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import list_at, number_at, text_at
from outdial.providers.reports.status_map import Meaning


def event_of(
    provider_call_id: str,
    told: Mapping[str, Any],
    meaning: Meaning,
    seen_at: datetime,
    *,
    call_id: str | None = None,
) -> CallEvent | None:
    """None when it says nothing about the status.

    Nothing numbers the events: one is told from others by the call and its status, so that a
    webhook and a look-up tell the same one. Which fields come with an end is in no document;
    those of a call under /v2 are read where they are there.
    """
    if meaning.status is None:
        return None
    at = from_iso(text_at(told, "ended_at")) if meaning.status.terminal else None
    return CallEvent(
        event_id=f"{provider_call_id}/{meaning.status}",
        call_id=call_id,
        provider_call_id=provider_call_id,
        status=meaning.status,
        at=at or from_iso(text_at(told, "timestamp")) or seen_at,
        answered=meaning.answered,
        answered_by=meaning.answered_by,
        failure=meaning.failure,
        detail=text_at(told, "ended_reason") or text_at(told, "status"),
        duration_seconds=_first_number(told, "duration_seconds", "duration"),
        transcript=_transcript(told),
        recording_url=text_at(told, "recording_url"),
        cost=number_at(told, "cost"),
    ).by_facts()


def id_of(told: Mapping[str, Any]) -> str | None:
    """The dial answers with a `call_id`; status and end take a `session_id`, and no document says
    whether they are one. A `session_id` can be asked about, so it goes first where both stand."""
    return text_at(told, "session_id") or text_at(told, "call_id")


def _first_number(told: Mapping[str, Any], *names: str) -> float | None:
    return next((found for name in names if (found := number_at(told, name)) is not None), None)


def _transcript(told: Mapping[str, Any]) -> str | None:
    turns = [
        f"{text_at(turn, 'role') or 'unknown'}: {text_at(turn, 'content') or ''}"
        for turn in list_at(told, "transcript")
    ]
    return text_at(told, "transcript") or "\n".join(turns) or None
