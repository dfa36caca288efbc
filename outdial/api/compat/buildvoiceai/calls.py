"""`/api/v1/calls/trigger` (docs.buildvoiceai.com/docs/reference/trigger-call-api), the API's only
endpoint."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.buildvoiceai.auth import NAME, needs
from outdial.api.state import state_of
from outdial.domain.call.request import CallView
from outdial.domain.numbers.phone import is_e164
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.calls import calls
from outdial.services.calls.dialing import single_call
from outdial.services.errors import RequestRefused

router = APIRouter(prefix="/api/v1/calls", route_class=AdmittedRoute)


class Trigger(BaseModel):
    """Fields that it does not know are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"phone_number": "+15551234567", "agent_id": "your-agent-uuid"}]
        }
    )

    phone_number: str = Field(max_length=50)
    """E.164."""
    agent_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    """Default: the tenant's default agent."""
    name: str | None = Field(default=None, max_length=200)
    """Told to the agent, as is `email`."""
    email: str | None = Field(default=None, max_length=320)
    metadata: dict[str, Any] | None = None
    """Comes back in webhooks."""


class Triggered(BaseModel):
    call_id: str
    status: Literal["initiated"] = "initiated"


class Success(Triggered):
    """The reference has `data`, the endpoint's page the members themselves: both are there."""

    success: Literal[True] = True
    data: Triggered


@router.post("/trigger")
async def trigger_call(
    body: Trigger, request: Request, caller: Caller = needs("calls:write")
) -> Success:
    """Call somebody, once, as soon as the rules allow. Calls are recorded: the API has no field
    for it, and its webhooks tell of recordings."""
    if not is_e164(body.phone_number):
        raise RequestRefused("Invalid phone number format")
    if body.agent_id is None and await directory.default_agent(caller.ctx) is None:
        raise RequestRefused("No agent specified and no default agent configured")
    order = await single_call(
        caller.ctx,
        scopes=caller.key.scopes,
        to=body.phone_number,
        agent=body.agent_id,
        origin=NAME,
        context=body.model_dump(include={"name", "email", "metadata"}, exclude_none=True),
        has_recordings=True,
    )
    made = await calls.create_call(caller.ctx, state_of(request).wakeups, order)
    assert isinstance(made, CallView)
    return Success(call_id=made.id, data=Triggered(call_id=made.id))
