"""The operator log: who did what, through which door, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from outdial.console.commands import command
from outdial.console.pages import render
from outdial.console.viewer import Viewer, needs
from outdial.domain.access import READ_LOG
from outdial.services.compliance.operator_log import list_log

router = APIRouter()
PAGE = 50


@router.get("/log")
async def show_log(
    request: Request,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    viewer: Viewer = needs(READ_LOG),
) -> Response:
    """The newest first; `before` is the last entry of the page before."""
    listed = await list_log(viewer.ctx, limit=PAGE + 1, before=before, subject=subject or None)
    return render(
        request,
        "log.html",
        entries=listed[:PAGE],
        subject=subject or "",
        before=before,
        following=listed[PAGE - 1].sequence if len(listed) > PAGE else None,
        command=command("log"),
    )
