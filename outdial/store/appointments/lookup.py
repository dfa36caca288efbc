"""Queries for appointments: by person, by call, by calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlmodel import Session

from outdial.domain.appointment.appointment import Appointment, AppointmentStatus, Change
from outdial.store.appointments.history import appointment_of, get_appointment
from outdial.store.db.bulk import among
from outdial.store.db.dialect import unindexed
from outdial.store.db.tables import appointment, appointment_change

_STANDING = [status.value for status in AppointmentStatus if status.stands]


def next_of_person(
    s: Session,
    tenant: str,
    calendar: str,
    phones: list[str],
    now: datetime,
    recipient_id: int | None = None,
) -> Appointment | None:
    """The person's next appointment that stands; one entered with this recipient comes first."""
    query = (
        select(appointment)
        .where(
            appointment.c.tenant == tenant,
            unindexed(appointment.c.calendar) == calendar,
            appointment.c.phone.in_(phones),
            unindexed(appointment.c.status).in_(_STANDING),
        )
        .order_by(appointment.c.starts_at)
    )
    # A person has few. By their end SQLite would look through all that the calendar has to come.
    rows = [row for row in s.connection().execute(query).mappings() if row["ends_at"] > now]
    mine = [row for row in rows if recipient_id is not None and row["recipient_id"] == recipient_id]
    row = next(iter([*mine, *rows]), None)
    return None if row is None else appointment_of(row)


def of_call(s: Session, call_id: str) -> list[Appointment]:
    """Appointments that a call holds or has booked, newest last."""
    query = select(appointment).where(appointment.c.call_id == call_id)
    rows = s.connection().execute(query.order_by(appointment.c.created_at)).mappings()
    return [appointment_of(row) for row in rows]


def record_mirrored(s: Session, appointment_id: str, sequence: int, etag: str | None) -> None:
    """Record that the shared calendar has it as it is at this sequence."""
    s.connection().execute(
        update(appointment)
        .where(appointment.c.id == appointment_id)
        .values(mirrored=sequence, etag=etag)
    )


def by_id(s: Session, appointment_id: str) -> Appointment | None:
    return get_appointment(s, appointment_id)


def uids(s: Session, tenant: str, calendar: str, since: datetime) -> frozenset[str]:
    """UIDs of our own appointments that end after an instant."""
    query = select(appointment.c.uid).where(
        appointment.c.tenant == tenant,
        appointment.c.calendar == calendar,
        appointment.c.ends_at >= since,
    )
    return frozenset(s.connection().execute(query).scalars())


def changed_by_call(s: Session, call_id: str) -> list[Appointment]:
    """Appointments that a call made or changed, in order; holds do not count."""
    changed = (
        select(appointment_change.c.appointment_id, func.max(appointment_change.c.id).label("last"))
        .where(
            appointment_change.c.call_id == call_id,
            appointment_change.c.change.not_in([Change.HELD.value, Change.RELEASED.value]),
        )
        .group_by(appointment_change.c.appointment_id)
        .subquery()
    )
    query = (
        select(appointment)
        .join_from(changed, appointment, appointment.c.id == changed.c.appointment_id)
        .order_by(changed.c.last)
    )
    return [appointment_of(row) for row in s.connection().execute(query).mappings()]


def changed_by_calls(s: Session, call_ids: Sequence[str]) -> dict[str, list[Appointment]]:
    """`changed_by_call` of some calls, by the calls' ids."""
    changes = select(appointment_change.c.call_id, appointment_change.c.appointment_id).where(
        among(appointment_change.c.call_id, "ids"),
        appointment_change.c.call_id.is_not(None),  # as the index has it
        appointment_change.c.change.not_in([Change.HELD.value, Change.RELEASED.value]),
    )
    rows = s.connection().execute(
        changes.order_by(appointment_change.c.id), {"ids": list(call_ids)}
    )
    changed = list(dict.fromkeys((row.call_id, row.appointment_id) for row in rows))
    if not changed:
        return {}
    query = select(appointment).where(among(appointment.c.id, "ids"))
    ids = {"ids": sorted({appointment_id for _, appointment_id in changed})}
    by_id = {
        row["id"]: appointment_of(row) for row in s.connection().execute(query, ids).mappings()
    }
    of_calls: dict[str, list[Appointment]] = {}
    for call_id, appointment_id in changed:
        of_calls.setdefault(call_id, []).append(by_id[appointment_id])
    return of_calls


def booked_by_call(s: Session, call_id: str, calendar: str) -> Appointment | None:
    """The appointment that a call booked in a calendar, if it stands."""
    appointments = of_call(s, call_id)
    booked = (each for each in appointments if each.calendar == calendar and each.status.stands)
    return next(booked, None)
