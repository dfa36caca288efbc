"""Appointments as Voxanne's public source shows them, kept as our own."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.appointment import AppointmentStatus, DeskAppointment
from domain.fields import Timestamp
from services.appointments import DeskChange, NewAppointment

Status = Literal["pending", "confirmed", "in_progress", "completed", "cancelled", "no_show"]
STATUSES: dict[Status, AppointmentStatus] = {
    "pending": AppointmentStatus.BOOKED,
    "confirmed": AppointmentStatus.CONFIRMED,
    "in_progress": AppointmentStatus.IN_PROGRESS,
    "completed": AppointmentStatus.COMPLETED,
    "cancelled": AppointmentStatus.CANCELED,
    "no_show": AppointmentStatus.NO_SHOW,
}
"""What a call has booked is pending until somebody confirms it."""
CALENDAR = "appointments"
"""Where appointments are of which nothing else is said."""
_WORDS = {status: word for word, status in STATUSES.items()}
_CUSTOMER, _CONFIRMATION = "customer_name", "confirmation_sent"
_MINUTE = timedelta(minutes=1)
_Notes = Annotated[str, Field(max_length=20_000)]


class CreateAppointment(BaseModel):
    """Fields that are not known are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"serviceType": "Consultation", "scheduledAt": "2030-12-01T15:00:00Z"}]
        }
    )

    serviceType: Annotated[str, Field(min_length=1, max_length=500)]
    scheduledAt: Timestamp
    duration_minutes: Annotated[int, Field(ge=5, le=720, multiple_of=5)] = 45
    contact_id: Annotated[str, Field(max_length=100)] | None = None
    contactPhone: Annotated[str, Field(max_length=50)] | None = None
    """Default: the contact's."""
    customerName: Annotated[str, Field(max_length=500)] | None = None
    notes: _Notes | None = None
    calendar: Annotated[str, Field(max_length=63)] = CALENDAR
    """Ours: a calendar in which calls book too."""

    def wanted(self) -> NewAppointment:
        return NewAppointment(
            title=self.serviceType,
            starts_at=self.scheduledAt,
            duration=self.duration_minutes * _MINUTE,
            calendar=self.calendar,
            contact_id=self.contact_id,
            phone=self.contactPhone,
            notes=self.notes,
            details={_CUSTOMER: self.customerName} if self.customerName else {},
        )


class ChangeAppointment(BaseModel):
    """What is left out stays as it is; fields that are not known are ignored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "completed"}]})

    status: Status | None = None
    notes: _Notes | None = None
    confirmationSent: bool | None = None
    scheduled_at: Timestamp | None = None

    def wanted(self, kept: DeskAppointment) -> DeskChange:
        told = self.confirmationSent
        return DeskChange(
            starts_at=self.scheduled_at,
            status=None if self.status is None else STATUSES[self.status],
            notes=self.notes,
            details=None if told is None else kept.details | {_CONFIRMATION: told},
        )


class Appointment(BaseModel):
    id: str
    service_type: str
    scheduled_time: datetime
    scheduled_at: datetime
    duration_minutes: int
    status: Status
    confirmation_sent: bool
    contact_name: str | None
    phone_number: str | None
    contact_email: str | None
    contact_id: str | None
    notes: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    """Always null: what is deleted was cancelled, and is shown so."""
    call_id: str | None
    """The call that booked it."""

    @classmethod
    def of(cls, kept: DeskAppointment) -> "Appointment":
        one = kept.appointment
        named: dict[str, Any] = {
            "contact_name": kept.contact_name or kept.details.get(_CUSTOMER),
            "contact_email": kept.contact_email,
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
            status=_WORDS[one.status],
            confirmation_sent=bool(kept.details.get(_CONFIRMATION)),
            notes=kept.notes,
            created_at=kept.created_at,
            updated_at=kept.updated_at,
            call_id=kept.made_by,
        )
