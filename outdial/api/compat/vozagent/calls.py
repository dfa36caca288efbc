"""`/v1/calls` (docs.vozagent.ai/developers/api/calls)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.vozagent.auth import NAME, needs
from outdial.api.compat.vozagent.models import Call, ListedCall, Order, Queued
from outdial.api.compat.vozagent.words import MEANT
from outdial.api.state import state_of
from outdial.domain.call.request import CallFilter, CallView
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.contacts import match_contact
from outdial.services.accounts.directory import AGENTS, PHONE_NUMBERS
from outdial.services.calls import calls, settled_calls
from outdial.services.calls.dialing import single_call
from outdial.services.errors import NotFound, RequestRefused

router = APIRouter(prefix="/v1/calls", route_class=AdmittedRoute)
Limit = Annotated[int, Query(ge=0, le=100)]
Offset = Annotated[int, Query(ge=0, le=10**9)]
PAGE = 50


@router.post("/outbound", status_code=201)
async def create_call(
    body: Order, request: Request, caller: Caller = needs("calls:write contacts:write")
) -> Queued:
    """Call somebody, once, as soon as the rules allow; the number becomes a contact if it is none
    yet. Calls are recorded: the API has no field for it, and its calls have recordings."""
    assistant_id, assistant_name = await _assistant(caller, body)
    details = body.model_dump(include={"first_name", "last_name", "source", "notes"})
    details = {name: value for name, value in details.items() if value is not None}
    source = details.pop("source", None)
    contact, is_new = await match_contact(
        caller.ctx,
        body.phone_number,
        details | {"tags": body.tags or [], "metadata": {"source": source} if source else {}},
    )
    more = {"source": source, "tags": ", ".join(body.tags or ())}
    order = await single_call(
        caller.ctx,
        scopes=caller.key.scopes,
        to=body.phone_number,
        agent=assistant_id,
        origin=NAME,
        caller_id=await _shown_number(caller, assistant_id),
        context=details | {name: value for name, value in more.items() if value},
        contact_id=contact.id,
        has_recordings=True,
    )
    made = await calls.create_call(caller.ctx, state_of(request).wakeups, order)
    assert isinstance(made, CallView)
    return Queued(
        call_id=made.id,
        to_phone=made.to,
        assistant_name=assistant_name,
        contact_id=contact.id,
        is_new_contact=is_new,
        created_at=made.created_at,
    )


@router.get("")
async def list_calls(
    limit: Limit = PAGE,
    offset: Offset = 0,
    status: Annotated[str | None, Query(max_length=20)] = None,
    contact_id: Annotated[str | None, Query(max_length=100)] = None,
    assistant_id: Annotated[str | None, Query(max_length=200)] = None,
    call_type: Literal["inbound", "outbound"] | None = None,
    caller: Caller = needs("calls:read"),
) -> list[ListedCall]:
    """The newest first. There are no inbound calls here."""
    if status is not None and status not in MEANT:
        raise RequestRefused(f"status: found {status!r}; known are {', '.join(MEANT)}")
    if call_type == "inbound":
        return []
    chosen = CallFilter(
        statuses=() if status is None else (MEANT[status],),
        contact_id=contact_id,
        agent=assistant_id,
    )
    views = await settled_calls.list_calls(caller.ctx, chosen, limit=limit, offset=offset)
    return [ListedCall.of(view) for view in views]


@router.get("/{call_id}")
async def get_call(
    call_id: Annotated[str, Path(max_length=100)], caller: Caller = needs("calls:read")
) -> Call:
    return Call.with_details(await settled_calls.get_call(caller.ctx, call_id))


async def _assistant(caller: Caller, body: Order) -> tuple[str, str]:
    """Its id and name. Raises RequestRefused, NotFound."""
    if body.assistant_id is not None:
        agent = await directory.find(caller.ctx, AGENTS, id=body.assistant_id)
        return body.assistant_id, agent.name if agent else body.assistant_id
    if body.assistant_name is None:
        raise RequestRefused("send assistant_id or assistant_name")
    named = await directory.find(caller.ctx, AGENTS, name=body.assistant_name)
    if named is None:
        raise NotFound("assistant named", body.assistant_name)
    return named.id, named.name


async def _shown_number(caller: Caller, assistant_id: str) -> str | None:
    """The number that was assigned to an assistant, if its line may show it."""
    number = await directory.find(caller.ctx, PHONE_NUMBERS, agent_id=assistant_id, is_active=True)
    if number is None:
        return None
    speaker = await directory.speaker(caller.ctx, assistant_id)
    line = caller.ctx.lines.of_tenant(caller.ctx.tenant)[speaker.line]
    if not line.provider.carried.caller_id:
        return None
    return number.phone if number.line in (None, speaker.line) else None
