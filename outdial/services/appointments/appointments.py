"""Appointments that people make, change and look at; calls book theirs themselves."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from outdial.domain.appointment.appointment import (
    AppointmentChange,
    AppointmentStatus,
    DeskAppointment,
    NotMade,
    Party,
)
from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.bounds import FREE_FORM, OutOfBounds, require_within
from outdial.domain.refusals import explain_first
from outdial.resources.resources import Resources
from outdial.services.accounts import directory
from outdial.services.accounts.contacts import number_of
from outdial.services.accounts.directory import CONTACTS
from outdial.services.errors import NotFound, RequestRefused
from outdial.store.appointments import desk
from outdial.store.appointments.desk import DeskChange, DeskFilter
from outdial.store.appointments.history import history_of
from outdial.store.db.errors import UnknownAppointment

KIND = "appointment"
NO_NUMBER = ""
"""The number of an appointment without one."""

__all__ = ["AppointmentStatus", "DeskChange", "DeskFilter", "NewAppointment"]


@dataclass(frozen=True, slots=True)
class NewAppointment:
    """An appointment to be entered."""

    title: str
    starts_at: datetime
    duration: timedelta
    calendar: str
    """Calls that book in the calendar of this name leave its slots out."""
    contact_id: str | None = None
    phone: str | None = None
    """Default: the contact's."""
    notes: str | None = None
    details: dict[str, Any] | None = None


async def add(ctx: Resources, new: NewAppointment) -> DeskAppointment:
    """Enter an appointment. Raises RequestRefused, and NotFound for an unknown contact."""
    now = ctx.clock()
    _require_bounded(new.details)
    _require_future(new.starts_at, now)
    try:
        rules = CalendarRules(name=new.calendar, time_zone="UTC", duration=new.duration, capacity=1)
    except ValidationError as error:
        raise RequestRefused(explain_first(error, CalendarRules)) from None
    party = Party(ctx.tenant, await _number(ctx, new), title=new.title)
    made = await ctx.database.write(
        lambda s: desk.add(
            s,
            party,
            rules,
            new.starts_at,
            notes=new.notes,
            details=new.details or {},
            key=_key(),
            now=now,
        )
    )
    return await get(ctx, made)


async def get(ctx: Resources, appointment_id: str) -> DeskAppointment:
    """One appointment of the tenant. Raises NotFound."""
    stored = await ctx.database.read(lambda s: desk.get(s, ctx.tenant, appointment_id))
    if stored is None:
        raise NotFound(KIND, appointment_id)
    return stored


async def history(ctx: Resources, appointment_id: str) -> list[AppointmentChange]:
    """The changes of an appointment, oldest first. Raises NotFound."""
    await get(ctx, appointment_id)
    return await ctx.database.read(lambda s: history_of(s, appointment_id))


async def page(
    ctx: Resources, chosen: DeskFilter, *, limit: int, offset: int = 0
) -> list[DeskAppointment]:
    """A page of appointments, ordered by their starts."""
    return await ctx.database.read(
        lambda s: desk.page(s, ctx.tenant, chosen, limit=limit, offset=offset)
    )


async def count(ctx: Resources, chosen: DeskFilter, *, up_to: int) -> int:
    """How many appointments there are; no more are counted than `up_to`."""
    return await ctx.database.read(lambda s: desk.count(s, ctx.tenant, chosen, up_to=up_to))


async def change(ctx: Resources, appointment_id: str, changes: DeskChange) -> DeskAppointment:
    """Move it, or change its notes or status. Raises NotFound, RequestRefused."""
    now = ctx.clock()
    _require_bounded(changes.details)
    if changes.starts_at is not None:
        _require_future(changes.starts_at, now)
    try:
        refused = await ctx.database.write(
            lambda s: desk.change(s, ctx.tenant, appointment_id, changes, key=_key(), now=now)
        )
    except UnknownAppointment:
        raise NotFound(KIND, appointment_id) from None
    if isinstance(refused, NotMade):
        raise RequestRefused(refused.reason)
    return await get(ctx, appointment_id)


async def cancel(ctx: Resources, appointment_id: str) -> None:
    """Cancel it; a canceled one stays canceled. Raises NotFound."""
    await change(ctx, appointment_id, DeskChange(status=AppointmentStatus.CANCELED))


async def _number(ctx: Resources, new: NewAppointment) -> str:
    contact = None
    if new.contact_id is not None:
        contact = await directory.get(ctx, CONTACTS, new.contact_id)
    if new.phone is not None:
        return number_of(new.phone)
    return NO_NUMBER if contact is None else contact.phone


def _require_bounded(details: dict[str, Any] | None) -> None:
    try:
        require_within(details or {}, FREE_FORM, ("details",))
    except OutOfBounds as error:
        raise RequestRefused(str(error)) from None


def _require_future(at: datetime, now: datetime) -> None:
    if at <= now:
        raise RequestRefused(f"found the time {at.isoformat()}, which has passed")


def _key() -> str:
    return f"desk/{uuid.uuid4()}"
