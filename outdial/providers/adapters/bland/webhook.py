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
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import CallStatus
from outdial.providers.adapters.bland import status
from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.analysis import call_back_in, disposition_in
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at, value_at
from outdial.providers.signing import header_of, require_equal, required_secret

_WORKED_UP = frozenset({"complete", "completed", "complete_error"})
_LONGEST = timedelta(hours=24).total_seconds()
"""Twice what Bland allows; anything beyond is no duration."""


def sign(secret: str, body: bytes) -> str:
    """The value of X-Webhook-Signature."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def verify(headers: Mapping[str, str], body: bytes, secret: str | None) -> None:
    """Raises WebhookRefused unless Bland signed exactly this."""
    given = header_of(headers, "x-webhook-signature").lower()
    require_equal(sign(required_secret(secret), body), given, "X-Webhook-Signature")


def read(body: bytes, now: datetime) -> Sequence[CallEvent]:
    """The events in a verified webhook; none for citations, evaluations and log lines.

    `now` is when it came, for calls without a time. Raises WebhookRefused when the body is none.
    """
    content = object_in(body)
    if value_at(content, "event_type") is not None or value_at(content, "category") is not None:
        return ()
    events = read_call(content, now, worked_up=True)
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
    meaning = status.meaning_of(call)
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
        answered_by=status.answered_by(call),
        detail=word,
    )
    if not ended:
        return (event,)
    talk = {"answered": status.answered(call), "duration_seconds": status.talked_for(call)}
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
        call_back_at=call_back_in(structured),
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
