"""Appointments, their changes, and results of booking and changing one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from outdial.domain.appointment.availability import Refusal

OURS = "@outdial"
"""The end of the UIDs that we give to appointments."""


class AppointmentStatus(StrEnum):
    HELD = "held"
    """Reserved until the call ends; the person has not accepted yet."""
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    """The person did not come."""
    CANCELED = "canceled"
    RELEASED = "released"
    """Was held, and not booked."""

    @property
    def stands(self) -> bool:
        """Whether it has a slot and may be moved: it is neither canceled nor over."""
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
    """People set a status such as no_show, or wrote a note."""
    UNDONE = "undone"


class Appointment(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    uid: str
    """Its iCalendar UID."""
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
    """Grows with every change (iCalendar SEQUENCE)."""
    title: str
    etag: str | None = None
    """Of its object in the shared calendar."""
    mirrored: int | None = None
    """The sequence that the shared calendar has; None if it has none."""


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
    """The appointment is as requested."""

    appointment: Appointment
    changed: bool = True
    """False when it already was."""


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
    """An appointment as the API shows it, with its contact."""

    model_config = ConfigDict(frozen=True)

    appointment: Appointment
    notes: str | None
    details: dict[str, Any]
    """Kept for compatible APIs; never interpreted."""
    contact_id: str | None
    """The contact with its number."""
    contact_name: str | None
    contact_email: str | None
    made_by: str | None
    """The call that made it, by its public id."""
    created_at: datetime
    updated_at: datetime
