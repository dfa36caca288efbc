"""The history of appointments: every change, with the key that makes it happen once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select
from sqlmodel import Session

from outdial.domain.appointment.appointment import Appointment, AppointmentChange, Change
from outdial.store.appointments.events import publish_appointment
from outdial.store.db.tables import appointment, appointment_change

_FIELDS = tuple(Appointment.model_fields)
_CHANGE_FIELDS = tuple(AppointmentChange.model_fields)


def appointment_of(row: Mapping[str, Any] | RowMapping) -> Appointment:
    return Appointment(**{name: row[name] for name in _FIELDS})


def get_appointment(s: Session, appointment_id: str) -> Appointment | None:
    query = select(appointment).where(appointment.c.id == appointment_id)
    row = s.connection().execute(query).mappings().first()
    return None if row is None else appointment_of(row)


def note(
    s: Session,
    row: Mapping[str, Any] | RowMapping,
    change: Change,
    key: str,
    *,
    now: datetime,
    call_id: str | None,
    before: Mapping[str, Any] | RowMapping | None = None,
) -> None:
    """Record a change, and publish its event."""
    s.connection().execute(
        insert(appointment_change).values(
            tenant=row["tenant"],
            appointment_id=row["id"],
            key=key,
            change=change.value,
            call_id=call_id,
            starts_at=row["starts_at"],
            status=row["status"],
            before_starts_at=None if before is None else before["starts_at"],
            before_status=None if before is None else before["status"],
            sequence=row["sequence"],
            at=now,
        )
    )
    publish_appointment(s, row, change, now=now, call_id=call_id, before=before)


def change_by_key(s: Session, tenant: str, key: str) -> AppointmentChange | None:
    """The change that was made under a key; None if there is none."""
    query = select(appointment_change).where(
        appointment_change.c.tenant == tenant, appointment_change.c.key == key
    )
    row = s.connection().execute(query).mappings().first()
    return None if row is None else _change(row)


def change_of_call(s: Session, call_id: str, calendar: str, change: Change) -> Appointment | None:
    """The appointment that a call changed in this way, unless it was changed again since."""
    query = (
        select(appointment, appointment_change.c.sequence.label("then"))
        .join_from(
            appointment_change, appointment, appointment.c.id == appointment_change.c.appointment_id
        )
        .where(
            appointment_change.c.call_id == call_id,
            appointment_change.c.change == change.value,
            appointment.c.calendar == calendar,
        )
        .order_by(appointment_change.c.id.desc())
    )
    row = s.connection().execute(query).mappings().first()
    return None if row is None or row["then"] != row["sequence"] else appointment_of(row)


def history_of(s: Session, appointment_id: str) -> list[AppointmentChange]:
    """Every change of an appointment, oldest first."""
    query = (
        select(appointment_change)
        .where(appointment_change.c.appointment_id == appointment_id)
        .order_by(appointment_change.c.id)
    )
    return [_change(row) for row in s.connection().execute(query).mappings()]


def _change(row: RowMapping) -> AppointmentChange:
    return AppointmentChange(**{name: row[name] for name in _CHANGE_FIELDS})
