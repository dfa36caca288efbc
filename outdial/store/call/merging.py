"""What all events of a call amount to. Pure, and the same in whatever order they came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.evidence import ANSWERERS, denies_answer, was_answered
from outdial.domain.call.status import AnsweredBy, CallStatus, advance

_LATEST = (
    "duration_seconds",
    "disposition",
    "redial_at",
    "transcript",
    "recording_url",
    "cost",
)
"""Fields of which the latest word counts."""


@dataclass(frozen=True, slots=True)
class Heard:
    status: CallStatus
    """As far as events alone move it: never to an end, which the call's workflow records."""
    values: dict[str, Any]
    """Columns of the call; what nobody told is left out."""
    provider_call_id: str | None
    answered: bool
    """Whether any of them proves that the call was answered."""
    ending: CallEvent | None
    """The last that told of an end."""


def merge(events: Iterable[CallEvent]) -> Heard:
    """Fold events by the time at which they happened; repeated ones change nothing."""
    ordered = sorted(events, key=lambda event: (event.at, event.event_id))
    status = CallStatus.QUEUED
    values: dict[str, Any] = {}
    structured: dict[str, Any] = {}
    provider_call_id = None
    for event in ordered:
        provider_call_id = provider_call_id or event.provider_call_id
        if event.status is not None and not event.status.terminal:
            status = advance(status, event.status)
        structured.update(event.structured)
        _put(values, event)
    if structured:
        values["structured"] = structured
    ends = [event for event in ordered if event.status is not None and event.status.terminal]
    ending = ends[-1] if ends else None
    return Heard(status, values, provider_call_id, _answered(ordered, ending), ending)


def _answered(events: Sequence[CallEvent], ending: CallEvent | None) -> bool:
    """Whether any event proves an answer. What was worked out after an end that denies one is no
    proof: an agent may greet a telephone that rings."""
    if any(event.unserved for event in events):
        return False
    denied = ending is not None and denies_answer(ending)
    return any(
        was_answered(event, event.transcript) is True
        for event in events
        if not denied or event.status is not None or event.answered_by in ANSWERERS
    )


def _put(values: dict[str, Any], event: CallEvent) -> None:
    for name in _LATEST:
        told = getattr(event, name)
        if told is not None:
            values[name] = told
    if event.answered_by is not None:
        known = values.get("answered_by", AnsweredBy.UNKNOWN)
        if event.answered_by is not AnsweredBy.UNKNOWN or known == AnsweredBy.UNKNOWN:
            values["answered_by"] = event.answered_by.value
    if event.status is CallStatus.RINGING:
        _put_first(values, "ringing_at", event.at)
    elif event.status is CallStatus.IN_PROGRESS and was_answered(event):
        _put_first(values, "answered_at", event.at)
    if event.kind is EventKind.ANALYSIS:
        _put_first(values, "analysed_at", event.at)


def _put_first(values: dict[str, Any], name: str, at: datetime) -> None:
    values.setdefault(name, at)
