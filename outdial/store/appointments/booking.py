"""Booking: takes a slot, holds one for a call, or enters an existing appointment; once for a key.

All of it runs with the calendar locked. `others` are other people's appointments by tick, in a
shared calendar.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from outdial.domain.appointment.appointment import AppointmentStatus, Change, Made, NotMade, Party
from outdial.domain.appointment.calendar import CalendarRules
from outdial.store.appointments.history import appointment_of, note
from outdial.store.appointments.rows import (
    Others,
    appointment_of_key,
    change_appointment,
    held_by_party,
    insert_appointment,
    made_by_call,
    seat_or_refusal,
    some_seat,
    standing_at,
)
from outdial.store.appointments.slots import lock_calendar, release, release_expired


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
    """Book for a party. One call books one appointment in a calendar, however often it tries."""
    lock_calendar(s, party.tenant, rules.name)
    existing = appointment_of_key(s, party.tenant, key) or made_by_call(s, party, rules)
    if existing is not None:
        return Made(existing, changed=False)
    release_expired(s, party.tenant, rules.name, now)
    held = held_by_party(s, party, rules)
    if held is not None and held["starts_at"] == start and start > now:
        row = change_appointment(s, held, status=AppointmentStatus.BOOKED.value, hold_until=None)
        note(s, row, Change.BOOKED, key, now=now, call_id=party.call_id, before=held)
        return Made(appointment_of(row))
    without = [] if held is None else [held["id"]]
    refused = seat_or_refusal(s, party.tenant, rules, start, now, others, without)
    if isinstance(refused, NotMade):
        return refused
    if held is not None:
        release(s, without, now)
    row = insert_appointment(s, party, rules, start, refused, AppointmentStatus.BOOKED, now=now)
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
    """Hold a slot for a call; another one that it held before is released."""
    lock_calendar(s, party.tenant, rules.name)
    release_expired(s, party.tenant, rules.name, now)
    held = held_by_party(s, party, rules)
    if held is not None and held["starts_at"] == start:
        return Made(appointment_of(held), changed=False)
    without = [] if held is None else [held["id"]]
    refused = seat_or_refusal(s, party.tenant, rules, start, now, others, without)
    if isinstance(refused, NotMade):
        return refused
    release(s, without, now)
    row = insert_appointment(
        s, party, rules, start, refused, AppointmentStatus.HELD, now=now, until=until
    )
    note(s, row, Change.HELD, key, now=now, call_id=party.call_id)
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
    """Enter an appointment that exists already, whether or not there is room for it."""
    lock_calendar(s, party.tenant, rules.name)
    existing = appointment_of_key(s, party.tenant, key) or standing_at(s, party, rules, start)
    if existing is not None:
        return Made(existing, changed=False)
    seat = some_seat(s, party.tenant, rules, start)
    row = insert_appointment(
        s, party, rules, start, seat, AppointmentStatus.BOOKED, now=now, uid=uid
    )
    note(s, row, Change.ENTERED, key, now=now, call_id=None)
    return Made(appointment_of(row))
