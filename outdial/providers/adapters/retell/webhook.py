"""Retell's webhooks and call objects as events.

docs.retellai.com/features/webhook-overview: `call_started`, `call_ended`, `call_analyzed`, each
with the call object. There is no event id, so an event is known by its call and status.
Signature as retell-python-sdk lib/webhook_auth.py does it: HMAC-SHA256 with the API key over the
body and the time in milliseconds.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.providers.credentials import required_credential
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import WebhookReader
from outdial.providers.reports.analysis import disposition_in, redial_time_in
from outdial.providers.reports.instants import from_milliseconds
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at, value_at
from outdial.providers.reports.status_map import Meaning, load_maps
from outdial.providers.signing import header_of, require_equal, require_recent, required_secret

TOLERANCE = timedelta(minutes=5)

_SIGNATURE = re.compile(r"v=([0-9]{1,15}),d=([0-9a-f]{64})")
FOLLOWED = frozenset({"call_started", "call_ended", "call_analyzed"})

_MAPS = load_maps(Path(__file__).with_name("status.json"))

_STOPPED_BY_US = "manual_stopped"


def sign(api_key: str, body: bytes, milliseconds: int) -> str:
    """The value of x-retell-signature."""
    signed = body + str(milliseconds).encode()
    digest = hmac.digest(api_key.encode(), signed, hashlib.sha256).hex()
    return f"v={milliseconds},d={digest}"


def verify(headers: Mapping[str, str], body: bytes, api_key: str | None, now: datetime) -> None:
    """Raises WebhookRefused unless Retell signed exactly this within `TOLERANCE` of now."""
    given = header_of(headers, "x-retell-signature")
    signature = _SIGNATURE.fullmatch(given)
    if signature is None:
        raise WebhookRefused("x-retell-signature is missing or not v=<ms>,d=<hex>")
    milliseconds = int(signature[1])
    expected = sign(required_secret(api_key, "api_key"), body, milliseconds)
    require_equal(expected.split("d=")[1], signature[2], "x-retell-signature")
    require_recent(from_milliseconds(milliseconds), now, TOLERANCE)


class RetellWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        verify(headers, body, required_credential(self.line, "api_key"), now)

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The events in a verified webhook; none for what is not about how a call goes.

        Raises WebhookRefused when the body is none.
        """
        content = object_in(body)
        if text_at(content, "event") not in FOLLOWED:
            return ()
        events = read_call(object_at(content, "call"), received_at)
        if not events:
            raise WebhookRefused("call.call_id is missing or can't be read")
        return events


def read_call(call: Mapping[str, Any], now: datetime) -> Sequence[CallEvent]:
    """The events in a call object; empty when it can't be read."""
    number, word = text_at(call, "call_id"), text_at(call, "call_status")
    if number is None:
        return ()
    reason = text_at(call, "disconnection_reason")
    duration = number_at(call, "duration_ms")
    started, over = (_instant(call, name) for name in ("start_timestamp", "end_timestamp"))
    talked = started is not None and duration is not None and duration > 0
    meaning = status_of(word, reason, talked=talked)
    ended = meaning.status is not None and meaning.status.terminal
    denied = meaning.status in (CallStatus.BUSY, CallStatus.NO_ANSWER)
    at = (over if ended else started) or started or now
    event = CallEvent(
        event_id=f"{number}:{'ended' if ended else meaning.status or word}",
        call_id=text_at(call, "metadata", "call_id"),
        provider_call_id=number,
        status=meaning.status,
        at=at,
        failure=meaning.failure,
        answered_by=meaning.answered_by,
        disposition=meaning.disposition,
        detail=reason or word,
        answered=True if ended and talked and not denied else None,
        duration_seconds=max(0.0, duration) / 1000 if ended and talked and duration else None,
    ).by_facts()
    if not ended:
        return (event,)
    talk_known = event.status is CallStatus.COMPLETED and duration is not None
    lasted = max(0.0, duration or 0.0) / 1000 if talk_known else None
    event = event.model_copy(update={"duration_seconds": lasted})
    return (event, *_analysis(call, event))


def _analysis(call: Mapping[str, Any], end: CallEvent) -> Sequence[CallEvent]:
    """What was made of the talk, once it is there."""
    analysis = value_at(call, "call_analysis")
    if not isinstance(analysis, dict):
        return ()
    structured = object_at(analysis, "custom_analysis_data")
    cents = number_at(call, "call_cost", "combined_cost")
    return (
        CallEvent(
            event_id=f"{end.provider_call_id}:analysis",
            kind=EventKind.ANALYSIS,
            call_id=end.call_id,
            provider_call_id=end.provider_call_id,
            at=end.at,
            answered_by=AnsweredBy.MACHINE if analysis.get("in_voicemail") is True else None,
            # Who asked not to be called again has, whatever the analysis makes of it.
            disposition=end.disposition or disposition_in(structured),
            redial_at=redial_time_in(structured),
            transcript=text_at(call, "transcript"),
            recording_url=text_at(call, "recording_url"),
            cost=None if cents is None else cents / 100,
            structured=structured,
        ),
    )


def _instant(call: Mapping[str, Any], name: str) -> datetime | None:
    return from_milliseconds(number_at(call, name))


def status_of(word: str | None, reason: str | None, *, talked: bool) -> Meaning:
    """A call_status; how a call ended is refined by its disconnection_reason.

    `talked` is whether it lasted: stopped by us then, it was completed.
    """
    meaning = _MAPS["call_status"].meaning_of(word)
    if reason is None or (meaning.status is not None and not meaning.status.terminal):
        return meaning
    if reason == _STOPPED_BY_US and talked:
        return Meaning(status=CallStatus.COMPLETED)
    return _MAPS["disconnection_reason"].meaning_of(reason)
