"""Voxpria's webhooks (voxpria.com/docs/webhooks-api): `{event, timestamp, data}`, signed by
`x-voxpria-signature: sha256=<hex>`, HMAC-SHA256 with the webhook's secret over the body as Node's
`JSON.stringify` writes it. Two other pages show other names and another header; this one stands
beside the Calls API."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from outdial.domain.endpoint import Endpoint, EventType
from outdial.webhook_formats.port import USER_AGENT, Event, Message, WebhookFormat, compact
from outdial.webhook_formats.words import Words, seconds_of, without_ringing, zulu

WORDS = Words(
    {
        "call.started": (EventType.CALL_IN_PROGRESS,),
        "call.completed": (EventType.CALL_COMPLETED,),
        "call.failed": (
            EventType.CALL_FAILED,
            EventType.CALL_NO_ANSWER,
            EventType.CALL_BUSY,
            EventType.CALL_CANCELED,
        ),
        "campaign.started": (EventType.CAMPAIGN_STARTED,),
        "campaign.finished": (EventType.CAMPAIGN_FINISHED,),
        "campaign.paused": (EventType.CAMPAIGN_PAUSED,),
    }
)


class VoxpriaWebhooks(WebhookFormat):
    name = "voxpria"

    def write(self, event: Event, to: Endpoint, now: datetime) -> Message | None:
        word = WORDS.word_of(event.type)
        if word is None and event.type != EventType.TEST:
            return None
        body = compact(
            {"event": word or event.type, "timestamp": zulu(event.at), "data": _data(event)}
        )
        signature = hmac.digest(to.secret.encode(), body.encode(), hashlib.sha256).hex()
        return Message(
            headers={
                "content-type": "application/json",
                "user-agent": USER_AGENT,
                "x-voxpria-signature": f"sha256={signature}",
            },
            body=body,
        )


def _data(event: Event) -> dict[str, Any]:
    """The page's members, and whose agent spoke. The call's variables are left out: Node would
    put members named like numbers first, and so verify other bytes."""
    data = without_ringing(event.data)
    if "campaign" in data and "id" not in data:
        return {"id": data["campaign"], "name": data["campaign"], "status": data["state"]}
    if "id" not in data:
        return {"test": True}
    canceled = data["status"] == "canceled"
    return {
        "callId": data["id"],
        "status": "failed" if canceled else data["status"],
        "duration": seconds_of(data),
        "toNumber": data["to"],
        "agentId": data["agent"],
        "recording": data.get("recording_url"),
        "transcript": data.get("transcript"),
    }
