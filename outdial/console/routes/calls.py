"""All calls, newest first; one call with what was reported, said and done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from outdial.console.commands import command
from outdial.console.forms import Submission, submits
from outdial.console.pages import render, see_other
from outdial.console.paging import place_after, read_place
from outdial.console.viewer import Viewer, needs
from outdial.domain.call.request import CallFilter
from outdial.domain.call.status import CallStatus
from outdial.services.calls import callback_runs, calls
from outdial.services.compliance.numbers import parse_number
from outdial.services.errors import RequestRefused

router = APIRouter()
PAGE = 50
CallId = Annotated[str, Path(max_length=100)]


@router.get("/calls")
async def list_calls(
    request: Request,
    status: Annotated[str | None, Query(max_length=20)] = None,
    to: Annotated[str | None, Query(max_length=50)] = None,
    campaign: Annotated[str | None, Query(max_length=100)] = None,
    after: Annotated[str | None, Query(max_length=150)] = None,
    viewer: Viewer = needs("calls:read"),
) -> Response:
    """`after` is the instant and the id of the last call of the page before."""
    return await _list(request, viewer, "calls.html", status, to, campaign, after)


@router.get("/calls/live")
async def list_live(
    request: Request,
    status: Annotated[str | None, Query(max_length=20)] = None,
    to: Annotated[str | None, Query(max_length=50)] = None,
    campaign: Annotated[str | None, Query(max_length=100)] = None,
    after: Annotated[str | None, Query(max_length=150)] = None,
    viewer: Viewer = needs("calls:read"),
) -> Response:
    """The part of the page that changes."""
    return await _list(request, viewer, "calls_live.html", status, to, campaign, after)


@router.get("/calls/{call_id}")
async def show_call(
    request: Request, call_id: CallId, viewer: Viewer = needs("calls:read")
) -> Response:
    view = await calls.get_call(viewer.ctx, call_id)
    run = None
    if view.last is not None:
        run = await callback_runs.find_callback_run(viewer.ctx, view.last.id)
    return render(
        request,
        "call.html",
        call=view,
        events=await calls.call_events(viewer.ctx, view),
        run=run,
        command=command("calls", view.campaign),
        retry=None if run is None else command("retry-callback", run.call_id),
    )


@router.post("/calls/{call_id}/end")
async def end_call(
    request: Request, call_id: CallId, submission: Submission = submits("calls:write")
) -> Response:
    view = await calls.end_call(submission.viewer.ctx, call_id)
    text = "It is over." if view.done else "It is being ended."
    return see_other(request, f"/calls/{view.id}", text)


@router.post("/calls/{call_id}/retry")
async def retry_callbacks(
    request: Request, call_id: CallId, submission: Submission = submits("calls:write")
) -> Response:
    """Go on with its callbacks from the one that failed."""
    ctx = submission.viewer.ctx
    view = await calls.get_call(ctx, call_id)
    if view.last is None:
        raise RequestRefused("it was never placed, so it has no callbacks")
    await callback_runs.retry_callbacks(ctx, view.last.id)
    return see_other(request, f"/calls/{view.id}", "Its callbacks are run again.")


async def _list(
    request: Request,
    viewer: Viewer,
    template: str,
    status: str | None,
    to: str | None,
    campaign: str | None,
    after: str | None,
) -> Response:
    chosen = CallFilter(
        statuses=(_status(status),) if status else (),
        to=parse_number(to) if to and to.strip() else None,
        campaign=campaign or None,
    )
    listed = await calls.list_calls(viewer.ctx, chosen, limit=PAGE + 1, after=read_place(after))
    page = listed[:PAGE]
    given = {"status": status, "to": to, "campaign": campaign}
    return render(
        request,
        template,
        calls=page,
        statuses=list(CallStatus),
        chosen={name: value or "" for name, value in given.items()},
        after=after,
        following=place_after(page[-1].created_at, page[-1].id) if len(listed) > PAGE else None,
    )


def _status(text: str) -> CallStatus:
    try:
        return CallStatus(text)
    except ValueError:
        raise RequestRefused(f"status: found {text!r}; choose one of the list") from None
