"""Rows of appointments: queries, locks and writes that booking and changing share."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlmodel import Session

from outdial.domain.appointment.appointment import (
    OURS,
    Appointment,
    AppointmentStatus,
    NotMade,
    Party,
)
from outdial.domain.appointment.availability import (
    NOTHING_TAKEN,
    Refusal,
    alternatives,
    free_seat,
    refusal,
    ticks,
)
from outdial.domain.appointment.calendar import CalendarRules
from outdial.store.appointments.history import appointment_of, change_by_key, get_appointment
from outdial.store.appointments.slots import (
    MAX_SEATS,
    give_back,
    lock_calendar,
    read_everything_taken,
    read_taken,
    take,
)
from outdial.store.db.dialect import unindexed
from outdial.store.db.errors import UnknownAppointment
from outdial.store.db.tables import appointment

Others = Mapping[int, int]
"""Other people's appointments by tick."""
STANDING = [status.value for status in AppointmentStatus if status.stands]


def seat_or_refusal(
    s: Session,
    tenant: str,
    rules: CalendarRules,
    start: datetime,
    now: datetime,
    others: Others | None,
    without: list[str],
) -> NotMade | int:
    """The free seat, or why there is none, with alternatives."""
    reason = refusal(rules, NOTHING_TAKEN, start, now)
    if reason is None:
        end = start + rules.duration
        near = read_taken(s, tenant, rules, start, end, others=others, without=without)
        reason = refusal(rules, near, start, now)
        seat = free_seat(rules, near, start)
        if reason is None and seat is not None:
            return seat
    reason = reason or Refusal.FULL
    everything = read_everything_taken(s, tenant, rules, now, others=others, without=without)
    return NotMade(reason.text, reason, alternatives(rules, everything, start, now))


def some_seat(
    s: Session, tenant: str, rules: CalendarRules, start: datetime, without: Iterable[str] = ()
) -> int:
    """A seat for an appointment that exists, whether or not there is room for it."""
    taken = read_taken(s, tenant, rules, start, start + rules.duration, without=without)
    seat = free_seat(rules.model_copy(update={"capacity": MAX_SEATS}), taken, start)
    assert seat is not None, "a calendar with ten thousand appointments at once"
    return seat


def insert_appointment(
    s: Session,
    party: Party,
    rules: CalendarRules,
    start: datetime,
    seat: int,
    status: AppointmentStatus,
    *,
    now: datetime,
    until: datetime | None = None,
    uid: str | None = None,
) -> RowMapping:
    new = str(uuid.uuid4())
    inserted = s.connection().execute(
        insert(appointment)
        .values(
            id=new,
            uid=uid or f"{new}{OURS}",
            tenant=party.tenant,
            calendar=rules.name,
            phone=party.phone,
            recipient_id=party.recipient_id,
            call_id=party.call_id,
            starts_at=start,
            ends_at=start + rules.duration,
            status=status.value,
            sequence=0,
            title=party.title,
            hold_until=until,
            created_at=now,
        )
        .returning(appointment)
    )
    row = inserted.mappings().one()
    take(s, party.tenant, rules.name, ticks(rules, start), seat, new)
    return row


def put_at(
    s: Session,
    before: RowMapping,
    rules: CalendarRules,
    start: datetime,
    seat: int,
    status: AppointmentStatus,
) -> RowMapping:
    give_back(s, [before["id"]])
    take(s, before["tenant"], rules.name, ticks(rules, start), seat, before["id"])
    return change_appointment(
        s,
        before,
        starts_at=start,
        ends_at=start + rules.duration,
        status=status.value,
        sequence=before["sequence"] + 1,
    )


def change_appointment(s: Session, row: RowMapping, **values: Any) -> RowMapping:
    changed = s.connection().execute(
        update(appointment)
        .where(appointment.c.id == row["id"])
        .values(values)
        .returning(appointment)
    )
    return changed.mappings().one()


def lock_appointment(s: Session, appointment_id: str) -> RowMapping:
    """The row, with its calendar locked. Raises UnknownAppointment."""
    query = select(appointment).where(appointment.c.id == appointment_id)
    row = s.connection().execute(query).mappings().first()
    if row is None:
        raise UnknownAppointment(appointment_id)
    lock_calendar(s, row["tenant"], row["calendar"])
    return s.connection().execute(query).mappings().one()


def appointment_of_key(s: Session, tenant: str, key: str) -> Appointment | None:
    change = change_by_key(s, tenant, key)
    return None if change is None else get_appointment(s, change.appointment_id)


def made_by_call(s: Session, party: Party, rules: CalendarRules) -> Appointment | None:
    if party.call_id is None:
        return None
    query = select(appointment).where(
        appointment.c.call_id == party.call_id,
        unindexed(appointment.c.calendar) == rules.name,
        appointment.c.status.in_(STANDING),
    )
    row = s.connection().execute(query).mappings().first()
    return None if row is None else appointment_of(row)


def _held(s: Session, tenant: str, rules: CalendarRules, call_id: str | None) -> RowMapping | None:
    if call_id is None:
        return None
    query = select(appointment).where(
        appointment.c.call_id == call_id,
        unindexed(appointment.c.tenant) == tenant,
        unindexed(appointment.c.calendar) == rules.name,
        appointment.c.status == AppointmentStatus.HELD.value,
    )
    return s.connection().execute(query).mappings().first()


def held_by_party(s: Session, party: Party, rules: CalendarRules) -> RowMapping | None:
    return _held(s, party.tenant, rules, party.call_id)


def held_at(
    s: Session, tenant: str, rules: CalendarRules, call_id: str | None, start: datetime
) -> RowMapping | None:
    held = _held(s, tenant, rules, call_id)
    return held if held is not None and held["starts_at"] == start else None


def standing_at(
    s: Session, party: Party, rules: CalendarRules, start: datetime
) -> Appointment | None:
    query = select(appointment).where(
        appointment.c.tenant == party.tenant,
        unindexed(appointment.c.calendar) == rules.name,
        appointment.c.phone == party.phone,
        appointment.c.starts_at == start,
        unindexed(appointment.c.status).in_(STANDING),
    )
    row = s.connection().execute(query).mappings().first()
    return None if row is None else appointment_of(row)
