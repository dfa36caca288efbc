"""/api/appointments: those that are made here, and those that calls have booked."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.days import from_day
from outdial.api.compat.totals import counted_to
from outdial.api.compat.voxanne.auth import needs
from outdial.api.compat.voxanne.models.appointments import (
    STATUSES,
    Appointment,
    ChangeAppointment,
    CreateAppointment,
)
from outdial.api.compat.voxanne.pages import MOST, PAGE, Limit, PageNumber, Pagination
from outdial.domain.appointment.appointment import DeskAppointment
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import CONTACTS
from outdial.services.appointments import appointments
from outdial.services.appointments.appointments import DeskFilter
from outdial.services.errors import RequestRefused, ScopeMissing
from outdial.webhook_formats.voxanne import AppointmentWord as Status

router = APIRouter(prefix="/api/appointments", route_class=AdmittedRoute)
AppointmentId = Annotated[str, Path(max_length=100)]
_Day = Annotated[str | None, Query(max_length=40)]


class Appointments(BaseModel):
    appointments: list[Appointment]
    pagination: Pagination


_CONTACTS = "contacts:read"


@router.get("")
async def list_appointments(
    page: PageNumber = 1,
    limit: Limit = PAGE,
    status: Status | None = None,
    contact_id: Annotated[str | None, Query(max_length=100)] = None,
    startDate: _Day = None,
    endDate: _Day = None,
    caller: Caller = needs("appointments:read"),
) -> Appointments:
    """By their times. Dates are instants, or days in UTC, of which the last is within."""
    phone = None
    if contact_id is not None:
        if not caller.may(_CONTACTS):
            raise ScopeMissing(_CONTACTS)
        phone = (await directory.get(caller.ctx, CONTACTS, contact_id)).phone
    try:
        chosen = DeskFilter(
            statuses=() if status is None else (STATUSES[status],),
            phone=phone,
            starts_from=from_day(startDate),
            starts_before=from_day(endDate, end=True),
        )
    except (ValueError, OverflowError):
        raise RequestRefused("startDate, endDate: write a date, such as 2026-12-01") from None
    size = min(limit, MOST)
    offset = (page - 1) * size
    rows = await appointments.page(caller.ctx, chosen, limit=size, offset=offset)
    total = await appointments.count(caller.ctx, chosen, up_to=counted_to(offset, size))
    return Appointments(
        appointments=[_shown(one, caller) for one in rows],
        pagination=Pagination.of(page, size, total),
    )


@router.post("", status_code=201)
async def create_appointment(
    body: CreateAppointment, caller: Caller = needs("appointments:write")
) -> Appointment:
    """It is confirmed. Nobody asks whether there is room: whoever enters it knows."""
    return _shown(await appointments.add(caller.ctx, body.as_new()), caller)


@router.get("/{appointment_id}")
async def get_appointment(
    appointment_id: AppointmentId, caller: Caller = needs("appointments:read")
) -> Appointment:
    return _shown(await appointments.get(caller.ctx, appointment_id), caller)


@router.patch("/{appointment_id}")
async def change_appointment(
    appointment_id: AppointmentId,
    body: ChangeAppointment,
    caller: Caller = needs("appointments:write"),
) -> Appointment:
    kept = await appointments.get(caller.ctx, appointment_id)
    changed = await appointments.change(caller.ctx, appointment_id, body.as_change(kept))
    return _shown(changed, caller)


@router.delete("/{appointment_id}")
async def cancel_appointment(
    appointment_id: AppointmentId, caller: Caller = needs("appointments:write")
) -> dict[str, bool]:
    """Cancel it: its history stays."""
    await appointments.cancel(caller.ctx, appointment_id)
    return {"success": True}


def _shown(kept: DeskAppointment, caller: Caller) -> Appointment:
    return Appointment.of(kept, with_contact=caller.may(_CONTACTS))
