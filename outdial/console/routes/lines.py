"""The tenant's lines: their state, why, and how much of them is in use."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from outdial.console.commands import command
from outdial.console.pages import render
from outdial.console.viewer import Viewer, needs
from outdial.services.operations import lines
from outdial.services.operations.line_view import LineView

router = APIRouter()


@router.get("/lines")
async def list_lines(request: Request, viewer: Viewer = needs("lines:read")) -> Response:
    return await _render(request, viewer, "lines.html")


@router.get("/lines/live")
async def list_live(request: Request, viewer: Viewer = needs("lines:read")) -> Response:
    """The part of the page that changes."""
    return await _render(request, viewer, "lines_live.html")


async def _render(request: Request, viewer: Viewer, template: str) -> Response:
    statuses = await lines.list_lines(viewer.ctx)
    return render(
        request,
        template,
        lines=[LineView.of(status) for status in statuses],
        command=command("lines"),
    )
