"""Webhooks of Voxpria: how they are checked and read (voxpria.com/docs/webhooks-api).

`x-voxpria-signature: sha256=<hex>`, HMAC-SHA256 with the webhook's secret over the body as Node's
`JSON.stringify` writes it. That is the body itself, unless somebody on the way wrote it anew; then
the same content without spaces is tried. The signature holds no time and has no replay window; a
repeated event changes nothing. (voxpria.com/developers/webhooks shows another header, without the
bytes it signs; the page beside the Calls API is believed.)
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from outdial.domain.call.event import CallEvent
from outdial.providers.adapters.voxpria.report import event_of, id_of
from outdial.providers.adapters.voxpria.status import EVENT, STATUS
from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import object_at, object_in, text_at
from outdial.providers.reports.status_map import sharper
from outdial.providers.signing import header_of, require_equal, required_secret

SIGNATURE = "x-voxpria-signature"


def sign(secret: str, body: bytes) -> str:
    """The value of `x-voxpria-signature`."""
    return "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raise WebhookRefused unless exactly this content was signed."""
    key, given = required_secret(secret), header_of(headers, SIGNATURE)
    try:
        require_equal(sign(key, body), given, SIGNATURE)
    except WebhookRefused:
        require_equal(sign(key, _stringified(body)), given, SIGNATURE)


def read(body: bytes, received_at: datetime) -> Sequence[CallEvent]:
    """The event in a verified webhook; none when it is about nothing we follow.

    Raises WebhookRefused when the body is not a JSON object.
    """
    content = object_in(body)
    call = object_at(content, "data")
    named, call_id = EVENT.meaning_of(text_at(content, "event")), id_of(call)
    if named.status is None or call_id is None:
        return ()
    meaning = sharper(named, STATUS.meaning_of(text_at(call, "status")))
    sent_at = from_iso(text_at(content, "timestamp")) or received_at
    event = event_of(call_id, call, meaning, sent_at)
    return () if event is None else (event,)


def _stringified(body: bytes) -> bytes:
    return json.dumps(object_in(body), separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "replace"
    )
