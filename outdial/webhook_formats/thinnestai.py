"""A call's own webhooks as thinnestAI sends them to its `webhook_url`.

docs.thinnest.ai/docs/deploy/voice-api names the events; docs/voice/outbound-calls shows the body
`{call_id, status, timestamp}`, without a name. Both are sent. How they are signed is not said: the
headers are those of the account's webhooks (docs.thinnest.ai/api-reference/webhooks/overview),
HMAC-SHA256 in hex over `<timestamp>.<body>`.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from outdial.domain.endpoint import Endpoint, EventType
from outdial.webhook_formats.port import Event, Message, WebhookFormat, compact
from outdial.webhook_formats.words import seconds_of, without_ringing, zulu

_EVENTS: dict[str, tuple[str, str]] = {
    EventType.CALL_INITIATING: ("call.initiating", "initiating"),
    EventType.CALL_RINGING: ("call.ringing", "ringing"),
    EventType.CALL_IN_PROGRESS: ("call.in_progress", "in_progress"),
    EventType.CALL_COMPLETED: ("call.completed", "completed"),
    EventType.CALL_NO_ANSWER: ("call.no_answer", "no_answer"),
    EventType.CALL_FAILED: ("call.failed", "failed"),
    EventType.CALL_BUSY: ("call.failed", "busy"),  # it has no event of its own
    EventType.CALL_CANCELED: ("call.failed", "failed"),
    EventType.TEST: ("webhook.test", "completed"),
}
"""The event and the status it carries."""
_ENDS = frozenset({"call.completed", "call.no_answer", "call.failed"})


class ThinnestAIWebhooks(WebhookFormat):
    name = "thinnestai"

    def write(self, event: Event, to: Endpoint, now: datetime) -> Message | None:
        if event.type not in _EVENTS:
            return None
        word, status = _EVENTS[event.type]
        body = compact(_body(event, word, status))
        timestamp = str(int(now.timestamp()))
        signed = f"{timestamp}.{body}".encode()
        signature = hmac.digest(to.secret.encode(), signed, hashlib.sha256).hex()
        return Message(
            headers={
                "content-type": "application/json",
                "user-agent": "ThinnestAI-Webhooks/1.0",
                "x-webhook-signature": f"sha256={signature}",
                "x-webhook-timestamp": timestamp,
                "x-webhook-event": word,
                "x-webhook-delivery-id": event.id,
            },
            body=body,
        )


def _body(event: Event, word: str, status: str) -> dict[str, Any]:
    data = without_ringing(event.data)
    body: dict[str, Any] = {
        "event": word,
        "call_id": data.get("id"),
        "status": status,
        "timestamp": zulu(event.at),
        "agent_id": data.get("agent"),
        "to_number": data.get("to"),
        "from_number": data.get("from"),
        "context": data.get("context", {}),
    }
    if word in _ENDS:
        body |= {
            "duration": seconds_of(data),
            "ended_reason": data.get("outcome") or data.get("detail"),
            "recording_url": data.get("recording_url"),
            "transcript": data.get("transcript"),
        }
    return body
