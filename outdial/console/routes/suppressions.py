"""Numbers that are never called: listed, added, imported and lifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    lines = await _lines(submission)
    numbers, unread = suppressing.read_numbers([line.text for line in lines])
    done = await suppressing.suppress(
        submission.viewer.ctx, numbers, _reason(submission), source=_source(submission)
    )
    text = f"{plural(done.added, 'number')} added; {done.already_listed:,} were on the list."
    if unread:
        places = ", ".join(lines[each.index].place for each in unread[:20])
        text += f" {plural(len(unread), 'line')} could not be read and was left out: {places}."
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


@dataclass(frozen=True)
class _Line:
    """What stands first in a line, and where that line is."""

    text: str
    place: str


async def _lines(submission: Submission) -> list[_Line]:
    """Those that aren't empty. Raises RequestRefused."""
    typed, file = submission.form.get("numbers"), submission.file("file")
    lines = list(_numbered(typed if isinstance(typed, str) else "", ""))
    if file is not None:
        text = (await file.read()).decode("utf-8-sig", errors="replace")
        lines += _numbered(text, " of the file")
    if not lines or len(lines) > MOST:
        raise RequestRefused(f"numbers: found {len(lines):,}; give 1 to {MOST:,}, one a line")
    return lines


def _numbered(text: str, of: str) -> Iterator[_Line]:
    for number, line in enumerate(text.splitlines(), 1):
        if first := line.partition(",")[0].strip().strip('"'):
            yield _Line(first, f"{number}{of}")


def _reason(submission: Submission) -> str:
    reason = reason_of(submission)
    if reason is None:
        raise RequestRefused("reason: write why; it is kept in the number's history")
    return reason


def _source(submission: Submission) -> str:
    return f"key {submission.viewer.caller.key.id}"
