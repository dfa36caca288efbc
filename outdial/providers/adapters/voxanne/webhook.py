"""Webhooks of Voxanne: how they are checked and read.

voxanne.ai/api-reference shows the header `x-vapi-signature` over the event, and three types:
`call.started`, `call.ended`, `appointment.booked`. It does not show the algorithm. Our choice is
what the product's public source does when it receives such events: HMAC-SHA256 in hex over
`<x-vapi-timestamp>.<body>`, at most 300 seconds old. A sender that knows the reference alone has
no timestamp, so the same over the body alone is taken too. That has no replay window; a repeated
event changes nothing. Taking the timestamp out of a signed request does not make it the latter.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import BOOKED
from outdial.providers.adapters.voxanne.report import analysis_of, meaning_of, status_of
from outdial.providers.adapters.voxanne.status import EVENT
from outdial.providers.reports.instants import from_unix
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at
from outdial.providers.signing import header_of, require_equal, require_recent, required_secret

TOLERANCE = timedelta(seconds=300)
SIGNATURE = "x-vapi-signature"
TIMESTAMP = "x-vapi-timestamp"
_ANALYSED = frozenset({"end-of-call-report", "call.transcribed"})
_BOOKED = "appointment.booked"


def sign(secret: str, body: bytes, timestamp: str = "") -> str:
    """The value of `x-vapi-signature`, with the value of `x-vapi-timestamp` if one is sent."""
    signed = timestamp.encode() + b"." + body if timestamp else body
    return hmac.digest(secret.encode(), signed, hashlib.sha256).hex()


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Raise WebhookRefused unless exactly this body was signed, and recently where it says when."""
    timestamp = header_of(headers, TIMESTAMP)
    expected = sign(required_secret(secret), body, timestamp)
    require_equal(expected, header_of(headers, SIGNATURE), SIGNATURE)
    if timestamp:
        require_recent(from_unix(number_at(timestamp)), now, TOLERANCE)


def read(body: bytes, received_at: datetime) -> Sequence[CallEvent]:
    """The events in a verified webhook; empty when it is about nothing we follow.

    Raises WebhookRefused when the body is not a JSON object.
    """
    content = object_in(body)
    kind, call = text_at(content, "type"), object_at(content, "call")
    if kind == _BOOKED:
        return _booked(
            text_at(content, "appointment", "call_id") or text_at(call, "id"), received_at
        )
    named, call_id = EVENT.meaning_of(kind), text_at(call, "id")
    if call_id is None:
        return ()
    if kind in _ANALYSED:
        return analysis_of(call_id, content, call, received_at)
    if named.status is None:
        return ()
    events = status_of(call_id, call, meaning_of(call, named), received_at)
    ended = any(event.status and event.status.terminal for event in events)
    return (*events, *analysis_of(call_id, content, call, received_at)) if ended else events


def _booked(call_id: str | None, at: datetime) -> Sequence[CallEvent]:
    """No document says where an appointment names its call; in the source it is `call_id`."""
    if call_id is None:
        return ()
    return (
        CallEvent(
            event_id=f"{call_id}/{_BOOKED}",
            kind=EventKind.ANALYSIS,
            provider_call_id=call_id,
            at=at,
            disposition=BOOKED,
            detail=_BOOKED,
        ),
    )
