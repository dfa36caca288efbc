"""What a calendar of ours holds, as rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.appointment.appointment import Appointment, AppointmentStatus
from outdial.store.appointments.history import appointment_of
from outdial.store.db.tables import appointment

_STANDING = [status.value for status in AppointmentStatus if status.stands]


def list_appointments(
    s: Session,
    tenant: str,
    calendar: str,
    *,
    start: datetime,
    end: datetime,
    every_status: bool = False,
) -> list[Appointment]:
    """Appointments that start within a span, by time."""
    query = select(appointment).where(
        appointment.c.tenant == tenant,
        appointment.c.calendar == calendar,
        appointment.c.starts_at >= start,
        appointment.c.starts_at < end,
    )
    if not every_status:
        query = query.where(appointment.c.status.in_(_STANDING))
    query = query.order_by(appointment.c.starts_at, appointment.c.id)
    return [appointment_of(row) for row in s.connection().execute(query).mappings()]
