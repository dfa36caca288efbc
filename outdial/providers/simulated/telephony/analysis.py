"""What the network's agent makes of a talk once it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from outdial.domain.call.status import BOOKED, CALL_ME_LATER
from outdial.providers.simulated.telephony.call import Call
from outdial.providers.simulated.telephony.person import MOVED

APPOINTMENT_AT = "appointment_at"
"""The variable in which the agent is told of the appointment that the person has."""


def analysis_of(call: Call, at: datetime, base_url: str) -> dict[str, Any]:
    """The fields a `call.analyzed` event adds to the facts about its call."""
    script = call.script
    structured: dict[str, Any] = {}
    if call.disposition == CALL_ME_LATER:
        redial_at = at + timedelta(seconds=script.redial_seconds)
        structured["call_at"] = redial_at.isoformat(timespec="seconds")
    elif call.disposition == BOOKED:
        booked = at + timedelta(seconds=script.booking_seconds)
        structured["appointment_at"] = booked.isoformat(timespec="seconds")
    elif call.disposition == MOVED:
        structured["appointment_at"] = _a_week_later(call.order.variables.get(APPOINTMENT_AT))
    duration = call.duration_seconds or 0.0
    analysis: dict[str, Any] = {
        "disposition": call.disposition,
        "structured": structured,
        "transcript": _transcript(call),
        "cost": round(duration / 60 * call.cost_per_minute, 4),
    }
    if call.order.recording:
        analysis["recording_url"] = f"{base_url}/v1/calls/{call.id}/recording"
    return analysis


def _a_week_later(appointment_at: object) -> str | None:
    """The time that the person has, on the same clock; None when the agent was told of none."""
    try:
        return (datetime.fromisoformat(str(appointment_at)) + timedelta(days=7)).isoformat()
    except (ValueError, OverflowError):
        return None


def _transcript(call: Call) -> str:
    greeting = f"Agent: Hello, this is {call.order.agent}."
    cut_short = call.reason in ("ended_by_api", "max_duration")
    return greeting if cut_short else f"{greeting}\n{call.script.reply}"
