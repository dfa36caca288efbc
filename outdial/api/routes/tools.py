"""`POST /tools/<line>` and `/tools/<line>/<tool>`: tool calls of agents."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from outdial.api.admission import AdmittedRoute
from outdial.api.routes.hooks import signed_url
from outdial.api.state import state_of
from outdial.services.agent_tools.tools import answer_tools

router = APIRouter(route_class=AdmittedRoute)


@router.post("/tools/{line}")
async def answer_named_in_body(line: str, request: Request) -> Any:
    """Answer tool calls whose body names the tool."""
    return await _answer(line, None, request)


@router.post("/tools/{line}/{tool}")
async def answer(line: str, tool: str, request: Request) -> Any:
    """Answer calls of one tool."""
    return await _answer(line, tool, request)


async def _answer(line: str, tool: str | None, request: Request) -> Any:
    ctx = state_of(request).context
    ctx.lines[line]  # before the body is read
    body = await request.body()
    return await answer_tools(ctx, line, tool, request.headers, body, signed_url(request))
