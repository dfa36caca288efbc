"""VozAgent's webhooks. Its pages name the events (docs.vozagent.ai/developers/api/webhooks);
what a delivery looks like, and what is done with its secret `whsec_…`, stands nowhere. Our choice:
`{event, timestamp, data}` with the members of the call's or contact's record, and the headers of
Standard Webhooks, whose secrets look like that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from outdial.domain.call.status import BOOKED
from outdial.domain.endpoint import Endpoint, EventType
from outdial.webhook_formats.port import Event, Message, WebhookFormat, compact
from outdial.webhook_formats.standard import signed
from outdial.webhook_formats.words import Words, seconds_of, zulu, zulu_of

WORDS = Words(
    {
        "contact.created": (EventType.CONTACT_CREATED,),
        "contact.updated": (EventType.CONTACT_UPDATED,),
        "call.started": (EventType.CALL_IN_PROGRESS,),
        "call.completed": (EventType.CALL_COMPLETED,),
        "lead.qualified": (),  # the call's record says the same
        "appointment.booked": (EventType.APPOINTMENT_BOOKED,),
        "appointment.rescheduled": (EventType.APPOINTMENT_CHANGED,),
    }
)
"""There is none for a call that failed."""
_CONTACT = ("id", "first_name", "last_name", "email", "company", "notes", "tags")


class VozAgentWebhooks(WebhookFormat):
    name = "vozagent"
    several_signatures = True

    def write(self, event: Event, to: Endpoint, now: datetime) -> Message | None:
        word = WORDS.word_of(event.type)
        if word is None and event.type != EventType.TEST:
            return None
        if event.type == EventType.APPOINTMENT_CHANGED and not _moved(event.data):
            return None
        document = {"event": word or event.type, "timestamp": zulu(event.at), "data": _data(event)}
        return signed(event, compact(document), to, now)


def _data(event: Event) -> dict[str, Any]:
    kind = event.type.partition(".")[0]
    if kind == "call":
        return _call(event.data)
    if kind == "contact":
        contact = {name: event.data.get(name) for name in _CONTACT}
        return contact | {"phone_number": event.data["phone"]}
    return event.data


def _moved(appointment: dict[str, Any]) -> bool:
    """Whether it is at another time now; whatever else changed has no event there."""
    before = appointment.get("before_starts_at")
    return before is not None and before != appointment.get("starts_at")


def _call(data: dict[str, Any]) -> dict[str, Any]:
    structured = data.get("structured") or {}
    return {
        "id": data["id"],
        "call_id": data["id"],
        "contact_id": data.get("contact_id"),
        "assistant_id": data["agent"],
        "call_type": "outbound",
        "call_status": data["status"].replace("_", "-"),
        "customer_phone_number": data["to"],
        "assistant_phone_number": data.get("from"),
        "duration_seconds": seconds_of(data),
        "call_started_at": zulu_of(data.get("answered_at")),
        "call_ended_at": zulu_of(data.get("ended_at")),
        "appointment_booked": data.get("disposition") == BOOKED,
        "lead_qualification": structured.get("lead_qualification"),
        "call_intent": structured.get("call_intent"),
        "transcript": data.get("transcript"),
        "analysis_summary": structured.get("summary"),
        "recording_url": data.get("recording_url"),
        "cost": data.get("cost"),
    }
