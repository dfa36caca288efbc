"""Sessions looked at."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.days import from_day
from outdial.api.compat.thinnestai.auth import needs
from outdial.api.compat.thinnestai.models import (
    Recording,
    Session,
    Sessions,
    SpokenTurn,
    Transcript,
)
from outdial.api.compat.thinnestai.words import MEANT
from outdial.api.compat.totals import counted_to
from outdial.api.compat.values import whole_seconds
from outdial.domain.call.request import CallFilter
from outdial.domain.call.transcript import turns_of
from outdial.services.accounts.access import Caller
from outdial.services.calls import settled_calls
from outdial.services.errors import NotFound, RequestRefused

router = APIRouter(route_class=AdmittedRoute)
SessionId = Annotated[str, Path(max_length=100)]
PAGE, MOST = 20, 100


@router.get("/voice/status/{session_id}")
async def get_status(
    session_id: SessionId, caller: Caller = needs("calls:read", "status")
) -> Session:
    return Session.of(await settled_calls.get_call(caller.ctx, session_id))


@router.get("/voice/sessions")
async def list_sessions(
    agent_id: Annotated[str | None, Query(max_length=200)] = None,
    status: Annotated[str | None, Query(max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, description="At most 100 are given.")] = PAGE,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    start_date: Annotated[str | None, Query(max_length=40)] = None,
    end_date: Annotated[str | None, Query(max_length=40)] = None,
    caller: Caller = needs("calls:read", "list"),
) -> Sessions:
    """The newest first."""
    if status is not None and status not in MEANT:
        raise RequestRefused(f"status: found {status!r}; known are {', '.join(MEANT)}")
    try:
        chosen = CallFilter(
            statuses=() if status is None else MEANT[status],
            agent=agent_id,
            created_from=from_day(start_date),
            created_before=from_day(end_date, end=True),
        )
    except (ValueError, OverflowError):
        raise RequestRefused(
            "start_date, end_date: write ISO 8601, such as 2026-12-01T15:00:00Z"
        ) from None
    size = min(limit, MOST)
    views = await settled_calls.list_calls(caller.ctx, chosen, limit=size, offset=offset)
    total = await settled_calls.count_calls(caller.ctx, chosen, up_to=counted_to(offset, size))
    shown = [Session.of(view) for view in views]
    return Sessions(sessions=shown, total=total, limit=size, offset=offset)


@router.get("/voice/sessions/{session_id}")
async def get_session(session_id: SessionId, caller: Caller = needs("calls:read")) -> Session:
    return Session.of(await settled_calls.get_call(caller.ctx, session_id))


@router.get("/v1/widget/transcript/{session_id}")
async def get_transcript(session_id: SessionId, caller: Caller = needs("calls:read")) -> Transcript:
    """What was said; nothing while nothing is known of it."""
    view = await settled_calls.get_call(caller.ctx, session_id)
    text = view.last.transcript if view.last is not None else None
    turns = [SpokenTurn.of(turn) for turn in turns_of(text or "")]
    return Transcript(session_id=view.id, transcript=turns)


@router.get("/voice/recording/{recording_id}")
async def get_recording(recording_id: SessionId, caller: Caller = needs("calls:read")) -> Recording:
    """Details of a recording. A call has one at most, which goes by the call's id."""
    view = await settled_calls.get_call(caller.ctx, recording_id)
    if view.last is None or view.last.recording_url is None:
        raise NotFound("recording", recording_id)
    return Recording(
        recording_id=view.id,
        session_id=view.id,
        recording_url=view.last.recording_url,
        recording_duration=whole_seconds(view.last.duration_seconds),
        created_at=view.last.ended_at or view.created_at,
    )
