"""`/api/v1/calls`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.totals import counted_to
from outdial.api.compat.voxpria.auth import NAME, TRIGGERS, needs
from outdial.api.compat.voxpria.models import Call, Listed, Pagination, Success, Trigger, Triggered
from outdial.api.state import state_of
from outdial.domain.call.request import CallFilter, CallView
from outdial.services.accounts.access import Caller
from outdial.services.calls import calls, settled_calls
from outdial.services.calls.dialing import single_call

router = APIRouter(prefix="/api/v1/calls", route_class=AdmittedRoute)
PAGE, MOST = 50, 100
Page = Annotated[int, Query(ge=1, le=10**6)]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most 100 are given.")]


@router.post("")
async def trigger_call(
    body: Trigger, request: Request, caller: Caller = needs("calls:write", TRIGGERS)
) -> Success[Triggered]:
    """Call somebody, once, as soon as the rules allow. Calls are recorded: the API has no field
    for it, and its calls have recordings."""
    order = await single_call(
        caller.ctx,
        scopes=caller.key.scopes,
        to=body.to_number,
        agent=body.agent_id,
        origin=NAME,
        context=body.variables,
        has_recordings=True,
    )
    made = await calls.create_call(caller.ctx, state_of(request).wakeups, order)
    assert isinstance(made, CallView)
    return Success(
        data=Triggered(
            call_id=made.id,
            status="queued",
            to_number=made.to,
            agent_id=made.agent,
            created_at=made.created_at,
        )
    )


@router.get("")
async def list_calls(
    page: Page = 1, limit: Limit = PAGE, caller: Caller = needs("calls:read")
) -> Listed[Call]:
    """The newest first."""
    size, everything = min(limit, MOST), CallFilter()
    offset = (page - 1) * size
    views = await settled_calls.list_calls(caller.ctx, everything, limit=size, offset=offset)
    total = await settled_calls.count_calls(caller.ctx, everything, up_to=counted_to(offset, size))
    shown = [Call.of(view) for view in views]
    return Listed(data=shown, pagination=Pagination(page=page, limit=size, total=total))


@router.get("/{call_id}")
async def get_call(
    call_id: Annotated[str, Path(max_length=100)], caller: Caller = needs("calls:read")
) -> Success[Call]:
    return Success(data=Call.of(await settled_calls.get_call(caller.ctx, call_id)))
