"""All campaigns, those that are open first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from outdial.console.figures import CampaignFigures
from outdial.console.pages import render
from outdial.console.viewer import Viewer, needs
from outdial.services.operations.reading import newest_page

router = APIRouter()
PAGE = 25
After = Annotated[
    str | None, Query(max_length=63, description="The last campaign of the page before.")
]


@router.get("/")
async def list_campaigns(
    request: Request, after: After = None, viewer: Viewer = needs("campaigns:read")
) -> Response:
    return await _render(request, viewer, "campaigns.html", after)


@router.get("/live")
async def list_live(
    request: Request, after: After = None, viewer: Viewer = needs("campaigns:read")
) -> Response:
    """The part of the page that changes."""
    return await _render(request, viewer, "campaigns_live.html", after)


async def _render(request: Request, viewer: Viewer, template: str, after: str | None) -> Response:
    page, more = await newest_page(viewer.ctx, PAGE, after=after)
    campaigns = [CampaignFigures(record, progress) for record, progress in page]
    return render(
        request,
        template,
        campaigns=campaigns,
        after=after,
        following=campaigns[-1].name if more else None,
    )
