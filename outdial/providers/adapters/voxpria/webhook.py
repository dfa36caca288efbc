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
from pathlib import Path
from typing import Any

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import WebhookReader
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.payload import number_at, object_at, object_in, text_at
from outdial.providers.reports.status_map import Meaning, load_maps, sharper
from outdial.providers.signing import header_of, require_equal, required_secret

SIGNATURE = "x-voxpria-signature"

_MAPS = load_maps(Path(__file__).with_name("status.json"))

EVENT = _MAPS["event"]
STATUS = _MAPS["status"]

OUR_ID = "outdialCallId"
"""Our call id among the variables of a call."""

_STRUCTURED = ("outcome", "summary")


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


class VoxpriaWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        verify(headers, body, self.line.credentials.get("webhook_secret", ""))

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
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


def event_of(
    provider_call_id: str, call: Mapping[str, Any], meaning: Meaning, seen_at: datetime
) -> CallEvent | None:
    """None when it says nothing about the status.

    Nothing numbers the events: one is recognized by the call and its status, so that a
    webhook and a look-up tell the same one. The only documented `outcome` is "successful", which
    says no more than the status does, so it is kept and decides nothing.
    """
    if meaning.status is None:
        return None
    return CallEvent(
        event_id=f"{provider_call_id}/{meaning.status}",
        call_id=text_at(call, "variables", OUR_ID),
        provider_call_id=provider_call_id,
        status=meaning.status,
        at=_happened_at(call, meaning.status) or seen_at,
        answered=meaning.answered,
        answered_by=meaning.answered_by,
        failure=meaning.failure,
        detail=text_at(call, "status"),
        duration_seconds=number_at(call, "duration"),
        transcript=text_at(call, "transcript"),
        recording_url=text_at(call, "recording"),
        structured={name: text for name in _STRUCTURED if (text := text_at(call, name))},
    ).by_facts()


def id_of(call: Mapping[str, Any]) -> str | None:
    """`callId` in the API and its webhooks, `id` in the webhooks of the developers' pages."""
    return text_at(call, "callId") or text_at(call, "id")


def _happened_at(call: Mapping[str, Any], status: CallStatus) -> datetime | None:
    if status.terminal:
        return from_iso(text_at(call, "completedAt"))
    if status is CallStatus.IN_PROGRESS:
        return from_iso(text_at(call, "startedAt"))
    return None
