"""What Bland's words mean; the words stand in status.json.

Why something was refused or failed Bland tells in sentences alone, so those that it documents
are data too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.reports.payload import number_at, text_at, value_at
from outdial.providers.reports.status_map import Meaning, load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))

_NO_ANSWER = "no-answer"
_DO_NOT_CALL = "DNC Error"


def meaning_of(call: Mapping[str, Any]) -> Meaning:
    """Where a call is: `status` once it is over, until then `queue_status`."""
    queue = _MAPS["queue_status"].meaning_of(text_at(call, "queue_status"))
    word = text_at(call, "status")
    if word is None:
        unanswered = text_at(call, "answered_by") == _NO_ANSWER
        if queue.status is CallStatus.COMPLETED and unanswered:
            return Meaning(status=CallStatus.NO_ANSWER)
        return queue
    goes_on = queue.status is not None and not queue.status.terminal
    if goes_on and value_at(call, "completed") is not True:
        return queue
    meaning = _MAPS["status"].meaning_of(word)
    if meaning.status is CallStatus.FAILED:
        return _explained(text_at(call, "error_message")) or meaning
    return meaning


def answered_by(call: Mapping[str, Any]) -> AnsweredBy | None:
    return _MAPS["answered_by"].meaning_of(text_at(call, "answered_by")).answered_by


def answered(call: Mapping[str, Any]) -> bool | None:
    """Whether they talked, by `call_length`: `corrected_duration` has the ringing in it."""
    if text_at(call, "answered_by") == _NO_ANSWER:
        return False
    unreached = meaning_of(call).status in (CallStatus.BUSY, CallStatus.NO_ANSWER)
    lasted = (talked_for(call) or 0) > 0
    said = bool((text_at(call, "concatenated_transcript") or "").strip())
    return True if (lasted or said) and not unreached else None


def talked_for(call: Mapping[str, Any]) -> float | None:
    """The seconds of `call_length`, which is in minutes."""
    minutes = number_at(call, "call_length")
    return None if minutes is None else minutes * 60


def failure_of(content: Any) -> FailureClass | None:
    """The class of a refusal; None for one that says nothing more than the HTTP status."""
    if text_at(content, "status") == _DO_NOT_CALL:
        return FailureClass.REJECTED
    said = text_at(content, "message") or text_at(content, "error")
    return _MAPS["message"].meaning_of(said).failure


def _explained(message: str | None) -> Meaning | None:
    rows = _MAPS["error_phrase"].rows
    return next((rows[phrase] for phrase in rows if phrase in (message or "")), None)
