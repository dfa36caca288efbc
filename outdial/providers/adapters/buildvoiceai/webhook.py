"""Webhooks of BuildVoiceAI: how they are checked and read.

The reference names three moments, "when calls start, complete, or fail"; two renditions of
docs.buildvoiceai.com/docs/reference/webhook-events name the events differently, so both are read,
as is the payload of the workflow action Webhook (docs/workflows/actions/webhook).

A signing secret exists, but no page says which header carries what over which bytes. Our choice:
the webhook URL registered at BuildVoiceAI is `…/hooks/<line>/<webhook_secret>`. Deliveries
carry no time of signing and no id, so repeated ones are recognized by the call and the content.
"""

from __future__ import annotations

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
from outdial.providers.reports.status_map import load_maps, sharper
from outdial.providers.reports.transcript import transcript_in
from outdial.providers.signing import require_token

OUR_ID = "outdial_call_id"
"""Our call id among the metadata, which is passed through to webhooks."""

_MAPS = load_maps(Path(__file__).with_name("status.json"))

EVENT = _MAPS["event"]
STATUS = _MAPS["status"]
ERROR = _MAPS["error"]


class BuildVoiceAIWebhooks(WebhookReader):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> None:
        require_token(url, self.line.credentials.get("webhook_secret"))

    def read(self, body: bytes, url: str, received_at: datetime) -> Sequence[CallEvent]:
        """The event in a verified webhook; none when it is a test, or about nothing we follow.

        Raises WebhookRefused when the body is no report of BuildVoiceAI.
        """
        content = object_in(body)
        event, status = text_at(content, "event"), text_at(content, "status")
        if content.get("test") is True or (event is None and status is None):
            return ()
        meaning = EVENT.meaning_of(event)
        if event is not None and meaning.status is None:
            return ()
        meaning = sharper(meaning, STATUS.meaning_of(status))
        call_id = text_at(content, "call_id")
        if call_id is None:
            raise WebhookRefused("the body has no call_id")
        if meaning.status is None:
            return ()
        return (
            CallEvent(
                event_id=f"{call_id}/{meaning.status}",
                call_id=text_at(object_at(content, "metadata"), OUR_ID),
                provider_call_id=call_id,
                status=meaning.status,
                at=_happened_at(content, meaning.status) or received_at,
                answered=meaning.answered,
                answered_by=meaning.answered_by,
                failure=meaning.failure,
                detail=status or event,
                **_end_facts(content),
            ).by_facts(),
        )


def _happened_at(content: Mapping[str, Any], status: CallStatus) -> datetime | None:
    name = "ended_at" if status.terminal else "started_at"
    return from_iso(text_at(content, name))


def _end_facts(content: Mapping[str, Any]) -> dict[str, Any]:
    cents, cost = number_at(content, "cost_cents"), number_at(content, "cost")
    seconds = number_at(content, "duration_seconds")
    return {
        "duration_seconds": number_at(content, "duration") if seconds is None else seconds,
        "transcript": transcript_in(content),
        "recording_url": text_at(content, "recording_url"),
        "cost": cost if cents is None else cents / 100,
        "structured": {
            name: text for name in ("summary", "sentiment") if (text := text_at(content, name))
        },
    }
