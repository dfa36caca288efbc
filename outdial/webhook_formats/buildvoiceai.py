"""BuildVoiceAI's webhooks (docs.buildvoiceai.com/docs/reference/webhook-events): "when calls
start, complete, or fail".

Two renditions of the page differ in names and members; the events are called as in the one that
has these three moments, and the members are those of both. How deliveries are signed stands
nowhere, so they are by the headers of Standard Webhooks.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from outdial.domain.call.transcript import turns_of
from outdial.domain.endpoint import Endpoint, EventType
from outdial.webhook_formats.port import Event, Message, WebhookFormat, compact
from outdial.webhook_formats.standard import signed
from outdial.webhook_formats.words import Words, seconds_of, without_ringing, zulu, zulu_of

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
        "test": (EventType.TEST,),
    }
)
_STATUS = {"no_answer": "no-answer", "canceled": "failed"}


class BuildVoiceAIWebhooks(WebhookFormat):
    name = "buildvoiceai"
    several_signatures = True

    def write(self, event: Event, to: Endpoint, now: datetime) -> Message | None:
        word = WORDS.word_of(event.type)
        if word is None:
            return None
        members = {"test": True} if word == "test" else _call(event)
        body = compact({"event": word, "timestamp": zulu(event.at), **members})
        return signed(event, body, to, now)


def _call(event: Event) -> dict[str, Any]:
    data = without_ringing(event.data)
    context, structured = data.get("context") or {}, data.get("structured") or {}
    seconds, cost = seconds_of(data), data.get("cost")
    return {
        "call_id": data["id"],
        "agent_id": data["agent"],
        "agent_name": data.get("agent_name") or data["agent"],
        "status": _STATUS.get(data["status"], data["status"]),
        "direction": "outbound",
        "phone_number": data["to"],
        "from_number": data.get("from"),
        "to_number": data["to"],
        "duration_seconds": seconds,
        "duration": seconds,
        "cost_cents": None if cost is None else round(cost * 100),
        "started_at": zulu_of(data.get("answered_at") or data.get("created_at")),
        "ended_at": zulu_of(data.get("ended_at")),
        "sentiment": structured.get("sentiment"),
        "summary": structured.get("summary"),
        "transcript": _turns(data.get("transcript")),
        "recording_url": data.get("recording_url"),
        "metadata": context.get("metadata") or {},
    }


def _turns(transcript: str | None) -> list[dict[str, str]]:
    return [
        {"role": "human" if turn.speaker == "person" else "agent", "content": turn.text}
        for turn in turns_of(transcript or "")
    ]
