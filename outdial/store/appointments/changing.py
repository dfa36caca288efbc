"""Changes of appointments: move, cancel, confirm, undo. The history stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.domain.appointment.appointment import AppointmentStatus, Change, Made, NotMade
from outdial.domain.appointment.availability import Refusal, free_seat
from outdial.domain.appointment.calendar import CalendarRules
from outdial.store.appointments.history import appointment_of, change_by_key, note
from outdial.store.appointments.rows import (
    Others,
    appointment_of_key,
    change_appointment,
    held_at,
    lock_appointment,
    put_at,
    seat_or_refusal,
)
from outdial.store.appointments.slots import give_back, read_taken, release, release_expired

CANCELED = "the appointment was canceled"


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
    """Move an appointment that stands; its old slot is released only when the new one is taken."""
    before = lock_appointment(s, appointment_id)
    existing = appointment_of_key(s, before["tenant"], key)
    if existing is not None:
        return Made(existing, changed=False)
    if not AppointmentStatus(before["status"]).stands:
        return NotMade(CANCELED)
    if before["starts_at"] == start:
        return Made(appointment_of(before), changed=False)
    release_expired(s, before["tenant"], rules.name, now)
    held = held_at(s, before["tenant"], rules, call_id, start)
    without = [appointment_id] if held is None else [appointment_id, held["id"]]
    refused = seat_or_refusal(s, before["tenant"], rules, start, now, others, without)
    if isinstance(refused, NotMade):
        return refused
    if held is not None:
        release(s, [held["id"]], now)
    row = put_at(s, before, rules, start, refused, AppointmentStatus.BOOKED)
    note(s, row, Change.MOVED, key, now=now, call_id=call_id, before=before)
    return Made(appointment_of(row))


def cancel(
    s: Session, appointment_id: str, *, key: str, now: datetime, call_id: str | None
) -> Made:
    """Cancel an appointment. The row and its history stay."""
    before = lock_appointment(s, appointment_id)
    existing = appointment_of_key(s, before["tenant"], key)
    if existing is not None or not AppointmentStatus(before["status"]).stands:
        return Made(existing or appointment_of(before), changed=False)
    give_back(s, [appointment_id])
    status, sequence = AppointmentStatus.CANCELED.value, before["sequence"] + 1
    row = change_appointment(s, before, status=status, sequence=sequence)
    note(s, row, Change.CANCELED, key, now=now, call_id=call_id, before=before)
    return Made(appointment_of(row))


def confirm(
    s: Session, appointment_id: str, *, key: str, now: datetime, call_id: str | None
) -> Made | NotMade:
    """Confirm that the person will come."""
    before = lock_appointment(s, appointment_id)
    existing = appointment_of_key(s, before["tenant"], key)
    if existing is not None or before["status"] == AppointmentStatus.CONFIRMED:
        return Made(existing or appointment_of(before), changed=False)
    if before["status"] != AppointmentStatus.BOOKED:
        return NotMade(CANCELED)
    status, sequence = AppointmentStatus.CONFIRMED.value, before["sequence"] + 1
    row = change_appointment(s, before, status=status, sequence=sequence)
    note(s, row, Change.CONFIRMED, key, now=now, call_id=call_id, before=before)
    return Made(appointment_of(row))


def undo(
    s: Session, tenant: str, rules: CalendarRules, key: str, *, undo_key: str, now: datetime
) -> Made | NotMade:
    """Undo a change, unless the appointment was changed again since."""
    change = change_by_key(s, tenant, key)
    if change is None:
        return NotMade("nothing had been changed")
    before = lock_appointment(s, change.appointment_id)
    existing = appointment_of_key(s, tenant, undo_key)
    if existing is not None:
        return Made(existing, changed=False)
    if before["sequence"] != change.sequence:
        return NotMade("the appointment was changed again since")
    if change.change is Change.BOOKED:
        give_back(s, [change.appointment_id])
        changed: dict[str, Any] = {"status": AppointmentStatus.CANCELED.value}
        row = change_appointment(s, before, sequence=before["sequence"] + 1, **changed)
    elif change.change is Change.CONFIRMED:
        status = (change.before_status or AppointmentStatus.BOOKED).value
        row = change_appointment(s, before, status=status, sequence=before["sequence"] + 1)
    else:
        start = change.before_starts_at or change.starts_at
        without = [change.appointment_id]
        taken = read_taken(s, tenant, rules, start, start + rules.duration, without=without)
        seat = free_seat(rules, taken, start)
        if seat is None:
            return NotMade("its old time has been taken since", Refusal.FULL)
        status = change.before_status or AppointmentStatus.BOOKED
        row = put_at(s, before, rules, start, seat, AppointmentStatus(status))
    note(s, row, Change.UNDONE, undo_key, now=now, call_id=change.call_id, before=before)
    return Made(appointment_of(row))
