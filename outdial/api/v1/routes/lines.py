"""/v1/lines."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.auth import needs
from outdial.api.v1.problems import documented
from outdial.services.accounts.access import Caller
from outdial.services.operations import lines
from outdial.store.lines.lines import LineStatus

router = APIRouter(prefix="/lines", tags=["lines"], route_class=AdmittedRoute)


class LineList(BaseModel):
    items: list[LineStatus]


@router.get("")
async def list_lines(caller: Caller = needs("lines:read")) -> LineList:
    """The lines you may call through, with their limits and what is in flight."""
    return LineList(items=await lines.list_lines(caller.ctx))


@router.get("/{name}", responses=documented(404))
async def get_line(
    name: Annotated[str, Path(max_length=100)], caller: Caller = needs("lines:read")
) -> LineStatus:
    return await lines.get_line(caller.ctx, name)
