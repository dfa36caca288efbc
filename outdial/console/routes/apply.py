"""Changing a campaign: its definition in a form, what would change, then the change."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from fastapi.responses import Response

from outdial.api.planning import plan_definition
from outdial.api.state import ApiState, state_of
from outdial.console.commands import command
from outdial.console.errors import lines_of
from outdial.console.files import (
    MOST,
    MOST_SEALED,
    CampaignFiles,
    open_files,
    sealed,
    submitted_files,
    unsealed,
)
from outdial.console.forms import Submission, submits
from outdial.console.pages import of_campaign, render, see_other
from outdial.console.routes.campaign import Name
from outdial.console.routes.changes import reason_of
from outdial.console.viewer import Viewer, needs
from outdial.domain.definition.source import CsvSource
from outdial.domain.record import StagingRecord
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid
from outdial.services.campaigns import revisions
from outdial.services.campaigns.applying import Applied, apply_definition
from outdial.services.campaigns.plan_document import PlanDocument
from outdial.services.campaigns.roster_mode import RosterMode
from outdial.services.campaigns.staging import Progress
from outdial.services.errors import RequestRefused
from outdial.services.operations.reading import require_campaign

router = APIRouter()


@router.get("/campaigns/{name}/apply")
async def show_form(
    request: Request, name: Name, viewer: Viewer = needs("campaigns:write")
) -> Response:
    return _form(request, name, await revisions.read_source(viewer.ctx, name))


@router.post("/campaigns/{name}/apply/plan")
async def show_plan(
    request: Request, name: Name, submission: Submission = submits("campaigns:write", MOST)
) -> Response:
    viewer, state = submission.viewer, state_of(request)
    record = await require_campaign(viewer.ctx, name)
    text = submission.form.get("text")
    try:
        files = await submitted_files(submission)
        text = files.definition
        opened = await open_files(state, viewer.ctx.tenant, files)
        try:
            loaded = opened.loaded
            if loaded.definition.name != name:
                raise RequestRefused(
                    f"the definition is that of {loaded.definition.name}, and the campaign's name "
                    "can't be changed; launch it instead"
                )
            plan = await _plan(state, viewer, files, loaded)
            differing = await revisions.differences_from_present(viewer.ctx, record, loaded)
        finally:
            opened.close()
    except (DefinitionInvalid, RequestRefused) as error:
        return _form(request, name, text if isinstance(text, str) else "", 422, lines_of(error))
    return render(
        request,
        "apply_plan.html",
        name=name,
        revision=record.revision,
        differences=differing,
        plan=plan,
        files=await sealed(viewer, files),
        command=command("apply", "FILE", "--recipients", "keep"),
    )


async def _plan(
    state: ApiState, viewer: Viewer, files: CampaignFiles, loaded: LoadedDefinition
) -> PlanDocument | None:
    """None where the contact file was not sent: the recipients stay as they are."""
    if files.contacts is None and isinstance(loaded.definition.recipients, CsvSource):
        return None
    return await plan_definition(state, viewer.caller, loaded)


@router.post("/campaigns/{name}/apply")
async def apply(
    request: Request, name: Name, submission: Submission = submits("campaigns:write", MOST_SEALED)
) -> Response:
    viewer, state = submission.viewer, state_of(request)
    await require_campaign(viewer.ctx, name)
    mode, expected = _mode(submission), _revision(submission)
    reason = reason_of(submission)
    opened = await open_files(state, viewer.ctx.tenant, await unsealed(submission))

    async def work(progress: Progress) -> Applied:
        return await apply_definition(
            viewer.ctx,
            opened.loaded,
            name=name,
            mode=mode,
            reason=reason,
            expected=expected,
            scopes=viewer.caller.key.scopes,
            progress=progress,
            public_id=uuid.uuid4().hex,
        )

    begun = await state.launches.begin(work, opened.close)
    if isinstance(begun, StagingRecord):
        return see_other(request, f"/launches/{begun.public_id}")
    return see_other(request, of_campaign(name), _in_words(begun))


def _in_words(applied: Applied) -> str:
    name, revision = applied.campaign.name, applied.campaign.revision
    if not applied.changed:
        return f"Nothing differs: {name} stays at revision {revision}."
    return f"{name} is at revision {revision}; it was at {applied.before}."


def _mode(submission: Submission) -> RosterMode:
    try:
        return RosterMode(submission.text("recipients") or RosterMode.KEEP)
    except ValueError:
        raise RequestRefused("recipients: choose keep, add or match") from None


def _revision(submission: Submission) -> int:
    text = submission.text("revision") or ""
    if not text.isdecimal() or len(text) > 9:
        raise RequestRefused("the plan is incomplete; make it again")
    return int(text)


def _form(
    request: Request, name: str, text: str, status: int = 200, problems: list[str] | None = None
) -> Response:
    return render(
        request,
        "apply.html",
        status=status,
        name=name,
        text=text,
        problems=problems or [],
        command=command("apply", "FILE", "--recipients", "keep"),
    )
