"""`/v1/contacts` (docs.vozagent.ai/developers/api/contacts). Pages show listing and changing;
that contacts are made and deleted is promised, and how is our choice."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.vozagent.auth import needs
from outdial.api.compat.vozagent.calls import PAGE, Limit, Offset
from outdial.api.compat.vozagent.models import ChangedContact, NewContact, ShownContact
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import CONTACTS

router = APIRouter(prefix="/v1/contacts", route_class=AdmittedRoute)
ContactId = Annotated[str, Path(max_length=100)]


class Deleted(BaseModel):
    id: str
    deleted: bool = True


@router.get("")
async def list_contacts(
    limit: Limit = PAGE,
    offset: Offset = 0,
    search: Annotated[str | None, Query(max_length=200)] = None,
    tags: Annotated[str | None, Query(max_length=500, description="With commas.")] = None,
    caller: Caller = needs("contacts:read"),
) -> list[ShownContact]:
    """The oldest first; those that have all the tags."""
    chosen_tags = [tag.strip() for tag in (tags or "").split(",") if tag.strip()]
    contacts = await directory.page(
        caller.ctx, CONTACTS, limit=limit, offset=offset, search=search, tags=chosen_tags
    )
    return [ShownContact.of(one) for one in contacts]


@router.post("", status_code=201)
async def create_contact(
    body: NewContact, caller: Caller = needs("contacts:write")
) -> ShownContact:
    values = body.model_dump(exclude={"phone_number"}) | {"phone": body.phone_number}
    values["tags"] = body.tags or []
    return ShownContact.of(await directory.add(caller.ctx, CONTACTS, values, lenient=True))


@router.get("/{contact_id}")
async def get_contact(
    contact_id: ContactId, caller: Caller = needs("contacts:read")
) -> ShownContact:
    return ShownContact.of(await directory.get(caller.ctx, CONTACTS, contact_id))


@router.patch("/{contact_id}")
async def change_contact(
    contact_id: ContactId, body: ChangedContact, caller: Caller = needs("contacts:write")
) -> ShownContact:
    values = body.model_dump(exclude_unset=True)
    return ShownContact.of(await directory.change(caller.ctx, CONTACTS, contact_id, values))


@router.delete("/{contact_id}")
async def remove_contact(
    contact_id: ContactId, caller: Caller = needs("contacts:write")
) -> Deleted:
    await directory.remove(caller.ctx, CONTACTS, contact_id)
    return Deleted(id=contact_id)
