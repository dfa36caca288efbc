"""One person by their number: what happened, and what comes next and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from outdial.console.commands import command
from outdial.console.pages import render
from outdial.console.paging import place_after, read_place
from outdial.console.viewer import Viewer, needs
from outdial.services.compliance.numbers import parse_number
from outdial.services.compliance.people import get_person

router = APIRouter()
SCOPE = "calls:read campaigns:read"
PAGE = 20
"""Each call is read with its events, its receipt and what followed."""


@router.get("/people")
async def show_person(
    request: Request,
    number: Annotated[str | None, Query(max_length=50)] = None,
    after: Annotated[str | None, Query(max_length=150)] = None,
    viewer: Viewer = needs(SCOPE),
) -> Response:
    """The form for a number; with one, everything about it."""
    if number is None or not number.strip():
        return render(request, "people.html", number="", person=None)
    phone = parse_number(number)
    person = await get_person(viewer.ctx, phone, limit=PAGE + 1, after=read_place(after))
    calls = person.calls[:PAGE]
    following = None
    if len(person.calls) > PAGE:
        following = place_after(calls[-1].call.created_at, calls[-1].call.id)
    return render(
        request,
        "people.html",
        number=phone,
        person=person,
        contact=person.contact if viewer.may("contacts:read") else None,
        suppression_history=person.suppression_history if viewer.may("suppressions:read") else [],
        appointments=person.appointments if viewer.may("appointments:read") else [],
        calls=calls,
        following=following,
        command=command("person", phone),
    )
