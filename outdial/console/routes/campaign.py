"""One campaign: what it does now, what holds it, and what may be done about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from outdial.api.state import state_of
from outdial.console.commands import command
from outdial.console.figures import CampaignFigures
from outdial.console.pages import render
from outdial.console.viewer import Viewer, needs
from outdial.domain.record import CallRecord
from outdial.services.campaigns.canaries import find_running
from outdial.services.operations import lines, reading
from outdial.services.operations.line_view import LineView

router = APIRouter()
Name = Annotated[str, Path(max_length=63)]
IN_FLIGHT = 25
"""Calls in flight that are listed; the others are counted."""


@router.get("/campaigns/{name}")
async def show_campaign(
    request: Request, name: Name, viewer: Viewer = needs("campaigns:read")
) -> Response:
    return await _render(request, viewer, "campaign.html", name)


@router.get("/campaigns/{name}/live")
async def show_live(
    request: Request, name: Name, viewer: Viewer = needs("campaigns:read")
) -> Response:
    """The part of the page that changes."""
    return await _render(request, viewer, "campaign_live.html", name)


async def _render(request: Request, viewer: Viewer, template: str, name: str) -> Response:
    ctx = viewer.ctx
    record, progress = await reading.record_with_progress(ctx, name)
    calls: list[CallRecord] = []
    if progress.in_flight and viewer.may("calls:read"):
        calls = await reading.calls_in_flight(ctx, record, IN_FLIGHT)
    views: list[LineView] = []
    if viewer.may("lines:read"):
        own = ctx.lines.of_tenant(ctx.tenant)
        views = [
            LineView.of(await lines.get_line(ctx, line)) for line in progress.lines if line in own
        ]
    campaign = CampaignFigures(record, progress)
    return render(
        request,
        template,
        campaign=campaign,
        record=record,
        progress=progress,
        calls=calls,
        lines=views,
        canary=None if record.direct else await find_running(ctx, record),
        commands={
            "pause": command("pause", name),
            "resume": command("resume", name),
            "stop": command("stop", name),
            "status": command("status", name),
        },
        workflow_url=_workflow_url(request, ctx.temporal.namespace, campaign.workflow_id),
    )


def _workflow_url(request: Request, namespace: str, workflow_id: str) -> str | None:
    ui = state_of(request).ui_url
    return None if ui is None else f"{ui}/namespaces/{namespace}/workflows/{workflow_id}"
