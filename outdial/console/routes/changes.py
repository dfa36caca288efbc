"""The buttons of a campaign: pause, resume and stop."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from outdial.console.forms import Submission, submits
from outdial.console.pages import of_campaign, see_other
from outdial.console.routes.campaign import Name
from outdial.services.campaigns import control
from outdial.services.campaigns.control import Changed
from outdial.services.errors import RequestRefused

router = APIRouter()
LONGEST_REASON = 500


@router.post("/campaigns/{name}/pause")
async def pause(
    request: Request, name: Name, submission: Submission = submits("campaigns:write")
) -> Response:
    changed = await control.pause(submission.viewer.ctx, name, reason=reason_of(submission))
    return _shown(request, name, changed)


@router.post("/campaigns/{name}/resume")
async def resume(
    request: Request, name: Name, submission: Submission = submits("campaigns:write")
) -> Response:
    return _shown(request, name, await control.resume(submission.viewer.ctx, name))


@router.post("/campaigns/{name}/stop")
async def stop(
    request: Request, name: Name, submission: Submission = submits("campaigns:write")
) -> Response:
    changed = await control.stop(
        submission.viewer.ctx,
        name,
        hang_up=submission.checked("hang_up"),
        reason=reason_of(submission),
    )
    return _shown(request, name, changed)


def reason_of(submission: Submission) -> str | None:
    """Why, as it was written. Raises RequestRefused for a text that is too long."""
    reason = submission.text("reason")
    if reason is not None and len(reason) > LONGEST_REASON:
        raise RequestRefused(
            f"reason: found {len(reason)} characters; write {LONGEST_REASON} at most"
        )
    return reason


def _shown(request: Request, name: str, changed: Changed) -> Response:
    text = f"{name} is {changed.state}."
    if changed.noted_only and not changed.state.over:
        text += " No workflow is running; it takes effect when the campaign runs again."
    return see_other(request, of_campaign(name), text)
