"""The names that templates of a callback may use."""

from __future__ import annotations

from typing import Any

from outdial.domain.appointment.appointment import Appointment
from outdial.domain.call.callback_run import CallbackContext
from outdial.domain.clocks import load_zone


def template_context(context: CallbackContext, appointment: Appointment | None) -> dict[str, Any]:
    """The recipient's variables, and `phone`, `call`, `data`, `appointment`."""
    call = context.call
    return {
        **context.variables,
        "phone": call.to,
        "data": call.structured,
        "call": {
            "id": call.id,
            "campaign": call.campaign,
            "outcome": call.outcome or call.status.value,
            "disposition": call.disposition or "",
            "attempt": call.attempt,
            "answered_by": "" if call.answered_by is None else call.answered_by.value,
            "ended_at": "" if call.ended_at is None else call.ended_at.isoformat(),
            "duration_seconds": call.duration_seconds or 0,
        },
        "appointment": None if appointment is None else _shown_appointment(context, appointment),
    }


def _shown_appointment(context: CallbackContext, appointment: Appointment) -> dict[str, Any]:
    calendar = context.plan.calendar
    zone = "UTC" if calendar is None else calendar.time_zone
    local = appointment.starts_at.astimezone(load_zone(zone))
    return {
        "id": appointment.id,
        "title": appointment.title,
        "status": appointment.status.value,
        "starts_at": local.isoformat(),
        "ends_at": appointment.ends_at.astimezone(load_zone(zone)).isoformat(),
        "date": local.strftime("%Y-%m-%d"),
        "weekday": local.strftime("%A"),
        "time": local.strftime("%H:%M"),
        "time_zone": zone,
    }
