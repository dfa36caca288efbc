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

from outdial.domain.call.event import CallEvent
from outdial.providers.adapters.thinnestai.report import event_of, id_of
from outdial.providers.adapters.thinnestai.status import EVENT, STATUS
from outdial.providers.reports.instants import from_unix
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at
from outdial.providers.reports.status_map import sharper
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


def read(body: bytes, received_at: datetime, *, call_id: str | None) -> Sequence[CallEvent]:
    """The event in a verified webhook; none when it is about nothing we follow.

    Raises WebhookRefused when the body is not a JSON object.
    """
    content = object_in(body)
    told = {**content, **object_at(content, "data")}
    name = text_at(content, "event")
    named = EVENT.meaning_of(name)
    if name is not None and name not in EVENT.rows:
        return ()
    provider_call_id = id_of(told)
    if provider_call_id is None:
        return ()
    meaning = sharper(named, STATUS.meaning_of(text_at(told, "status")))
    event = event_of(provider_call_id, told, meaning, received_at, call_id=call_id)
    return () if event is None else (event,)
