"""Booking: a slot is held, taken, moved, given back; each wish is carried out once.

All of it runs with the calendar locked. `others` are other people's appointments by tick, in a
calendar that they share with us.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlmodel import Session

from domain.appointment import (
    Appointment,
    AppointmentStatus,
    Change,
    Made,
    NotMade,
    Party,
)
from domain.availability import Refusal, alternatives, free_seat, refusal, ticks
from domain.calendar import CalendarRules
from store.appointments.history import appointment_of, change_by_key, get_appointment, note
from store.appointments.slots import (
    MAX_SEATS,
    give_back,
    lock_calendar,
    read_everything_taken,
    read_taken,
    release,
    release_expired,
    take,
)
from store.tables import appointment

Others = Mapping[int, int]
_STANDING = [status.value for status in AppointmentStatus if status.stands]


def book(
    s: Session,
    party: Party,
    rules: CalendarRules,
    start: datetime,
    *,
    key: str,
    now: datetime,
    others: Others | None = None,
) -> Made | NotMade:
    """Book for a party. One call books one appointment in a calendar, however often it asks."""
    lock_calendar(s, party.tenant, rules.name)
    known = _heard(s, party.tenant, key) or _made_by(s, party, rules)
    if known is not None:
        return Made(known, changed=False)
    release_expired(s, party.tenant, rules.name, now)
    held = _held_by(s, party, rules)
    if held is not None and held["starts_at"] == start and start > now:
        row = _change(s, held, status=AppointmentStatus.BOOKED.value, hold_until=None)
        note(s, row, Change.BOOKED, key, now=now, call_id=party.call_id, before=held)
        return Made(appointment_of(row))
    without = [] if held is None else [held["id"]]
    refused = _refused(s, party.tenant, rules, start, now, others, without)
    if isinstance(refused, NotMade):
        return refused
    if held is not None:
        release(s, without, now)
    row = _insert(s, party, rules, start, refused, AppointmentStatus.BOOKED, now=now)
    note(s, row, Change.BOOKED, key, now=now, call_id=party.call_id)
    return Made(appointment_of(row))


def hold(
    s: Session,
    party: Party,
    rules: CalendarRules,
    start: datetime,
    *,
    key: str,
    now: datetime,
    until: datetime,
    others: Others | None = None,
) -> Made | NotMade:
    """Keep a slot for a call; what the call held before is given up, unless it is the same."""
    lock_calendar(s, party.tenant, rules.name)
    release_expired(s, party.tenant, rules.name, now)
    held = _held_by(s, party, rules)
    if held is not None and held["starts_at"] == start:
        return Made(appointment_of(held), changed=False)
    without = [] if held is None else [held["id"]]
    refused = _refused(s, party.tenant, rules, start, now, others, without)
    if isinstance(refused, NotMade):
        return refused
    release(s, without, now)
    row = _insert(s, party, rules, start, refused, AppointmentStatus.HELD, now=now, until=until)
    note(s, row, Change.HELD, key, now=now, call_id=party.call_id)
    return Made(appointment_of(row))


def move(
    s: Session,
    appointment_id: str,
    rules: CalendarRules,
    start: datetime,
    *,
    key: str,
    now: datetime,
    call_id: str | None,
    others: Others | None = None,
) -> Made | NotMade:
    """Move an appointment that stands; its old slot is given back only when the new one is had."""
    before = _lock(s, appointment_id)
    known = _heard(s, before["tenant"], key)
    if known is not None:
        return Made(known, changed=False)
    if not AppointmentStatus(before["status"]).stands:
        return NotMade("the appointment was canceled")
    if before["starts_at"] == start:
        return Made(appointment_of(before), changed=False)
    release_expired(s, before["tenant"], rules.name, now)
    held = _held_at(s, before["tenant"], rules, call_id, start)
    without = [appointment_id] if held is None else [appointment_id, held["id"]]
    refused = _refused(s, before["tenant"], rules, start, now, others, without)
    if isinstance(refused, NotMade):
        return refused
    if held is not None:
        release(s, [held["id"]], now)
    row = _put(s, before, rules, start, refused, AppointmentStatus.BOOKED)
    note(s, row, Change.MOVED, key, now=now, call_id=call_id, before=before)
    return Made(appointment_of(row))


def cancel(
    s: Session, appointment_id: str, *, key: str, now: datetime, call_id: str | None
) -> Made:
    """Give an appointment back. The row and its history stay."""
    before = _lock(s, appointment_id)
    known = _heard(s, before["tenant"], key)
    if known is not None or not AppointmentStatus(before["status"]).stands:
        return Made(known or appointment_of(before), changed=False)
    give_back(s, [appointment_id])
    status, sequence = AppointmentStatus.CANCELED.value, before["sequence"] + 1
    row = _change(s, before, status=status, sequence=sequence)
    note(s, row, Change.CANCELED, key, now=now, call_id=call_id, before=before)
    return Made(appointment_of(row))


def confirm(
    s: Session, appointment_id: str, *, key: str, now: datetime, call_id: str | None
) -> Made | NotMade:
    """Note that the person will come."""
    before = _lock(s, appointment_id)
    known = _heard(s, before["tenant"], key)
    if known is not None or before["status"] == AppointmentStatus.CONFIRMED:
        return Made(known or appointment_of(before), changed=False)
    if before["status"] != AppointmentStatus.BOOKED:
        return NotMade("the appointment was canceled")
    status, sequence = AppointmentStatus.CONFIRMED.value, before["sequence"] + 1
    row = _change(s, before, status=status, sequence=sequence)
    note(s, row, Change.CONFIRMED, key, now=now, call_id=call_id, before=before)
    return Made(appointment_of(row))


def undo(
    s: Session, tenant: str, rules: CalendarRules, key: str, *, undo_key: str, now: datetime
) -> Made | NotMade:
    """Take a change back, unless the appointment was changed again since."""
    change = change_by_key(s, tenant, key)
    if change is None:
        return NotMade("nothing had been changed")
    before = _lock(s, change.appointment_id)
    known = _heard(s, tenant, undo_key)
    if known is not None:
        return Made(known, changed=False)
    if before["sequence"] != change.sequence:
        return NotMade("the appointment was changed again since")
    if change.change is Change.BOOKED:
        give_back(s, [change.appointment_id])
        changed: dict[str, Any] = {"status": AppointmentStatus.CANCELED.value}
        row = _change(s, before, sequence=before["sequence"] + 1, **changed)
    elif change.change is Change.CONFIRMED:
        status = (change.before_status or AppointmentStatus.BOOKED).value
        row = _change(s, before, status=status, sequence=before["sequence"] + 1)
    else:
        start = change.before_starts_at or change.starts_at
        without = [change.appointment_id]
        taken = read_taken(s, tenant, rules, start, start + rules.duration, without=without)
        seat = free_seat(rules, taken, start)
        if seat is None:
            return NotMade("its old time has been taken since", Refusal.FULL)
        status = change.before_status or AppointmentStatus.BOOKED
        row = _put(s, before, rules, start, seat, AppointmentStatus(status))
    note(s, row, Change.UNDONE, undo_key, now=now, call_id=change.call_id, before=before)
    return Made(appointment_of(row))


def enter(
    s: Session,
    party: Party,
    rules: CalendarRules,
    start: datetime,
    *,
    key: str,
    now: datetime,
    uid: str | None = None,
) -> Made:
    """Write down an appointment that exists already, whether or not there is room for it."""
    lock_calendar(s, party.tenant, rules.name)
    known = _heard(s, party.tenant, key) or _standing_at(s, party, rules, start)
    if known is not None:
        return Made(known, changed=False)
    taken = read_taken(s, party.tenant, rules, start, start + rules.duration)
    roomy = rules.model_copy(update={"capacity": MAX_SEATS})
    seat = free_seat(roomy, taken, start)
    assert seat is not None, "a calendar with ten thousand appointments at once"
    row = _insert(s, party, rules, start, seat, AppointmentStatus.BOOKED, now=now, uid=uid)
    note(s, row, Change.ENTERED, key, now=now, call_id=None)
    return Made(appointment_of(row))


def _refused(
    s: Session,
    tenant: str,
    rules: CalendarRules,
    start: datetime,
    now: datetime,
    others: Others | None,
    without: list[str],
) -> NotMade | int:
    """The free seat, or why there is none and what there is instead."""
    near = read_taken(
        s, tenant, rules, start, start + rules.duration, others=others, without=without
    )
    because = refusal(rules, near, start, now)
    if because is None:
        seat = free_seat(rules, near, start)
        assert seat is not None
        return seat
    everything = read_everything_taken(s, tenant, rules, now, others=others, without=without)
    return NotMade(because.text, because, alternatives(rules, everything, start, now))


def _insert(
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
            uid=uid or f"{new}@outdial",
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


def _put(
    s: Session,
    before: RowMapping,
    rules: CalendarRules,
    start: datetime,
    seat: int,
    status: AppointmentStatus,
) -> RowMapping:
    give_back(s, [before["id"]])
    take(s, before["tenant"], rules.name, ticks(rules, start), seat, before["id"])
    return _change(
        s,
        before,
        starts_at=start,
        ends_at=start + rules.duration,
        status=status.value,
        sequence=before["sequence"] + 1,
    )


def _change(s: Session, row: RowMapping, **values: Any) -> RowMapping:
    changed = s.connection().execute(
        update(appointment)
        .where(appointment.c.id == row["id"])
        .values(values)
        .returning(appointment)
    )
    return changed.mappings().one()


def _lock(s: Session, appointment_id: str) -> RowMapping:
    """The row, with its calendar locked. Raises LookupError."""
    found = select(appointment).where(appointment.c.id == appointment_id)
    row = s.connection().execute(found).mappings().first()
    if row is None:
        raise LookupError(f"found no appointment with id {appointment_id}")
    lock_calendar(s, row["tenant"], row["calendar"])
    return s.connection().execute(found).mappings().one()


def _heard(s: Session, tenant: str, key: str) -> Appointment | None:
    change = change_by_key(s, tenant, key)
    return None if change is None else get_appointment(s, change.appointment_id)


def _made_by(s: Session, party: Party, rules: CalendarRules) -> Appointment | None:
    if party.call_id is None:
        return None
    found = select(appointment).where(
        appointment.c.call_id == party.call_id,
        appointment.c.calendar == rules.name,
        appointment.c.status.in_(_STANDING),
    )
    row = s.connection().execute(found).mappings().first()
    return None if row is None else appointment_of(row)


def _held_by(s: Session, party: Party, rules: CalendarRules) -> RowMapping | None:
    return _held(s, party.tenant, rules, party.call_id)


def _held_at(
    s: Session, tenant: str, rules: CalendarRules, call_id: str | None, start: datetime
) -> RowMapping | None:
    held = _held(s, tenant, rules, call_id)
    return held if held is not None and held["starts_at"] == start else None


def _held(s: Session, tenant: str, rules: CalendarRules, call_id: str | None) -> RowMapping | None:
    if call_id is None:
        return None
    found = select(appointment).where(
        appointment.c.call_id == call_id,
        appointment.c.tenant == tenant,
        appointment.c.calendar == rules.name,
        appointment.c.status == AppointmentStatus.HELD.value,
    )
    return s.connection().execute(found).mappings().first()


def _standing_at(
    s: Session, party: Party, rules: CalendarRules, start: datetime
) -> Appointment | None:
    found = select(appointment).where(
        appointment.c.tenant == party.tenant,
        appointment.c.calendar == rules.name,
        appointment.c.phone == party.phone,
        appointment.c.starts_at == start,
        appointment.c.status.in_(_STANDING),
    )
    row = s.connection().execute(found).mappings().first()
    return None if row is None else appointment_of(row)
