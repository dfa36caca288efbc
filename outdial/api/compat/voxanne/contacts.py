"""/api/contacts, and calls to them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.totals import counted_to
from outdial.api.compat.voxanne.auth import NAME, needs
from outdial.api.compat.voxanne.models.appointments import Appointment
from outdial.api.compat.voxanne.models.calls import Call
from outdial.api.compat.voxanne.models.contacts import (
    ChangedContact,
    Contact,
    ContactDetails,
    Lead,
    NewContact,
    lead_tag,
    name_of,
    values_of,
)
from outdial.api.compat.voxanne.pages import MOST, PAGE, Limit, PageNumber, Pagination
from outdial.api.state import state_of
from outdial.domain.call.request import CallFilter, CallView
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import CONTACTS
from outdial.services.appointments import appointments
from outdial.services.appointments.appointments import DeskFilter
from outdial.services.calls import calls, settled_calls
from outdial.services.calls.dialing import single_call
from outdial.services.errors import Collision, RequestRefused

router = APIRouter(prefix="/api/contacts", route_class=AdmittedRoute)
ContactId = Annotated[str, Path(max_length=100)]
_HISTORY = 50


class Contacts(BaseModel):
    contacts: list[Contact]
    pagination: Pagination


class CallBack(BaseModel):
    agentId: Annotated[str, Field(max_length=200)] | None = None


class CalledBack(BaseModel):
    callTrackingId: str
    vapiCallId: str
    contactId: str
    phone: str
    status: str
    message: str


@router.get("")
async def list_contacts(
    page: PageNumber = 1,
    limit: Limit = PAGE,
    leadStatus: Lead | None = None,
    search: Annotated[str | None, Query(max_length=200)] = None,
    caller: Caller = needs("contacts:read"),
) -> Contacts:
    """Oldest first; `search` looks at names, email and number."""
    size = min(limit, MOST)
    offset = (page - 1) * size
    tags = () if leadStatus is None else (lead_tag(leadStatus),)
    contacts = await directory.page(
        caller.ctx, CONTACTS, limit=size, offset=offset, search=search, tags=tags
    )
    total = await directory.count(
        caller.ctx, CONTACTS, up_to=counted_to(offset, size), search=search, tags=tags
    )
    return Contacts(
        contacts=[Contact.of(one) for one in contacts],
        pagination=Pagination.of(page, size, total),
    )


@router.post("", status_code=201)
async def create_contact(body: NewContact, caller: Caller = needs("contacts:write")) -> Contact:
    try:
        return Contact.of(await directory.add(caller.ctx, CONTACTS, values_of(body, None)))
    except Collision:
        raise RequestRefused(
            "Contact with this phone number already exists in your organization"
        ) from None


@router.get("/{contact_id}")
async def get_contact(
    contact_id: ContactId, caller: Caller = needs("contacts:read")
) -> ContactDetails:
    kept = await directory.get(caller.ctx, CONTACTS, contact_id)
    chosen = CallFilter(contact_id=kept.id)
    views, total = [], 0
    if caller.may("calls:read"):
        views = await settled_calls.list_calls(caller.ctx, chosen, limit=_HISTORY)
        total = await settled_calls.count_calls(caller.ctx, chosen, up_to=counted_to(0, _HISTORY))
    theirs = DeskFilter(phone=kept.phone)
    booked, count = [], 0
    if caller.may("appointments:read"):
        booked = await appointments.page(caller.ctx, theirs, limit=_HISTORY)
        count = await appointments.count(caller.ctx, theirs, up_to=counted_to(0, _HISTORY))
    return ContactDetails.with_history(
        kept,
        [Call.of(view) for view in views],
        total,
        [Appointment.of(one) for one in booked],
        count,
    )


@router.patch("/{contact_id}")
async def change_contact(
    contact_id: ContactId, body: ChangedContact, caller: Caller = needs("contacts:write")
) -> Contact:
    kept = await directory.get(caller.ctx, CONTACTS, contact_id)
    values = values_of(body, kept)
    changed = await directory.change(caller.ctx, CONTACTS, contact_id, values, version=kept.version)
    return Contact.of(changed)


@router.post("/{contact_id}/call-back", status_code=201)
async def call_contact(
    contact_id: ContactId,
    request: Request,
    body: CallBack | None = None,
    caller: Caller = needs("calls:write contacts:read"),
) -> CalledBack:
    """Call a contact, once. Without `agentId` the default agent speaks, else the oldest one.
    Calls are recorded: the API has no field for it, and its calls have recordings."""
    ctx = caller.ctx
    kept = await directory.get(ctx, CONTACTS, contact_id)
    named = {"name": name_of(kept), "first_name": kept.first_name, "email": kept.email}
    order = await single_call(
        ctx,
        scopes=caller.key.scopes,
        to=kept.phone,
        agent=(body.agentId if body else None) or await directory.usual_agent(ctx),
        origin=NAME,
        context={key: value for key, value in named.items() if value},
        contact_id=kept.id,
        has_recordings=True,
    )
    made = await calls.create_call(ctx, state_of(request).wakeups, order)
    assert isinstance(made, CallView)
    return CalledBack(
        callTrackingId=made.id,
        vapiCallId=made.id,
        contactId=kept.id,
        phone=made.to,
        status="ringing",
        message=f"Calling {name_of(kept) or made.to}",
    )
