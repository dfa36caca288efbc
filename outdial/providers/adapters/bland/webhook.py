"""Bland's post-call webhook and call objects as events.

docs.bland.ai/tutorials/post-call-webhooks: one webhook once a call is over, with the call object.
Signature as docs.bland.ai/tutorials/webhook-signing: HMAC-SHA256 of the body in hex. It has no
time, so a replay is genuine: it is known by its event id.
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
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at, value_at
from outdial.providers.reports.status_map import Meaning, load_maps
from outdial.providers.signing import header_of, require_equal, required_secret

_WORKED_UP = frozenset({"complete", "completed", "complete_error"})
_LONGEST = timedelta(hours=24).total_seconds()
"""Twice what Bland allows; anything beyond is no duration."""

_MAPS = load_maps(Path(__file__).with_name("status.json"))

_NO_ANSWER = "no-answer"
_DO_NOT_CALL = "DNC Error"


def sign(secret: str, body: bytes) -> str:
    """The value of X-Webhook-Signature."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def verify(headers: Mapping[str, str], body: bytes, secret: str | None) -> None:
    """Raises WebhookRefused unless Bland signed exactly this."""
    given = header_of(headers, "x-webhook-signature").lower()
    require_equal(sign(required_secret(secret), body), given, "X-Webhook-Signature")


class BlandWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        verify(headers, body, self.line.credentials.get("webhook_secret"))

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; none for citations, evaluations and log lines.

        Raises WebhookRefused when the body is none.
        """
        content = object_in(body)
        if value_at(content, "event_type") is not None or value_at(content, "category") is not None:
            return ()
        events = read_call(content, received_at, worked_up=True)
        if not events:
            raise WebhookRefused("call_id is missing or can't be read")
        return events


def read_call(
    call: Mapping[str, Any], now: datetime, *, worked_up: bool = False
) -> Sequence[CallEvent]:
    """The events in a call object; empty when it can't be read.

    `worked_up` is whether Bland has made of the talk all that it will; else the call says so.
    """
    number = text_at(call, "call_id") or text_at(call, "c_id")
    if number is None:
        return ()
    meaning = meaning_of(call)
    ended = meaning.status is not None and meaning.status.terminal
    word = text_at(call, "status") or text_at(call, "queue_status") or "unknown"
    made, started = (from_iso(text_at(call, name)) for name in ("created_at", "started_at"))
    seconds = _seconds(call) if ended else None
    lasted = _plausible(number_at(call, "corrected_duration"))
    lasted = seconds if lasted is None else lasted
    over = started + timedelta(seconds=lasted) if started and lasted is not None else now
    live = started if meaning.status is CallStatus.IN_PROGRESS else made
    event = CallEvent(
        event_id=f"{number}:{'ended' if ended else meaning.status or word}",
        call_id=text_at(call, "metadata", "call_id"),
        provider_call_id=number,
        status=meaning.status,
        at=over if ended else live or now,
        failure=meaning.failure,
        answered_by=answered_by(call),
        detail=word,
    )
    if not ended:
        return (event,)
    talk = {"answered": answered(call), "duration_seconds": talked_for(call)}
    event = event.model_copy(update=talk).by_facts()
    lasted = seconds if event.status is CallStatus.COMPLETED else None
    event = event.model_copy(update={"duration_seconds": lasted})
    done = worked_up or text_at(call, "queue_status") in _WORKED_UP
    return (event, _analysis(call, event)) if done else (event,)


def _analysis(call: Mapping[str, Any], end: CallEvent) -> CallEvent:
    structured = object_at(call, "analysis")
    return CallEvent(
        event_id=f"{end.provider_call_id}:analysis",
        kind=EventKind.ANALYSIS,
        call_id=end.call_id,
        provider_call_id=end.provider_call_id,
        at=end.at,
        disposition=disposition_in(structured) or text_at(call, "disposition_tag"),
        redial_at=redial_time_in(structured),
        transcript=text_at(call, "concatenated_transcript"),
        recording_url=text_at(call, "recording_url"),
        cost=number_at(call, "price"),
        structured=structured,
    )


def _seconds(call: Mapping[str, Any]) -> float | None:
    """How long they talked, from `call_length` in minutes; `corrected_duration`, in seconds, has
    the ringing in it, and counts only where the other is missing."""
    minutes = number_at(call, "call_length")
    talked = number_at(call, "corrected_duration") if minutes is None else minutes * 60
    return _plausible(talked)


def _plausible(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0 <= seconds <= _LONGEST else None


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
    transcribed = bool((text_at(call, "concatenated_transcript") or "").strip())
    return True if (lasted or transcribed) and not unreached else None


def talked_for(call: Mapping[str, Any]) -> float | None:
    """The seconds of `call_length`, which is in minutes."""
    minutes = number_at(call, "call_length")
    return None if minutes is None else minutes * 60


def failure_of(content: Any) -> FailureClass | None:
    """The class of a refusal; None for one that says nothing more than the HTTP status."""
    if text_at(content, "status") == _DO_NOT_CALL:
        return FailureClass.REJECTED
    message = text_at(content, "message") or text_at(content, "error")
    return _MAPS["message"].meaning_of(message).failure


def _explained(message: str | None) -> Meaning | None:
    rows = _MAPS["error_phrase"].rows
    return next((rows[phrase] for phrase in rows if phrase in (message or "")), None)
