"""/v1/contacts."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.answers import IdempotencyKey, IfMatch, answered_once, tag, version_of
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of
from outdial.api.v1.refusals import OF_KEY, refusals
from outdial.api.v1.routes.calls import place_of
from outdial.domain.directory import Contact
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import CONTACTS

router = APIRouter(prefix="/contacts", tags=["contacts"], route_class=AdmittedRoute)
ContactId = Annotated[str, Path(max_length=64)]
Short = Annotated[str, Field(max_length=500)]


class ContactBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first_name: Short | None = None
    last_name: Short | None = None
    email: Short | None = None
    company: Short | None = None
    notes: str | None = Field(default=None, max_length=20_000)
    time_zone: Short | None = None
    tags: list[Short] = Field(default_factory=list, max_length=100)
    metadata: dict[str, Any] = Field(default_factory=dict)


class NewContact(ContactBody):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"phone": "+12125550143", "first_name": "Ana", "tags": ["patients"]}]
        },
    )

    phone: str = Field(max_length=50)


class ContactUpdate(ContactBody):
    """Fields left out are not changed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"notes": "prefers the afternoon"}]}
    )

    phone: str | None = Field(default=None, max_length=50)


@router.post("", status_code=201, response_model=Contact, responses=refusals(*OF_KEY))
async def create_contact(
    body: NewContact,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("contacts:write"),
) -> Response:
    """Create a contact. A second contact of the tenant with the same number is refused with 409."""

    async def carry_out() -> Contact:
        return await directory.add(caller.ctx, CONTACTS, body.model_dump())

    return await answered_once(request, caller, idempotency_key, carry_out, 201)


@router.get("")
async def list_contacts(
    limit: Limit = PAGE,
    cursor: Cursor = None,
    search: Annotated[str | None, Query(max_length=200)] = None,
    tag: Annotated[list[str] | None, Query(max_length=20)] = None,
    caller: Caller = needs("contacts:read"),
) -> Page[Contact]:
    """The contacts, oldest first; `search` matches names, company, email and number."""
    contacts = await directory.page(
        caller.ctx,
        CONTACTS,
        limit=limit + 1,
        after=place_of(cursor),
        search=search,
        tags=tag or (),
    )
    return page_of(
        contacts, limit, lambda one: one, lambda one: [one.created_at.isoformat(), one.id]
    )


@router.get("/{contact_id}", responses=refusals("not_found"))
async def get_contact(
    contact_id: ContactId, response: Response, caller: Caller = needs("contacts:read")
) -> Contact:
    """A contact, with its version as the ETag."""
    contact = await directory.get(caller.ctx, CONTACTS, contact_id)
    response.headers.update(tag(contact.version))
    return contact


@router.patch("/{contact_id}", responses=refusals("not_found", "conflict", "precondition_failed"))
async def update_contact(
    contact_id: ContactId,
    body: ContactUpdate,
    response: Response,
    if_match: IfMatch = None,
    caller: Caller = needs("contacts:write"),
) -> Contact:
    """Change a contact. With `If-Match`, only from that version."""
    contact = await directory.change(
        caller.ctx,
        CONTACTS,
        contact_id,
        given(body, "phone"),
        version=version_of(if_match),
    )
    response.headers.update(tag(contact.version))
    return contact


@router.delete(
    "/{contact_id}", status_code=204, responses=refusals("not_found", "precondition_failed")
)
async def delete_contact(
    contact_id: ContactId, if_match: IfMatch = None, caller: Caller = needs("contacts:write")
) -> None:
    """Delete a contact. Its calls are kept."""
    await directory.remove(caller.ctx, CONTACTS, contact_id, version=version_of(if_match))


def given(body: BaseModel, *never_null: str) -> dict[str, Any]:
    """The fields that were sent; those that must have a value, only if they have one."""
    sent = body.model_dump(exclude_unset=True)
    return {name: v for name, v in sent.items() if v is not None or name not in never_null}
