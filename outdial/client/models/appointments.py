"""Models of the API: appointments. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from outdial.client.models.shared import Appointment, AppointmentStatus


class AppointmentChange(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    change: str
    """`booked`, `moved`, `confirmed`, `canceled` and others."""
    at: datetime
    call_id: str | None
    starts_at: datetime
    status: AppointmentStatus


class AppointmentDetails(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    calendar: str
    title: str
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus
    phone: str | None
    contact_id: str | None
    call_id: str | None
    """The call that booked it."""
    notes: str | None
    created_at: datetime
    updated_at: datetime
    history: list[AppointmentChange]
    """Oldest first."""


class AppointmentPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Appointment]
    next_cursor: str | None = None


class AppointmentUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    starts_at: datetime | None = None
    status: (
        Literal["booked", "confirmed", "in_progress", "completed", "no_show", "canceled"] | None
    ) = None
    notes: str | None = None


class NewAppointment(BaseModel):
    """Entered without a check of availability. Calls no longer offer its slots."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    calendar: str
    title: str
    starts_at: datetime
    duration_minutes: int = 30
    contact_id: str | None = None
    phone: str | None = None
    """With + and country code; default: the contact's."""
    notes: str | None = None
