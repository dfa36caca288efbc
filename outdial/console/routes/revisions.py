"""The revisions of a campaign, and what differs between two of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from outdial.console.commands import command
from outdial.console.pages import render
from outdial.console.routes.campaign import Name
from outdial.console.viewer import Viewer, needs
from outdial.services.campaigns import revisions

router = APIRouter()
PAGE = 25
Revision = Annotated[int, Query(ge=1, le=2**31 - 1)]


@router.get("/campaigns/{name}/revisions")
async def list_revisions(
    request: Request,
    name: Name,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    viewer: Viewer = needs("campaigns:read"),
) -> Response:
    """The newest first; `before` is the last one of the page before."""
    listed = await revisions.list_revisions(viewer.ctx, name, limit=PAGE + 1, before=before)
    return render(
        request,
        "revisions.html",
        name=name,
        revisions=listed[:PAGE],
        following=listed[PAGE - 1].revision if len(listed) > PAGE else None,
        command=command("history", name),
    )


@router.get("/campaigns/{name}/diff")
async def show_differences(
    request: Request,
    name: Name,
    before: Revision,
    after: Revision,
    viewer: Viewer = needs("campaigns:read"),
) -> Response:
    return render(
        request,
        "diff.html",
        name=name,
        before=before,
        after=after,
        differences=await revisions.diff_revisions(viewer.ctx, name, before, after),
        command=command("diff", name, str(before), str(after)),
    )
