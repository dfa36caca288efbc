"""Calls and browser sessions: begun and ended."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.thinnestai.auth import NAME, needs
from outdial.api.compat.thinnestai.models import Dial, Dialed, Session, Start, Started
from outdial.api.state import state_of
from outdial.domain.call.request import CallView
from outdial.services.accounts.access import Caller
from outdial.services.calls import calls, settled_calls, web_sessions
from outdial.services.calls.dialing import single_call
from outdial.services.errors import RequestRefused
from outdial.services.webhooks import endpoints

router = APIRouter(route_class=AdmittedRoute)
SessionId = Annotated[str, Path(max_length=100)]


@router.post("/voice/outbound/dial")
async def dial(
    body: Dial, request: Request, caller: Caller = needs("calls:write", "dial")
) -> Dialed:
    """Call somebody. With `scheduled_at`, not before."""
    ctx = caller.ctx
    if body.scheduled_at is not None and body.scheduled_at <= ctx.clock():
        raise RequestRefused("scheduled_at: it has passed; write a time to come")
    endpoint = None
    if body.webhook_url is not None:
        endpoint = await endpoints.endpoint_of_call(ctx, body.webhook_url, scheme=NAME)
    order = await single_call(
        ctx,
        scopes=caller.key.scopes,
        to=body.to_number,
        agent=body.agent_id,
        origin=NAME,
        caller_id=body.from_number,
        context=body.context,
        endpoint_id=None if endpoint is None else endpoint.id,
        not_before=body.scheduled_at,
        max_duration=timedelta(seconds=body.max_duration) if body.max_duration else None,
        recording=body.recording,
    )
    made = await calls.create_call(ctx, state_of(request).wakeups, order)
    assert isinstance(made, CallView)
    return Dialed(
        call_id=made.id,
        session_id=made.id,
        status="initiating",
        agent_id=body.agent_id,
        to_number=made.to,
        from_number=body.from_number,
        created_at=made.created_at,
        scheduled_at=made.scheduled_at,
    )


@router.post("/voice/start")
async def start(body: Start, caller: Caller = needs("calls:write", "start")) -> Started:
    """Open a browser session: a LiveKit token that admits one visitor to a room with the agent.

    501 where no LiveKit line is configured.
    """
    opened = await web_sessions.open_web_session(caller.ctx, body.agent_id, body.context or {})
    return Started(
        session_id=opened.session_id,
        token=opened.token,
        livekit_url=opened.url,
        websocket_url=opened.url,
        room_name=opened.room,
        agent_id=body.agent_id,
    )


@router.post("/voice/end/{session_id}")
async def end(session_id: SessionId, caller: Caller = needs("calls:write")) -> Session:
    """Hang up, or call nobody if it has not begun; what is over stays as it is."""
    return Session.of(await settled_calls.end_call(caller.ctx, session_id))
