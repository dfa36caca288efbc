"""Voxanne's webhooks, as the handler of its API reference reads them (voxanne.ai/api-reference):
`{type, call | appointment}` with the header `x-vapi-signature`.

What is signed is not said. The handler verifies with the parsed event and the signature alone, so
it is HMAC-SHA256 in hex, with the endpoint's secret, over the body and nothing else; the body is
written as JavaScript's `JSON.stringify` writes it again. No timestamp goes along: the product's
public source, which wants one, would take it for part of what was signed.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from dialects.port import USER_AGENT, Dialect, Event, Message, compact
from domain.endpoint import Endpoint, EventType

STARTED, ENDED, BOOKED = "call.started", "call.ended", "appointment.booked"
WORDS: dict[str, str] = {
    EventType.CALL_IN_PROGRESS: STARTED,
    EventType.CALL_COMPLETED: ENDED,
    EventType.CALL_NO_ANSWER: ENDED,
    EventType.CALL_BUSY: ENDED,
    EventType.CALL_FAILED: ENDED,
    EventType.CALL_CANCELED: ENDED,
    EventType.APPOINTMENT_BOOKED: BOOKED,
}
_CENT_DIGITS = 4
"""More digits than any price has; Python and JavaScript write longer ones differently."""


class VoxanneWebhooks(Dialect):
    name = "voxanne"

    def write(self, event: Event, to: Endpoint, now: datetime) -> Message | None:
        word = WORDS.get(event.type)
        if word is None:
            return None
        told: dict[str, Any] = {"type": word}
        if word == BOOKED:
            told["appointment"] = event.data
        else:
            told |= _call(event.type, event.data)
        body = compact(told)
        signature = hmac.digest(to.secret.encode(), body.encode(), hashlib.sha256).hex()
        return Message(
            headers={
                "content-type": "application/json",
                "user-agent": USER_AGENT,
                "x-vapi-signature": signature,
            },
            body=body,
        )


def _call(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    status = event_type.removeprefix("call.")
    duration, cost = data.get("duration_seconds"), data.get("cost")
    call: dict[str, Any] = {
        "id": data["id"],
        "status": "cancelled" if status == "canceled" else status,
        "duration": None if duration is None else round(duration),
        "assistantId": data.get("agent"),
        "customer": {"number": data.get("to"), "name": None},
        "cost": None if cost is None else round(cost, _CENT_DIGITS),
        "endedReason": data.get("outcome") or data.get("detail"),
        "startedAt": data.get("answered_at"),
        "endedAt": data.get("ended_at"),
    }
    if event_type == EventType.CALL_IN_PROGRESS:
        return {"call": call}
    artifacts = {"transcript": data.get("transcript"), "recordingUrl": data.get("recording_url")}
    return {"call": call | artifacts, **artifacts}
