"""`/api/v1/contacts` (voxpria.com/docs/contacts-api)."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Path
from pydantic import ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.bodies import LARGE, accepting
from outdial.api.compat.totals import counted_to
from outdial.api.compat.values import Timestamp
from outdial.api.compat.voxpria.auth import needs
from outdial.api.compat.voxpria.calls import MOST, PAGE, Limit, Page
from outdial.api.compat.voxpria.models import Camel, Listed, Pagination, Success
from outdial.domain.directory import Contact
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.contacts import MOST_AT_ONCE, import_contacts
from outdial.services.accounts.directory import CONTACTS

router = APIRouter(prefix="/api/v1/contacts", route_class=AdmittedRoute)
ContactId = Annotated[str, Path(max_length=100)]
Name = Annotated[str | None, Field(max_length=200)]


class ChangedContact(Camel):
    """What is left out stays as it is: our choice, the page shows no rule."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"firstName": "Jane"}]})

    phone: str | None = Field(default=None, max_length=50)
    first_name: Name = None
    last_name: Name = None
    email: Name = None
    metadata: dict[str, Any] | None = None

    def sent(self) -> dict[str, Any]:
        given = self.model_dump(exclude_unset=True)
        never_null = ("phone", "metadata")
        return {name: v for name, v in given.items() if v is not None or name not in never_null}


class NewContact(ChangedContact):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"phone": "+14155551234", "firstName": "John"}]}
    )

    phone: str = Field(max_length=50)


class ManyContacts(Camel):
    contacts: list[NewContact] = Field(max_length=MOST_AT_ONCE)


class ShownContact(Camel):
    contact_id: str
    phone: str
    first_name: str | None
    last_name: str | None
    email: str | None
    metadata: dict[str, Any]
    created_at: Timestamp

    @classmethod
    def of(cls, contact: Contact) -> Self:
        named = set(cls.model_fields) - {"contact_id"}
        return cls(contact_id=contact.id, **contact.model_dump(include=named))


class NotImported(Camel):
    index: int
    phone: str
    error: str


class Imported(Camel):
    imported: int
    skipped: int
    errors: list[NotImported]


class Deleted(Camel):
    contact_id: str
    deleted: bool = True


@router.post("")
async def create_contact(
    body: NewContact, caller: Caller = needs("contacts:write")
) -> Success[ShownContact]:
    made = await directory.add(caller.ctx, CONTACTS, body.sent(), lenient=True)
    return Success(data=ShownContact.of(made))


@router.post("/bulk")
@accepting(LARGE)
async def create_contacts(
    body: ManyContacts, caller: Caller = needs("contacts:write")
) -> Success[Imported]:
    """Those whose numbers are known already are skipped."""
    taken = await import_contacts(caller.ctx, [one.sent() for one in body.contacts])
    errors = [
        NotImported(index=one.index, phone=body.contacts[one.index].phone, error=one.why)
        for one in taken.rejected
    ]
    return Success(data=Imported(imported=taken.imported, skipped=taken.skipped, errors=errors))


@router.get("")
async def list_contacts(
    page: Page = 1, limit: Limit = PAGE, caller: Caller = needs("contacts:read")
) -> Listed[ShownContact]:
    """The oldest first."""
    size = min(limit, MOST)
    offset = (page - 1) * size
    contacts = await directory.page(caller.ctx, CONTACTS, limit=size, offset=offset)
    total = await directory.count(caller.ctx, CONTACTS, up_to=counted_to(offset, size))
    shown = [ShownContact.of(one) for one in contacts]
    return Listed(data=shown, pagination=Pagination(page=page, limit=size, total=total))


@router.put("/{contact_id}")
async def change_contact(
    contact_id: ContactId, body: ChangedContact, caller: Caller = needs("contacts:write")
) -> Success[ShownContact]:
    contact = await directory.change(caller.ctx, CONTACTS, contact_id, body.sent(), lenient=True)
    return Success(data=ShownContact.of(contact))


@router.delete("/{contact_id}")
async def remove_contact(
    contact_id: ContactId, caller: Caller = needs("contacts:write")
) -> Success[Deleted]:
    await directory.remove(caller.ctx, CONTACTS, contact_id)
    return Success(data=Deleted(contact_id=contact_id))
