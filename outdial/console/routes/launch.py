"""Launching a campaign from uploaded files: the plan first, then the launch."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from outdial.api.planning import plan_definition
from outdial.api.state import state_of
from outdial.console.commands import command
from outdial.console.errors import lines_of
from outdial.console.files import MOST, MOST_SEALED, open_files, sealed, submitted_files, unsealed
from outdial.console.forms import Submission, submits
from outdial.console.pages import of_campaign, render, see_other
from outdial.console.viewer import Viewer, needs
from outdial.domain.record import StagingRecord, StagingState
from outdial.intake.problems import DefinitionInvalid
from outdial.services.campaigns.launching import Launch, launch_campaign
from outdial.services.campaigns.plan_check import require_plan
from outdial.services.campaigns.staging import Progress, follow_staging
from outdial.services.errors import RequestRefused

router = APIRouter()
LaunchId = Annotated[str, Path(max_length=100)]
COMMANDS = (command("plan", "FILE"), command("launch", "FILE"))


@router.get("/launch")
async def show_form(request: Request, viewer: Viewer = needs("campaigns:write")) -> Response:
    return _form(request)


@router.post("/launch/plan")
async def show_plan(
    request: Request, submission: Submission = submits("campaigns:write", MOST)
) -> Response:
    viewer, state = submission.viewer, state_of(request)
    text = submission.form.get("text")
    try:
        files = await submitted_files(submission)
        text = files.definition
        opened = await open_files(state, viewer.ctx.tenant, files)
        try:
            plan = await plan_definition(state, viewer.caller, opened.loaded)
        finally:
            opened.close()
    except (DefinitionInvalid, RequestRefused) as error:
        return _form(request, 422, lines_of(error), text if isinstance(text, str) else "")
    return render(
        request, "launch_plan.html", plan=plan, files=await sealed(viewer, files), commands=COMMANDS
    )


@router.post("/launch")
async def launch(
    request: Request, submission: Submission = submits("campaigns:write", MOST_SEALED)
) -> Response:
    viewer, state = submission.viewer, state_of(request)
    planned = submission.text("plan") or ""
    opened = await open_files(state, viewer.ctx.tenant, await unsealed(submission))

    async def work(progress: Progress) -> Launch:
        await require_plan(viewer.ctx, opened.loaded, planned)
        return await launch_campaign(
            viewer.ctx,
            opened.loaded,
            again=submission.checked("again"),
            scopes=viewer.caller.key.scopes,
            progress=progress,
            public_id=uuid.uuid4().hex,
        )

    begun = await state.launches.begin(work, opened.close)
    if isinstance(begun, StagingRecord):
        return see_other(request, f"/launches/{begun.public_id}")
    name = begun.campaign.name
    text = "is launched" if begun.created else f"is {begun.campaign.state} already"
    return see_other(request, of_campaign(name), f"{name} {text}.")


@router.get("/launches/{launch_id}")
async def show_launch(
    request: Request, launch_id: LaunchId, viewer: Viewer = needs("campaigns:read")
) -> Response:
    """How far a launch or a change is: while rows are read, and for a day after its end."""
    staging = await follow_staging(viewer.ctx, launch_id)
    record = staging.record
    if record.state in (StagingState.DONE, StagingState.MOVING):
        followed = see_other(request, of_campaign(record.campaign))
        if "hx-request" in request.headers:
            location = followed.headers["location"]
            return Response(status_code=204, headers={"hx-redirect": location})
        return followed
    live = "hx-request" in request.headers
    return render(
        request,
        "launch_live.html" if live else "launch_progress.html",
        record=record,
        lines=[*staging.lines(), *([record.error] if record.error else [])],
    )


def _form(
    request: Request, status: int = 200, problems: list[str] | None = None, text: str = ""
) -> Response:
    return render(
        request,
        "launch.html",
        status=status,
        problems=problems or [],
        text=text,
        most=MOST,
        commands=COMMANDS,
    )
