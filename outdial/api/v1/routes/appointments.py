"""/v1/appointments: booked by calls, or entered by people."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.answers import IdempotencyKey, answered_once
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of
from outdial.api.v1.refusals import OF_KEY, refusals
from outdial.api.v1.routes.calls import place_of
from outdial.domain.appointment.appointment import AppointmentChange as RecordedChange
from outdial.domain.appointment.appointment import AppointmentStatus, DeskAppointment
from outdial.domain.definition.fields import Timestamp
from outdial.services.accounts.access import Caller
from outdial.services.appointments import appointments
from outdial.services.appointments.appointments import DeskChange, DeskFilter
from outdial.services.compliance.numbers import parse_number

router = APIRouter(prefix="/appointments", tags=["appointments"], route_class=AdmittedRoute)
AppointmentId = Annotated[str, Path(max_length=100)]
Status = Literal["booked", "confirmed", "in_progress", "completed", "no_show", "canceled"]
_MINUTE = timedelta(minutes=1)
_Notes = Annotated[str, Field(max_length=20_000)]


class NewAppointment(BaseModel):
    """Entered without a check of availability. Calls no longer offer its slots."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "calendar": "clinic",
                    "title": "Checkup",
                    "starts_at": "2030-12-02T15:00:00Z",
                    "phone": "+12125550143",
                }
            ]
        },
    )

    calendar: str = Field(max_length=63)
    title: str = Field(min_length=1, max_length=500)
    starts_at: Timestamp
    duration_minutes: int = Field(default=30, ge=5, le=720, multiple_of=5)
    contact_id: Annotated[str, Field(max_length=100)] | None = None
    phone: Annotated[str, Field(max_length=50)] | None = None
    """With + and country code; default: the contact's."""
    notes: _Notes | None = None


class AppointmentUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"starts_at": "2030-12-03T09:30:00Z"}]}
    )

    starts_at: Timestamp | None = None
    status: Status | None = None
    notes: _Notes | None = None


class Appointment(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    calendar: str
    title: str
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus
    phone: str | None
    contact_id: str | None
    call_id: str | None
    """The call that booked it."""
    notes: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, kept: DeskAppointment) -> "Appointment":
        return cls(**_members(kept))


class AppointmentChange(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    change: str
    """`booked`, `moved`, `confirmed`, `canceled` and others."""
    at: datetime
    call_id: str | None
    starts_at: datetime
    status: AppointmentStatus

    @classmethod
    def of(cls, one: RecordedChange) -> "AppointmentChange":
        members = one.model_dump(include={"at", "call_id", "starts_at", "status"})
        return cls(change=one.change.value, **members)


class AppointmentDetails(Appointment):
    history: list[AppointmentChange]
    """Oldest first."""


@router.post(
    "", status_code=201, response_model=Appointment, responses=refusals("not_found", *OF_KEY)
)
async def create_appointment(
    body: NewAppointment,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("appointments:write"),
) -> Response:
    """Enter an appointment made elsewhere; it counts as confirmed."""
    members = body.model_dump(exclude={"duration_minutes"})
    new = appointments.NewAppointment(**members, duration=body.duration_minutes * _MINUTE)

    async def carry_out() -> Appointment:
        return Appointment.of(await appointments.add(caller.ctx, new))

    return await answered_once(request, caller, idempotency_key, carry_out, 201)


@router.get("")
async def list_appointments(
    limit: Limit = PAGE,
    cursor: Cursor = None,
    calendar: Annotated[str | None, Query(max_length=63)] = None,
    phone: Annotated[str | None, Query(max_length=50)] = None,
    status: Annotated[list[Status] | None, Query(max_length=6)] = None,
    starts_from: Timestamp | None = None,
    starts_before: Timestamp | None = None,
    caller: Caller = needs("appointments:read"),
) -> Page[Appointment]:
    """Appointments, ordered by time."""
    chosen = DeskFilter(
        statuses=tuple(AppointmentStatus(one) for one in status or ()),
        phone=None if phone is None else parse_number(phone),
        calendar=calendar,
        starts_from=starts_from,
        starts_before=starts_before,
        after=place_of(cursor),
    )
    rows = await appointments.page(caller.ctx, chosen, limit=limit + 1)
    return page_of(rows, limit, Appointment.of, _place)


@router.get("/{appointment_id}", responses=refusals("not_found"))
async def get_appointment(
    appointment_id: AppointmentId, caller: Caller = needs("appointments:read")
) -> AppointmentDetails:
    """An appointment with its history."""
    kept = await appointments.get(caller.ctx, appointment_id)
    steps = await appointments.history(caller.ctx, appointment_id)
    history = [AppointmentChange.of(one) for one in steps]
    return AppointmentDetails(**_members(kept), history=history)


@router.patch("/{appointment_id}", responses=refusals("not_found"))
async def update_appointment(
    appointment_id: AppointmentId,
    body: AppointmentUpdate,
    caller: Caller = needs("appointments:write"),
) -> Appointment:
    """Move it, change its notes, or set its status. A canceled one stays canceled."""
    status = None if body.status is None else AppointmentStatus(body.status)
    change = DeskChange(starts_at=body.starts_at, status=status, notes=body.notes)
    return Appointment.of(await appointments.change(caller.ctx, appointment_id, change))


@router.delete("/{appointment_id}", status_code=204, responses=refusals("not_found"))
async def cancel_appointment(
    appointment_id: AppointmentId, caller: Caller = needs("appointments:write")
) -> None:
    """Cancel an appointment; its history is kept. It can be repeated."""
    await appointments.cancel(caller.ctx, appointment_id)


def _place(kept: DeskAppointment) -> list[Any]:
    return [kept.appointment.starts_at.isoformat(), kept.appointment.id]


def _members(kept: DeskAppointment) -> dict[str, Any]:
    one = kept.appointment
    own = one.model_dump(include={"id", "calendar", "title", "starts_at", "ends_at", "status"})
    return own | {
        "phone": one.phone or None,
        "contact_id": kept.contact_id,
        "call_id": kept.made_by,
        "notes": kept.notes,
        "created_at": kept.created_at,
        "updated_at": kept.updated_at,
    }
