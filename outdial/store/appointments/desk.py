"""Appointments that people make, change and list by API, whether or not there is room for them.

Calls are not offered the slots that such appointments take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, select, union_all
from sqlmodel import Session

from outdial.domain.appointment.appointment import (
    AppointmentStatus,
    Change,
    DeskAppointment,
    NotMade,
    Party,
)
from outdial.domain.appointment.calendar import CalendarRules
from outdial.store.appointments.changing import CANCELED
from outdial.store.appointments.history import appointment_of, note
from outdial.store.appointments.rows import (
    change_appointment,
    insert_appointment,
    put_at,
    some_seat,
)
from outdial.store.appointments.slots import give_back, lock_calendar
from outdial.store.db.dialect import unindexed
from outdial.store.db.errors import UnknownAppointment
from outdial.store.db.ranges import Equal, between, in_range, page_of, read_in_order
from outdial.store.db.tables import (
    appointment,
    appointment_change,
    call,
    call_request,
    contact,
    recipient,
)

_NEVER_SHOWN = (AppointmentStatus.HELD.value, AppointmentStatus.RELEASED.value)
"""Holds: the person had not accepted yet."""
_SHOWN = tuple(status for status in AppointmentStatus if status.value not in _NEVER_SHOWN)
_ORDER = appointment.c.starts_at, appointment.c.id


@dataclass(frozen=True, slots=True)
class DeskFilter:
    """Which appointments to list; a condition that is left out does not restrict it."""

    statuses: tuple[AppointmentStatus, ...] = ()
    phone: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    calendar: str | None = None
    after: tuple[datetime, str] | None = None
    """Start and id of the last one on the page before."""


@dataclass(frozen=True, slots=True)
class DeskChange:
    """New values; None leaves a field as it is."""

    starts_at: datetime | None = None
    status: AppointmentStatus | None = None
    notes: str | None = None
    details: dict[str, Any] | None = None


def add(
    s: Session,
    party: Party,
    rules: CalendarRules,
    start: datetime,
    *,
    notes: str | None,
    details: dict[str, Any],
    key: str,
    now: datetime,
) -> str:
    """Insert an appointment as confirmed, and publish that it was booked; its id."""
    lock_calendar(s, party.tenant, rules.name)
    seat = some_seat(s, party.tenant, rules, start)
    row = insert_appointment(s, party, rules, start, seat, AppointmentStatus.CONFIRMED, now=now)
    row = change_appointment(s, row, notes=notes, details=details)
    note(s, row, Change.BOOKED, key, now=now, call_id=None)
    return str(row["id"])


def change(
    s: Session, tenant: str, appointment_id: str, changes: DeskChange, *, key: str, now: datetime
) -> NotMade | None:
    """Change an appointment. Raises UnknownAppointment for one that the tenant does not have."""
    query = select(appointment).where(
        appointment.c.tenant == tenant,
        appointment.c.id == appointment_id,
        appointment.c.status.not_in(_NEVER_SHOWN),
    )
    calendar = s.connection().execute(query).mappings().first()
    if calendar is None:
        raise UnknownAppointment(appointment_id)
    lock_calendar(s, tenant, calendar["calendar"])
    before = s.connection().execute(query).mappings().one()
    canceled = before["status"] == AppointmentStatus.CANCELED.value
    if canceled and (changes.starts_at or changes.status not in (None, AppointmentStatus.CANCELED)):
        return NotMade(CANCELED)
    row, what = before, Change.NOTED
    if changes.starts_at not in (None, before["starts_at"]):
        rules = _rules_of(before)
        seat = some_seat(s, tenant, rules, changes.starts_at, [appointment_id])
        status = AppointmentStatus(before["status"])
        row, what = put_at(s, before, rules, changes.starts_at, seat, status), Change.MOVED
    if changes.status is not None and changes.status.value != before["status"]:
        if changes.status is AppointmentStatus.CANCELED:
            give_back(s, [appointment_id])
        values = {"status": changes.status.value, "sequence": before["sequence"] + 1}
        row, what = change_appointment(s, row, **values), _CHANGES.get(changes.status, what)
    kept = {"notes": changes.notes, "details": changes.details}
    written = {name: value for name, value in kept.items() if value is not None}
    if written:
        row = change_appointment(s, row, **written)
    if row != before:
        note(s, row, what, key, now=now, call_id=None, before=before)
    return None


_CHANGES = {
    AppointmentStatus.CANCELED: Change.CANCELED,
    AppointmentStatus.CONFIRMED: Change.CONFIRMED,
}


def get(s: Session, tenant: str, appointment_id: str) -> DeskAppointment | None:
    query = _select().where(
        unindexed(appointment.c.tenant) == tenant,
        unindexed(appointment.c.status).in_([status.value for status in _SHOWN]),
        appointment.c.id == appointment_id,
    )
    row = s.connection().execute(query).first()
    return None if row is None else _shown(row)


def page(
    s: Session, tenant: str, chosen: DeskFilter, *, limit: int, offset: int = 0
) -> list[DeskAppointment]:
    """In the order of their starts.

    Read from a range of an index for each status, in that order and no longer than the page: it
    costs what it shows, whatever the filter.
    """
    listed = select(appointment.c.id, appointment.c.starts_at)
    times = between(chosen.starts_from, chosen.starts_before)
    ranges = (
        page_of(
            listed.where(*conditions),
            equal,
            _ORDER,
            times,
            limit=limit + offset,
            after=chosen.after,
        )
        for equal, conditions in _ranges(tenant, chosen)
    )
    both = union_all(*(select(one.subquery()) for one in ranges)).subquery()
    place = both.c.starts_at, both.c.id
    ids = select(both.c.id).order_by(*place).limit(limit).offset(offset)
    wanted = list(read_in_order(s, ids).scalars())
    if not wanted:
        return []
    rows = s.connection().execute(_select().where(appointment.c.id.in_(wanted)))
    shown = {row.id: _shown(row) for row in rows}
    return [shown[each] for each in wanted]


def _ranges(
    tenant: str, chosen: DeskFilter
) -> Iterator[tuple[Equal, Sequence[ColumnElement[bool]]]]:
    """Ranges of one index, and what else is to be so in them."""
    c = appointment.c
    statuses = chosen.statuses or _SHOWN
    first: list[tuple[ColumnElement[Any], Any]] = [(c.tenant, tenant)]
    if chosen.phone is not None:  # it has few
        conditions: list[ColumnElement[bool]] = [
            unindexed(c.status).in_([status.value for status in statuses])
        ]
        if chosen.calendar is not None:
            conditions.append(unindexed(c.calendar) == chosen.calendar)
        yield [*first, (c.phone, chosen.phone)], conditions
        return
    if chosen.calendar is not None:
        first.append((c.calendar, chosen.calendar))
    for status in statuses:
        yield [*first, (c.status, status.value)], ()


def count(s: Session, tenant: str, chosen: DeskFilter, *, up_to: int) -> int:
    """How many appointments there are; no more are counted than `up_to`."""
    times = between(chosen.starts_from, chosen.starts_before)
    ranges = (
        select(appointment.c.id).where(*conditions, *in_range(equal, _ORDER, times)).limit(up_to)
        for equal, conditions in _ranges(tenant, chosen)
    )
    some = union_all(*(select(one.subquery()) for one in ranges)).limit(up_to).subquery()
    return int(read_in_order(s, select(func.count()).select_from(some)).scalar_one())


def _rules_of(row: Any) -> CalendarRules:
    """Enough of its calendar's rules to move it: how long it takes."""
    duration = row["ends_at"] - row["starts_at"]
    return CalendarRules(name=row["calendar"], time_zone="UTC", duration=duration)


def _select() -> Select[Any]:
    changed = (
        select(func.max(appointment_change.c.at))
        .where(appointment_change.c.appointment_id == appointment.c.id)
        .scalar_subquery()
    )
    return (
        select(
            appointment,
            changed.label("changed_at"),
            contact.c.id.label("contact_id"),
            contact.c.first_name,
            contact.c.last_name,
            contact.c.email,
            func.coalesce(call_request.c.public_id, appointment.c.call_id).label("made_by"),
        )
        .outerjoin(
            contact,
            and_(contact.c.tenant == appointment.c.tenant, contact.c.phone == appointment.c.phone),
        )
        .outerjoin(call, call.c.id == appointment.c.call_id)
        .outerjoin(recipient, recipient.c.id == call.c.recipient_id)
        .outerjoin(
            call_request,
            and_(
                call_request.c.campaign_id == recipient.c.campaign_id,
                call_request.c.key == recipient.c.request_key,
            ),
        )
    )


def _shown(result: Row[Any]) -> DeskAppointment:
    row = result._mapping
    named = " ".join(filter(None, (row["first_name"], row["last_name"])))
    return DeskAppointment(
        appointment=appointment_of(row),
        notes=row["notes"],
        details=row["details"] or {},
        contact_id=row["contact_id"],
        contact_name=named or None,
        contact_email=row["email"],
        made_by=row["made_by"],
        created_at=row["created_at"],
        updated_at=row["changed_at"] or row["created_at"],
    )
