"""/v1/lines."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.auth import needs
from outdial.api.v1.refusals import refusals
from outdial.services.accounts.access import Caller
from outdial.services.operations import lines
from outdial.services.operations.line_view import LineView

router = APIRouter(prefix="/lines", tags=["lines"], route_class=AdmittedRoute)


class LineList(BaseModel):
    items: list[LineView]


@router.get("")
async def list_lines(caller: Caller = needs("lines:read")) -> LineList:
    """The lines you may call on: their state, their limits, and how many calls are in flight."""
    statuses = await lines.list_lines(caller.ctx)
    return LineList(items=[LineView.of(status) for status in statuses])


@router.get("/{name}", responses=refusals("not_found"))
async def get_line(
    name: Annotated[str, Path(max_length=100)], caller: Caller = needs("lines:read")
) -> LineView:
    """One line: its state, its limits, and its latest failures."""
    return LineView.of(await lines.get_line(caller.ctx, name))
