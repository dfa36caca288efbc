"""Keys of the tenant: listed, made, switched off and revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from outdial.console.commands import command
from outdial.console.forms import Submission, submits
from outdial.console.pages import render, see_other
from outdial.console.viewer import Viewer, needs
from outdial.domain.access import SCOPES
from outdial.services.accounts import keys
from outdial.services.accounts.keys import NewKey
from outdial.services.errors import RequestRefused

router = APIRouter()
PAGE = 50
LONGEST_NAME = 200
MOST_DAYS = 3650
KeyId = Annotated[str, Path(max_length=64)]


@router.get("/keys")
async def list_keys(
    request: Request,
    after: Annotated[str | None, Query(max_length=64)] = None,
    viewer: Viewer = needs("keys:read"),
) -> Response:
    return await _page(request, viewer, after)


@router.post("/keys")
async def create_key(request: Request, submission: Submission = submits("keys:write")) -> Response:
    """Make a key, and show its text this once."""
    viewer, name = submission.viewer, submission.text("name")
    if name is None or len(name) > LONGEST_NAME:
        raise RequestRefused(f"name: write one of up to {LONGEST_NAME} characters")
    days = submission.text("days")
    if days is not None and not (
        days.isdecimal() and len(days) <= len(str(MOST_DAYS)) and 0 < int(days) <= MOST_DAYS
    ):
        raise RequestRefused(f"days: found {days[:20]!r}; write 1 to {MOST_DAYS}, or nothing")
    new = await keys.create_key(
        viewer.ctx,
        name,
        tuple(str(scope) for scope in submission.form.getlist("scope")),
        expires_at=None if days is None else viewer.ctx.clock() + timedelta(days=int(days)),
        by=viewer.caller.key,
    )
    return await _page(request, viewer, None, new)


@router.post("/keys/{key_id}/switch")
async def switch_key(
    request: Request, key_id: KeyId, submission: Submission = submits("keys:write")
) -> Response:
    enabled = submission.checked("enabled")
    key = await keys.switch_key(
        submission.viewer.ctx, key_id, enabled=enabled, by=submission.viewer.caller.key
    )
    return see_other(request, "/keys", f"{key.name} is {'on' if enabled else 'off'}.")


@router.post("/keys/{key_id}/revoke")
async def revoke_key(
    request: Request, key_id: KeyId, submission: Submission = submits("keys:write")
) -> Response:
    viewer = submission.viewer
    key = await keys.revoke_key(viewer.ctx, key_id, by=viewer.caller.key)
    return see_other(request, "/keys", f"{key.name} is revoked.")


async def _page(
    request: Request, viewer: Viewer, after: str | None, new: NewKey | None = None
) -> Response:
    listed = await keys.list_keys(viewer.ctx, limit=PAGE + 1, after=after)
    return render(
        request,
        "keys.html",
        status=200 if new is None else 201,
        keys=listed[:PAGE],
        new=new,
        scopes=SCOPES,
        after=after,
        following=listed[PAGE - 1].id if len(listed) > PAGE else None,
        commands=(command("keys", "create", "NAME"), command("keys", "revoke", "ID")),
    )
