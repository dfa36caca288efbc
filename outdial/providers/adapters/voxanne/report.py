"""What Voxanne says of a call, in its details as in a webhook, as events of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import CallStatus
from outdial.providers.adapters.voxanne.status import DISPOSITIONS, ENDED_REASON, OUTCOME, STATUS
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import number_at, text_at
from outdial.providers.reports.status_map import Meaning, known_meaning, sharper

_BEGAN = ("startedAt", "started_at")
_ENDED = ("endedAt", "ended_at")


def meaning_of(call: Mapping[str, Any], event: Meaning) -> Meaning:
    """How a call stands, by the exactest word: its outcome, why it ended, its status, the event."""
    meaning = sharper(event, STATUS.meaning_of(text_at(call, "status")))
    if meaning.status is not None and not meaning.status.terminal:
        return meaning
    machine = meaning.answered_by
    for told in (
        ENDED_REASON.meaning_of(text_at(call, "endedReason")),
        known_meaning(OUTCOME, text_at(call, "outcome")),
    ):
        meaning = sharper(meaning, told)
        machine = machine or told.answered_by
    return meaning.model_copy(update={"answered_by": machine})


def status_of(
    call_id: str, call: Mapping[str, Any], meaning: Meaning, seen_at: datetime
) -> tuple[CallEvent, ...]:
    """The status of a call; nothing when it says nothing about that.

    Nothing numbers the events: one is told from others by the call and its status, so that a
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
    said = _first_text((call, ("transcript",)), (call, ("artifact", "transcript")))
    unreached = meaning.status in (CallStatus.BUSY, CallStatus.NO_ANSWER)
    return True if said and not unreached else meaning.answered


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
            name: told
            for name in ("summary", "sentiment", "successEvaluation")
            if (told := _first_text((content, ("analysis", name)), (call, ("analysis", name))))
        },
    )
    made = analysed.disposition or analysed.transcript or analysed.structured
    return (analysed,) if made else ()


def _first_text(*places: tuple[Mapping[str, Any], tuple[str, ...]]) -> str | None:
    return next((told for content, path in places if (told := text_at(content, *path))), None)


def _happened_at(call: Mapping[str, Any], status: CallStatus) -> datetime | None:
    names = _ENDED if status.terminal else _BEGAN if status is CallStatus.IN_PROGRESS else ()
    return next((at for name in names if (at := from_iso(text_at(call, name)))), None)


def _duration(call: Mapping[str, Any]) -> float | None:
    """Seconds; from begin and end where they are not told."""
    told = number_at(call, "duration")
    began = _happened_at(call, CallStatus.IN_PROGRESS)
    ended = _happened_at(call, CallStatus.COMPLETED)
    if told is not None or began is None or ended is None:
        return told
    return max(0.0, (ended - began).total_seconds())
