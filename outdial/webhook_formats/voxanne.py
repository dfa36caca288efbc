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
from datetime import datetime, timedelta
from typing import Any, Literal

from outdial.domain.appointment.appointment import AppointmentStatus
from outdial.domain.endpoint import Endpoint, EventType
from outdial.webhook_formats.port import USER_AGENT, Event, Message, WebhookFormat, compact
from outdial.webhook_formats.words import millis, millis_of

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
AppointmentWord = Literal[
    "pending", "confirmed", "in_progress", "completed", "cancelled", "no_show"
]
APPOINTMENT_STATUS: dict[AppointmentStatus, AppointmentWord] = {
    AppointmentStatus.BOOKED: "pending",
    AppointmentStatus.CONFIRMED: "confirmed",
    AppointmentStatus.IN_PROGRESS: "in_progress",
    AppointmentStatus.COMPLETED: "completed",
    AppointmentStatus.CANCELED: "cancelled",
    AppointmentStatus.NO_SHOW: "no_show",
}
"""What a call has booked is pending until it is confirmed."""
CUSTOMER, CONFIRMATION = "customer_name", "confirmation_sent"
"""In an appointment's details."""
_CENT_DIGITS = 4
"""More digits than any price has; Python and JavaScript write longer ones differently."""


class VoxanneWebhooks(WebhookFormat):
    name = "voxanne"

    def write(self, event: Event, to: Endpoint, now: datetime) -> Message | None:
        word = WORDS.get(event.type)
        if word is None:
            return None
        document: dict[str, Any] = {"type": word}
        if word == BOOKED:
            document["appointment"] = _appointment(event.data)
        else:
            document |= _call(event.type, event.data)
        body = compact(document)
        signature = hmac.digest(to.secret.encode(), body.encode(), hashlib.sha256).hex()
        return Message(
            headers={
                "content-type": "application/json",
                "user-agent": USER_AGENT,
                "x-vapi-signature": signature,
            },
            body=body,
        )


def _appointment(data: dict[str, Any]) -> dict[str, Any]:
    """The members of the API's appointment, and those of ours that it has not."""
    starts, ends = (datetime.fromisoformat(data[name]) for name in ("starts_at", "ends_at"))
    details = data.get("details") or {}
    return data | {
        "service_type": data["title"],
        "scheduled_time": millis(starts),
        "scheduled_at": millis(starts),
        "duration_minutes": (ends - starts) // timedelta(minutes=1),
        "status": APPOINTMENT_STATUS[data["status"]],
        "confirmation_sent": bool(details.get(CONFIRMATION)),
        "contact_name": data.get("contact_name") or details.get(CUSTOMER),
        "phone_number": data["phone"] or None,
        "created_at": millis_of(data.get("created_at")),
        "updated_at": millis_of(data.get("updated_at")),
        "deleted_at": None,
    }


def _call(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    status = event_type.removeprefix("call.")
    duration, cost = data.get("duration_seconds"), data.get("cost")
    call: dict[str, Any] = {
        "id": data["id"],
        "status": "cancelled" if status == "canceled" else status,
        "duration": None if duration is None else round(duration),
        "assistantId": data.get("agent"),
        "customer": {"number": data.get("to"), "name": data.get("contact_name")},
        "cost": None if cost is None else round(cost, _CENT_DIGITS),
        "endedReason": data.get("outcome") or data.get("detail"),
        "startedAt": millis_of(data.get("answered_at")),
        "endedAt": millis_of(data.get("ended_at")),
    }
    if event_type == EventType.CALL_IN_PROGRESS:
        return {"call": call}
    artifacts = {"transcript": data.get("transcript"), "recordingUrl": data.get("recording_url")}
    return {"call": call | artifacts, **artifacts}
