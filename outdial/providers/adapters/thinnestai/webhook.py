"""Webhooks of thinnestAI: how they are checked and read.

A call's own webhook (docs.thinnest.ai/docs/deploy/voice-api) goes to the URL of its dial request.
No document says that it is signed, so that URL ends with the line's secret, and carries our id
as `call_id`. Its body is `{call_id, status, timestamp}`, and the event's name where it is sent.

Webhooks of the account (docs.thinnest.ai/api-reference/webhooks/overview) are signed:
`X-Webhook-Signature: sha256=<hex>`, HMAC-SHA256 over `<X-Webhook-Timestamp>.<body>`. How old one
may be is not said; five minutes is our choice. Their `data` is not described.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent
from outdial.providers.port import WebhookReader
from outdial.providers.reports.instants import from_iso, from_unix
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at
from outdial.providers.reports.status_map import Meaning, load_maps, sharper
from outdial.providers.reports.transcript import transcript_in
from outdial.providers.signing import (
    CALL_ID,
    header_of,
    query_of,
    require_equal,
    require_recent,
    require_token,
    required_secret,
    token_in,
)

TOLERANCE = timedelta(minutes=5)
_SIGNATURE = "x-webhook-signature"
_TIMESTAMP = "x-webhook-timestamp"

_MAPS = load_maps(Path(__file__).with_name("status.json"))

EVENT = _MAPS["event"]
STATUS = _MAPS["status"]


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-Webhook-Signature` for a body sent at a Unix second."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.digest(secret.encode(), signed, hashlib.sha256).hex()


def verify(
    headers: Mapping[str, str],
    body: bytes,
    url: str,
    now: datetime,
    credentials: Mapping[str, str],
) -> None:
    """Raise WebhookRefused unless it came to the URL of a call, or the account signed it."""
    if token_in(url):
        require_token(url, credentials.get("webhook_secret"))
    else:
        secret = required_secret(credentials.get("signing_secret"), "signing_secret")
        timestamp = header_of(headers, _TIMESTAMP)
        require_equal(sign(secret, timestamp, body), header_of(headers, _SIGNATURE), _SIGNATURE)
        require_recent(from_unix(number_at(timestamp)), now, TOLERANCE)


def call_in(url: str) -> str | None:
    """Our id of the call that a verified webhook is about; a webhook of the account has none."""
    return (token_in(url) and query_of(url, CALL_ID)) or None


class ThinnestAIWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        verify(headers, body, url, now, self.line.credentials)

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The event in a verified webhook; none when it is about nothing we follow.

        Raises WebhookRefused when the body is not a JSON object.
        """
        content = object_in(body)
        call = {**content, **object_at(content, "data")}
        name = text_at(content, "event")
        named = EVENT.meaning_of(name)
        if name is not None and name not in EVENT.rows:
            return ()
        provider_call_id = id_of(call)
        if provider_call_id is None:
            return ()
        meaning = sharper(named, STATUS.meaning_of(text_at(call, "status")))
        event = event_of(provider_call_id, call, meaning, received_at, call_id=call_in(url))
        return () if event is None else (event,)


def event_of(
    provider_call_id: str,
    call: Mapping[str, Any],
    meaning: Meaning,
    seen_at: datetime,
    *,
    call_id: str | None = None,
) -> CallEvent | None:
    """None when it says nothing about the status.

    Nothing numbers the events: one is recognized by the call and its status, so that a
    webhook and a look-up tell the same one. Which fields come with an end is in no document;
    those of a call under /v2 are read where they are there.
    """
    if meaning.status is None:
        return None
    at = from_iso(text_at(call, "ended_at")) if meaning.status.terminal else None
    return CallEvent(
        event_id=f"{provider_call_id}/{meaning.status}",
        call_id=call_id,
        provider_call_id=provider_call_id,
        status=meaning.status,
        at=at or from_iso(text_at(call, "timestamp")) or seen_at,
        answered=meaning.answered,
        answered_by=meaning.answered_by,
        failure=meaning.failure,
        detail=text_at(call, "ended_reason") or text_at(call, "status"),
        duration_seconds=_first_number(call, "duration_seconds", "duration"),
        transcript=transcript_in(call),
        recording_url=text_at(call, "recording_url"),
        cost=number_at(call, "cost"),
    ).by_facts()


def id_of(call: Mapping[str, Any]) -> str | None:
    """The dial answers with a `call_id`; status and end take a `session_id`, and no document says
    whether they are one. A `session_id` can be asked about, so it goes first where both stand."""
    return text_at(call, "session_id") or text_at(call, "call_id")


def _first_number(call: Mapping[str, Any], *names: str) -> float | None:
    return next((number for name in names if (number := number_at(call, name)) is not None), None)
