"""What Voxpria says of a call, in its details as in a webhook, as an event of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import number_at, text_at
from outdial.providers.reports.status_map import Meaning

OUR_ID = "outdialCallId"
"""Our call id among the variables of a call."""

_STRUCTURED = ("outcome", "summary")


def event_of(
    provider_call_id: str, call: Mapping[str, Any], meaning: Meaning, seen_at: datetime
) -> CallEvent | None:
    """None when it says nothing about the status.

    Nothing numbers the events: one is told from others by the call and its status, so that a
    webhook and a look-up tell the same one. The only documented `outcome` is "successful", which
    says no more than the status does, so it is kept and decides nothing.
    """
    if meaning.status is None:
        return None
    return CallEvent(
        event_id=f"{provider_call_id}/{meaning.status}",
        call_id=text_at(call, "variables", OUR_ID),
        provider_call_id=provider_call_id,
        status=meaning.status,
        at=_happened_at(call, meaning.status) or seen_at,
        answered=meaning.answered,
        answered_by=meaning.answered_by,
        failure=meaning.failure,
        detail=text_at(call, "status"),
        duration_seconds=number_at(call, "duration"),
        transcript=text_at(call, "transcript"),
        recording_url=text_at(call, "recording"),
        structured={name: told for name in _STRUCTURED if (told := text_at(call, name))},
    ).by_facts()


def id_of(call: Mapping[str, Any]) -> str | None:
    """`callId` in the API and its webhooks, `id` in the webhooks of the developers' pages."""
    return text_at(call, "callId") or text_at(call, "id")


def _happened_at(call: Mapping[str, Any], status: CallStatus) -> datetime | None:
    if status.terminal:
        return from_iso(text_at(call, "completedAt"))
    if status is CallStatus.IN_PROGRESS:
        return from_iso(text_at(call, "startedAt"))
    return None
