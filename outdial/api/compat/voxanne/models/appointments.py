"""Appointments as Voxanne's public source shows them, kept as our own."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.api.compat.values import Instant, Milliseconds, Whole
from outdial.domain.appointment.appointment import DeskAppointment
from outdial.services.appointments.appointments import DeskChange, NewAppointment
from outdial.webhook_formats.voxanne import APPOINTMENT_STATUS, CONFIRMATION, CUSTOMER
from outdial.webhook_formats.voxanne import AppointmentWord as Status

STATUSES = {word: status for status, word in APPOINTMENT_STATUS.items()}
CALENDAR = "appointments"
"""Where appointments are of which nothing else is said."""
_MINUTE = timedelta(minutes=1)
_USUAL_MINUTES = 45
_Notes = Annotated[str, Field(max_length=20_000)]


class CreateAppointment(BaseModel):
    """Fields that are not known are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"serviceType": "Consultation", "scheduledAt": "2030-12-01T15:00:00Z"}]
        }
    )

    serviceType: Annotated[str, Field(min_length=1, max_length=500)]
    scheduledAt: Instant
    duration_minutes: Annotated[Whole, Field(ge=5, le=720, multiple_of=5)] | None = None
    """Default: 45."""
    contact_id: Annotated[str, Field(max_length=100)] | None = None
    contactPhone: Annotated[str, Field(max_length=50)] | None = None
    """Default: the contact's."""
    customerName: Annotated[str, Field(max_length=500)] | None = None
    notes: _Notes | None = None
    calendar: Annotated[str, Field(max_length=63)] | None = None
    """Ours: a calendar in which calls book too."""

    def as_new(self) -> NewAppointment:
        return NewAppointment(
            title=self.serviceType,
            starts_at=self.scheduledAt,
            duration=(self.duration_minutes or _USUAL_MINUTES) * _MINUTE,
            calendar=self.calendar or CALENDAR,
            contact_id=self.contact_id,
            phone=self.contactPhone,
            notes=self.notes,
            details={CUSTOMER: self.customerName} if self.customerName else {},
        )


class ChangeAppointment(BaseModel):
    """What is left out stays as it is; fields that are not known are ignored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "completed"}]})

    status: Status | None = None
    notes: _Notes | None = None
    confirmationSent: bool | None = None
    scheduled_at: Instant | None = None

    def as_change(self, kept: DeskAppointment) -> DeskChange:
        sent = self.confirmationSent
        return DeskChange(
            starts_at=self.scheduled_at,
            status=None if self.status is None else STATUSES[self.status],
            notes=self.notes,
            details=None if sent is None else kept.details | {CONFIRMATION: sent},
        )


class Appointment(BaseModel):
    id: str
    service_type: str
    scheduled_time: Milliseconds
    scheduled_at: Milliseconds
    duration_minutes: int
    status: Status
    confirmation_sent: bool
    contact_name: str | None
    phone_number: str | None
    contact_email: str | None
    contact_id: str | None
    notes: str | None
    created_at: Milliseconds
    updated_at: Milliseconds
    deleted_at: Milliseconds | None = None
    """Always null: what is deleted was cancelled, and is shown so."""
    call_id: str | None
    """The call that booked it."""

    @classmethod
    def of(cls, kept: DeskAppointment, *, with_contact: bool = True) -> "Appointment":
        """What the contact's own record says is for keys that may read contacts."""
        one = kept.appointment
        named: dict[str, Any] = {
            "contact_name": (with_contact and kept.contact_name) or kept.details.get(CUSTOMER),
            "contact_email": kept.contact_email if with_contact else None,
            "contact_id": kept.contact_id,
            "phone_number": one.phone or None,
        }
        return cls(
            **named,
            id=one.id,
            service_type=one.title,
            scheduled_time=one.starts_at,
            scheduled_at=one.starts_at,
            duration_minutes=(one.ends_at - one.starts_at) // _MINUTE,
            status=APPOINTMENT_STATUS[one.status],
            confirmation_sent=bool(kept.details.get(CONFIRMATION)),
            notes=kept.notes,
            created_at=kept.created_at,
            updated_at=kept.updated_at,
            call_id=kept.made_by,
        )
