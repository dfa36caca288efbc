"""/v1/phone-numbers."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.answers import IdempotencyKey, IfMatch, answered_once, tag, version_of
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of
from outdial.api.v1.refusals import OF_KEY, refusals
from outdial.api.v1.routes.calls import place_of
from outdial.api.v1.routes.contacts import given
from outdial.domain.directory import PhoneNumber
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import PHONE_NUMBERS
from outdial.services.accounts.rights import require_for_number

router = APIRouter(prefix="/phone-numbers", tags=["phone numbers"], route_class=AdmittedRoute)
NumberId = Annotated[str, Path(max_length=64)]


class PhoneNumberUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"label": "front desk"}]}
    )

    label: str | None = Field(default=None, max_length=200)
    line: str | None = Field(default=None, max_length=100)
    agent_id: str | None = Field(default=None, max_length=100)
    is_active: bool = True
    metadata: dict[str, Any] = Field(default_factory=dict)


class NewPhoneNumber(PhoneNumberUpdate):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"phone": "+12125550100"}]}
    )

    phone: str = Field(max_length=50)


@router.post(
    "", status_code=201, response_model=PhoneNumber, responses=refusals(*OF_KEY, "unknown_line")
)
async def create_phone_number(
    body: NewPhoneNumber,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("phone_numbers:write"),
) -> Response:
    """Register a caller id. That the provider allows it is up to you."""

    async def carry_out() -> PhoneNumber:
        directory.require_line(caller.ctx, body.line)
        require_for_number(caller.ctx, caller.key.scopes, body.phone, body.line)
        return await directory.add(caller.ctx, PHONE_NUMBERS, body.model_dump())

    return await answered_once(request, caller, idempotency_key, carry_out, 201)


@router.get("")
async def list_phone_numbers(
    limit: Limit = PAGE, cursor: Cursor = None, caller: Caller = needs("phone_numbers:read")
) -> Page[PhoneNumber]:
    """The registered caller ids, oldest first."""
    numbers = await directory.page(
        caller.ctx, PHONE_NUMBERS, limit=limit + 1, after=place_of(cursor)
    )
    return page_of(
        numbers, limit, lambda one: one, lambda one: [one.created_at.isoformat(), one.id]
    )


@router.get("/{number_id}", responses=refusals("not_found"))
async def get_phone_number(
    number_id: NumberId, response: Response, caller: Caller = needs("phone_numbers:read")
) -> PhoneNumber:
    """A registered caller id, with its version as the ETag."""
    number = await directory.get(caller.ctx, PHONE_NUMBERS, number_id)
    response.headers.update(tag(number.version))
    return number


@router.patch(
    "/{number_id}", responses=refusals("not_found", "precondition_failed", "unknown_line")
)
async def update_phone_number(
    number_id: NumberId,
    body: PhoneNumberUpdate,
    response: Response,
    if_match: IfMatch = None,
    caller: Caller = needs("phone_numbers:write"),
) -> PhoneNumber:
    """Change a registered caller id. With `If-Match`, only from that version."""
    values = given(body)
    directory.require_line(caller.ctx, values.get("line"))
    if "line" in values:
        before = await directory.get(caller.ctx, PHONE_NUMBERS, number_id)
        require_for_number(caller.ctx, caller.key.scopes, before.phone, values["line"])
    number = await directory.change(
        caller.ctx, PHONE_NUMBERS, number_id, values, version=version_of(if_match)
    )
    response.headers.update(tag(number.version))
    return number


@router.delete(
    "/{number_id}", status_code=204, responses=refusals("not_found", "precondition_failed")
)
async def delete_phone_number(
    number_id: NumberId, if_match: IfMatch = None, caller: Caller = needs("phone_numbers:write")
) -> None:
    """Delete a caller id. Calls already requested with it are still placed."""
    await directory.remove(caller.ctx, PHONE_NUMBERS, number_id, version=version_of(if_match))
