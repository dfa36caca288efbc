"""/api/calls."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.voxanne.auth import needs
from outdial.api.compat.voxanne.models.calls import Call, CallDetails, Recording, Transcript
from outdial.api.compat.voxanne.words import MEANT
from outdial.domain.call.request import CallFilter
from outdial.services.accounts.access import Caller
from outdial.services.calls import settled_calls
from outdial.services.errors import NotFound, RequestRefused

router = APIRouter(prefix="/api/calls", route_class=AdmittedRoute)
CallId = Annotated[str, Path(max_length=100)]
PAGE, MOST = 50, 1000
LINK_LIFE = timedelta(hours=1)


@router.get("")
async def list_calls(
    limit: Annotated[int, Query(ge=1, description="At most 1000 are given.")] = PAGE,
    status: Annotated[str | None, Query(max_length=30)] = None,
    caller: Caller = needs("calls:read"),
) -> list[Call]:
    """The newest first."""
    if status is not None and status not in MEANT:
        raise RequestRefused(f"status: found {status!r}; known are {', '.join(MEANT)}")
    statuses = () if status is None else MEANT[status]
    if status is not None and not statuses:
        return []
    chosen = CallFilter(statuses=statuses)
    views = await settled_calls.list_calls(caller.ctx, chosen, limit=min(limit, MOST))
    return [Call.of(view) for view in views]


@router.get("/{call_id}")
async def get_call(call_id: CallId, caller: Caller = needs("calls:read")) -> CallDetails:
    return CallDetails.of(await settled_calls.get_call(caller.ctx, call_id))


@router.get("/{call_id}/transcript")
async def get_transcript(call_id: CallId, caller: Caller = needs("calls:read")) -> Transcript:
    view = await settled_calls.get_call(caller.ctx, call_id)
    if view.last is None or view.last.transcript is None:
        raise NotFound("transcript", call_id)
    return Transcript.of(view.id, view.last.transcript)


@router.get("/{call_id}/recording")
async def get_recording(call_id: CallId, caller: Caller = needs("calls:read")) -> Recording:
    """The provider's URL of the recording."""
    view = await settled_calls.get_call(caller.ctx, call_id)
    if view.last is None or view.last.recording_url is None:
        raise NotFound("recording", call_id)
    return Recording(
        recordingUrl=view.last.recording_url,
        expiresAt=caller.ctx.clock() + LINK_LIFE,
        expiresIn=int(LINK_LIFE.total_seconds()),
    )
