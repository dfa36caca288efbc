"""Numbers that are never called: listed, added, imported and lifted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from outdial.console.commands import command
from outdial.console.forms import Submission, submits
from outdial.console.pages import render, see_other
from outdial.console.routes.changes import reason_of
from outdial.console.viewer import Viewer, needs
from outdial.console.wording import plural
from outdial.services.compliance import suppressing
from outdial.services.compliance.numbers import parse_number
from outdial.services.errors import NotFound, RequestRefused

router = APIRouter()
PAGE = 50
MOST = 10_000
"""Numbers that are added at once."""
COMMANDS = (
    command("suppress", "NUMBER", "--reason", "TEXT"),
    command("lift", "NUMBER", "--reason", "TEXT"),
)


@router.get("/suppressions")
async def list_suppressions(
    request: Request,
    after: Annotated[str | None, Query(max_length=50)] = None,
    viewer: Viewer = needs("suppressions:read"),
) -> Response:
    listed = await suppressing.list_suppressed(viewer.ctx, limit=PAGE + 1, after=after)
    return render(
        request,
        "suppressions.html",
        suppressions=listed[:PAGE],
        following=listed[PAGE - 1].phone if len(listed) > PAGE else None,
        after=after,
        most=MOST,
        commands=COMMANDS,
    )


@router.post("/suppressions")
async def suppress(
    request: Request, submission: Submission = submits("suppressions:write")
) -> Response:
    """Suppress the numbers of a text, one a line, and of a file's first column."""
    texts = await _texts(submission)
    numbers, unread = suppressing.read_numbers(texts)
    done = await suppressing.suppress(
        submission.viewer.ctx, numbers, _reason(submission), source=_source(submission)
    )
    text = f"{plural(done.added, 'number')} added; {done.already_listed:,} were on the list."
    if unread:
        lines = ", ".join(str(each.index + 1) for each in unread[:20])
        text += f" {plural(len(unread), 'line')} could not be read and was left out: {lines}."
    return see_other(request, "/suppressions", text)


@router.post("/suppressions/lift")
async def lift(
    request: Request, submission: Submission = submits("suppressions:write")
) -> Response:
    phone = parse_number(submission.text("number") or "")
    lifted = await suppressing.lift(
        submission.viewer.ctx, phone, _reason(submission), source=_source(submission)
    )
    if not lifted:
        raise NotFound("suppression of", phone)
    return see_other(request, "/suppressions", f"{phone} may be called again.")


async def _texts(submission: Submission) -> list[str]:
    """Raises RequestRefused."""
    text, file = submission.text("numbers") or "", submission.file("file")
    if file is not None:
        text += "\n" + (await file.read()).decode("utf-8-sig", errors="replace")
    lines = (line.partition(",")[0].strip().strip('"') for line in text.splitlines())
    texts = [line for line in lines if line]
    if not texts or len(texts) > MOST:
        raise RequestRefused(f"numbers: found {len(texts):,}; give 1 to {MOST:,}, one a line")
    return texts


def _reason(submission: Submission) -> str:
    reason = reason_of(submission)
    if reason is None:
        raise RequestRefused("reason: write why; it is kept in the number's history")
    return reason


def _source(submission: Submission) -> str:
    return f"key {submission.viewer.caller.key.id}"
