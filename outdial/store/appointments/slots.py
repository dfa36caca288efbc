"""Slots: which appointment holds which five minutes of which seat. The primary key forbids a second
holder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session

from outdial.domain.appointment.appointment import AppointmentStatus, Change
from outdial.domain.appointment.availability import Taken, tick_of
from outdial.domain.appointment.calendar import CalendarRules
from outdial.store.appointments.history import note
from outdial.store.db.dialect import lock_keys
from outdial.store.db.tables import appointment, appointment_slot

MAX_SEATS = 10_000
"""Entered appointments may exceed the capacity, up to this."""


def lock_calendar(s: Session, tenant: str, name: str) -> None:
    """Serialize decisions about a calendar, so that nobody is refused because of a race."""
    lock_keys(s, [f"calendar/{tenant}/{name}"])


def read_taken(
    s: Session,
    tenant: str,
    rules: CalendarRules,
    start: datetime,
    end: datetime,
    *,
    others: Mapping[int, int] | None = None,
    without: Iterable[str] = (),
) -> Taken:
    """Taken slots between two instants; `without` leaves out appointments by id."""
    query = select(appointment_slot.c.tick, appointment_slot.c.seat).where(
        appointment_slot.c.tenant == tenant,
        appointment_slot.c.calendar == rules.name,
        appointment_slot.c.tick >= tick_of(start - rules.buffer_before),
        appointment_slot.c.tick <= tick_of(end + rules.buffer_after),
    )
    left_out = list(without)
    if left_out:
        query = query.where(appointment_slot.c.appointment_id.not_in(left_out))
    seats: dict[int, set[int]] = defaultdict(set)
    for tick, seat in s.connection().execute(query):
        seats[tick].add(seat)
    return Taken({tick: frozenset(held) for tick, held in seats.items()}, others or {})


def read_everything_taken(
    s: Session,
    tenant: str,
    rules: CalendarRules,
    now: datetime,
    *,
    others: Mapping[int, int] | None = None,
    without: Iterable[str] = (),
) -> Taken:
    """Taken slots as far ahead as anybody may book."""
    end = now + rules.horizon + timedelta(days=1)
    return read_taken(s, tenant, rules, now, end, others=others, without=without)


def take(
    s: Session, tenant: str, name: str, occupied: Iterable[int], seat: int, appointment_id: str
) -> None:
    """Take a seat. Raises StatementRefused when another appointment holds a part of it."""
    rows = [
        {
            "tenant": tenant,
            "calendar": name,
            "tick": tick,
            "seat": seat,
            "appointment_id": appointment_id,
        }
        for tick in occupied
    ]
    s.connection().execute(insert(appointment_slot), rows)


def give_back(s: Session, appointment_ids: Iterable[str]) -> None:
    s.connection().execute(
        delete(appointment_slot).where(appointment_slot.c.appointment_id.in_(list(appointment_ids)))
    )


def release_expired(s: Session, tenant: str, name: str, now: datetime) -> None:
    """Release holds that have expired, should the end of their call have failed to do it."""
    query = select(appointment.c.id).where(
        appointment.c.tenant == tenant,
        appointment.c.calendar == name,
        appointment.c.status == AppointmentStatus.HELD.value,
        appointment.c.hold_until <= now,
    )
    release(s, list(s.connection().execute(query).scalars()), now)


def release_of_call(s: Session, call_id: str, now: datetime) -> int:
    """Release what a call holds and has not booked; how many holds that were."""
    query = select(appointment.c.id).where(
        appointment.c.call_id == call_id, appointment.c.status == AppointmentStatus.HELD.value
    )
    held = list(s.connection().execute(query).scalars())
    release(s, held, now)
    return len(held)


def release(s: Session, appointment_ids: list[str], now: datetime) -> None:
    if not appointment_ids:
        return
    give_back(s, appointment_ids)
    released = s.connection().execute(
        update(appointment)
        .where(
            appointment.c.id.in_(appointment_ids),
            appointment.c.status == AppointmentStatus.HELD.value,
        )
        .values(status=AppointmentStatus.RELEASED.value, hold_until=None)
        .returning(appointment)
    )
    for row in released.mappings().all():
        note(s, row, Change.RELEASED, f"release/{row['id']}", now=now, call_id=row["call_id"])
