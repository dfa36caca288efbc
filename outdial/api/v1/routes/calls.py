"""/v1/calls."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError

from outdial.api.admission import AdmittedRoute
from outdial.api.state import state_of
from outdial.api.v1.answers import IdempotencyKey, idempotent_request, response, shown
from outdial.api.v1.auth import needs
from outdial.api.v1.models import (
    Call,
    CallDetails,
    CallEvent,
    CallRecording,
    CallTranscript,
    NewCall,
)
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of, read_cursor
from outdial.api.v1.refusals import OF_KEY, refusals
from outdial.domain.call.plan import CallRequest
from outdial.domain.call.request import CallFilter, CallView
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.fields import Timestamp
from outdial.domain.instants import in_calendar
from outdial.domain.refusals import explain_first
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.once import Answer
from outdial.services.accounts.rights import require_for_call
from outdial.services.calls import calls
from outdial.services.calls.calls import CallOrder
from outdial.services.errors import NotFound, RequestRefused
from outdial.services.webhooks import endpoints

router = APIRouter(prefix="/calls", tags=["calls"], route_class=AdmittedRoute)
CallId = Annotated[str, Path(max_length=64, examples=["0c5b6d3e-7a34-4d0f-9c3c-2f4b8f1f9a11"])]


@router.post(
    "",
    status_code=202,
    response_model=Call,
    responses=refusals(
        "not_found", *OF_KEY, "unknown_line", "quota_used_up", "no_callable_recipients"
    ),
    openapi_extra={"x-idempotent": True},
)
async def create_call(
    body: NewCall,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("calls:write"),
) -> Response:
    """Request a call. It is stored and placed when its time has come, within every limit and
    rule; poll it, or receive webhooks. 404: there is no such contact."""
    order = await _order(caller, body)
    made = await calls.create_call(
        caller.ctx,
        state_of(request).wakeups,
        order,
        show=_shown,
        idempotent=await idempotent_request(request, caller, idempotency_key),
    )
    return response(made if isinstance(made, Answer) else _shown(made))


@router.get("")
async def list_calls(
    limit: Limit = PAGE,
    cursor: Cursor = None,
    status: Annotated[list[CallStatus] | None, Query(max_length=8)] = None,
    to: Annotated[str | None, Query(max_length=50)] = None,
    agent: Annotated[str | None, Query(max_length=200)] = None,
    campaign: Annotated[str | None, Query(max_length=100)] = None,
    contact_id: Annotated[str | None, Query(max_length=100)] = None,
    created_from: Timestamp | None = None,
    created_before: Timestamp | None = None,
    caller: Caller = needs("calls:read"),
) -> Page[Call]:
    """All calls, those of campaigns included, newest first."""
    chosen = CallFilter(
        statuses=tuple(status or ()),
        to=to,
        agent=agent,
        campaign=campaign,
        contact_id=contact_id,
        created_from=created_from,
        created_before=created_before,
    )
    views = await calls.list_calls(caller.ctx, chosen, limit=limit + 1, after=place_of(cursor))
    return page_of(views, limit, Call.of, lambda one: [one.created_at.isoformat(), one.id])


@router.get("/{call_id}", responses=refusals("not_found"))
async def get_call(call_id: CallId, caller: Caller = needs("calls:read")) -> CallDetails:
    """A call with its attempts and events. A requested call keeps its id over all attempts."""
    view = await calls.get_call(caller.ctx, call_id)
    events = await calls.call_events(caller.ctx, view)
    shown = [CallEvent.of(event) for event in events]
    return CallDetails(**dict(Call.of(view)), events=shown)


@router.get("/{call_id}/transcript", responses=refusals("not_found"))
async def get_call_transcript(
    call_id: CallId, caller: Caller = needs("calls:read")
) -> CallTranscript:
    """The transcript of the latest attempt; 404 while there is none."""
    view = await calls.get_call(caller.ctx, call_id)
    if view.last is None or view.last.transcript is None:
        raise NotFound("transcript of call", call_id)
    return CallTranscript(call_id=view.id, transcript=view.last.transcript)


@router.get("/{call_id}/recording", responses=refusals("not_found"))
async def get_call_recording(
    call_id: CallId, caller: Caller = needs("calls:read")
) -> CallRecording:
    """The URL of the latest attempt's recording; 404 while there is none."""
    view = await calls.get_call(caller.ctx, call_id)
    if view.last is None or view.last.recording_url is None:
        raise NotFound("recording of call", call_id)
    return CallRecording(
        call_id=view.id,
        url=view.last.recording_url,
        duration_seconds=view.last.duration_seconds,
    )


@router.post("/{call_id}/end", responses=refusals("not_found"))
async def end_call(call_id: CallId, caller: Caller = needs("calls:write")) -> Call:
    """Hang up, or cancel a call that has not been placed. A call that has ended is not changed."""
    return Call.of(await calls.end_call(caller.ctx, call_id))


def place_of(cursor: str | None) -> tuple[datetime, str] | None:
    """Instant and id of the previous page's last call. Raises RequestRefused."""
    values = read_cursor(cursor, str, str)
    if values is None:
        return None
    try:
        at = datetime.fromisoformat(values[0])
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not in_calendar(at):
        raise RequestRefused("invalid cursor: use `next_cursor` of a response, or leave it out")
    return at, values[1]


def _shown(view: CallView) -> Answer:
    return shown(Call.of(view), 202)


async def _order(caller: Caller, body: NewCall) -> CallOrder:
    """Raises RequestRefused, NotFound, UnknownLine."""
    ctx = caller.ctx
    if body.contact_id is not None:
        await directory.get(ctx, directory.CONTACTS, body.contact_id)
    speaker = await directory.speaker(ctx, body.agent, body.line)
    endpoint = None
    if body.webhook is not None:
        endpoint = await endpoints.endpoint_of_call(ctx, body.webhook)
    apart = {"agent", "line", "scheduled_at", "contact_id", "webhook"}
    try:
        request = CallRequest(
            **{name: getattr(body, name) for name in body.model_fields_set - apart},
            agent=speaker.agent,
            line=speaker.line,
            not_before=body.scheduled_at,
        )
    except ValidationError as error:
        raise RequestRefused(explain_first(error, CallRequest)) from error
    await require_for_call(ctx, caller.key.scopes, request, speaker)
    return CallOrder(
        request=request,
        agent=speaker.name,
        contact_id=body.contact_id,
        endpoint_id=endpoint.id if endpoint is not None else None,
    )
