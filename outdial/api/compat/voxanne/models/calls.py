"""Calls as Voxanne shows them. The list's `from` and `outcome` are of its API reference, the other
names of its public source; details add those of the Vapi call that it passes on."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.api.compat.values import Milliseconds, whole_seconds
from outdial.api.compat.voxanne.words import STATUS, outcome_word
from outdial.domain.call.request import CallView
from outdial.domain.call.transcript import turns_of


class Call(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    id: str
    from_: str | None = Field(alias="from")
    """The number that was shown; null when none was chosen."""
    to: str
    phone_number: str
    direction: str = "outbound"
    status: str
    outcome: str
    outcome_summary: str | None
    agent_id: str
    contact_id: str | None
    duration_seconds: int | None
    has_recording: bool
    created_at: Milliseconds
    started_at: Milliseconds | None
    ended_at: Milliseconds | None

    @classmethod
    def of(cls, view: CallView) -> "Call":
        return cls(**_shown(view))


class CallDetails(Call):
    assistantId: str
    customer: dict[str, str]
    createdAt: Milliseconds
    startedAt: Milliseconds | None
    endedAt: Milliseconds | None
    endedReason: str | None
    duration: int | None
    cost: float | None
    transcript: str | None
    recordingUrl: str | None
    analysis: dict[str, Any]

    @classmethod
    def of(cls, view: CallView) -> "CallDetails":
        shown, last = _shown(view), view.last
        return cls(
            **shown,
            assistantId=view.agent,
            customer={"number": view.to},
            createdAt=view.created_at,
            startedAt=shown["started_at"],
            endedAt=shown["ended_at"],
            endedReason=view.reason or (last.detail if last else None),
            duration=shown["duration_seconds"],
            cost=last.cost if last else None,
            transcript=last.transcript if last else None,
            recordingUrl=last.recording_url if last else None,
            analysis=last.structured if last else {},
        )


class Transcript(BaseModel):
    callId: str
    transcript: str
    messages: list[dict[str, str]]

    @classmethod
    def of(cls, call_id: str, text: str) -> "Transcript":
        messages = [
            {"role": "user" if turn.speaker == "person" else "assistant", "content": turn.text}
            for turn in turns_of(text)
        ]
        return cls(callId=call_id, transcript=text, messages=messages)


class Recording(BaseModel):
    recordingUrl: str
    expiresAt: Milliseconds
    expiresIn: int
    """Seconds after which it should be asked for again."""


def _shown(view: CallView) -> dict[str, Any]:
    last = view.last
    summary = last.structured.get("summary") if last else None
    return {
        "id": view.id,
        "from_": view.caller_id,
        "to": view.to,
        "phone_number": view.to,
        "status": STATUS[view.status],
        "outcome": outcome_word(view),
        "outcome_summary": summary if isinstance(summary, str) else None,
        "agent_id": view.agent,
        "contact_id": view.contact_id,
        "duration_seconds": whole_seconds(last.duration_seconds) if last else None,
        "has_recording": last is not None and last.recording_url is not None,
        "created_at": view.created_at,
        "started_at": last.answered_at if last else None,
        "ended_at": last.ended_at if last else None,
    }
