"""Appointments: what is booked in a calendar, and what came of asking for one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from outdial.domain.appointment.availability import Refusal

OURS = "@outdial"
"""How the UIDs end that we give to appointments."""


class AppointmentStatus(StrEnum):
    HELD = "held"
    """Kept for the rest of a call; nobody has said yes."""
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    """The person did not come."""
    CANCELED = "canceled"
    RELEASED = "released"
    """Held, and not wanted."""

    @property
    def stands(self) -> bool:
        """It is to take place, or does: its slot is kept, and it may be moved."""
        return self in _STANDING


_STANDING = (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED, AppointmentStatus.IN_PROGRESS)


class Change(StrEnum):
    """What happened to an appointment; the history is never changed."""

    HELD = "held"
    RELEASED = "released"
    ENTERED = "entered"
    BOOKED = "booked"
    MOVED = "moved"
    CANCELED = "canceled"
    CONFIRMED = "confirmed"
    NOTED = "noted"
    """People wrote something down: that it takes place, has, or has not; or a note."""
    UNDONE = "undone"


class Appointment(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    uid: str
    """Its UID as iCalendar knows it."""
    tenant: str
    calendar: str
    phone: str
    recipient_id: int | None
    call_id: str | None
    """The call that made it."""
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus
    sequence: int
    """Grows with every change, as iCalendar wants it."""
    title: str
    etag: str | None = None
    """Of what another calendar holds of it."""
    mirrored: int | None = None
    """The sequence that another calendar has; None: none."""


class AppointmentChange(BaseModel):
    model_config = ConfigDict(frozen=True)

    appointment_id: str
    change: Change
    call_id: str | None
    starts_at: datetime
    status: AppointmentStatus
    before_starts_at: datetime | None
    before_status: AppointmentStatus | None
    sequence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """It is as was asked."""

    appointment: Appointment
    changed: bool = True
    """False when it was so before."""


@dataclass(frozen=True, slots=True)
class NotMade:
    """Nothing was changed."""

    reason: str
    refusal: Refusal | None = None
    alternatives: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Party:
    """For whom an appointment is made, and by which call."""

    tenant: str
    phone: str
    recipient_id: int | None = None
    call_id: str | None = None
    title: str = "Appointment"


class DeskAppointment(BaseModel):
    """An appointment as people at a desk see it, with who has it."""

    model_config = ConfigDict(frozen=True)

    appointment: Appointment
    notes: str | None
    details: dict[str, Any]
    """What a door keeps with it; never read."""
    contact_id: str | None
    """The contact with its number."""
    contact_name: str | None
    contact_email: str | None
    made_by: str | None
    """The call that made it, by the id that its customer knows."""
    created_at: datetime
    updated_at: datetime
