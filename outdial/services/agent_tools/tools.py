"""Tool calls of agents, each answered in one transaction.

A repeated tool call gets the same answer. A slot that is offered is held for the rest of the
call; the end of the call gives it up.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.dispatch.signals import hang_up_suppressed_calls
from outdial.domain.bounds import FREE_FORM, OutOfBounds, require_within
from outdial.domain.call.tool_answer import Tool, no
from outdial.providers.lines import Line
from outdial.providers.tools import ToolCall
from outdial.resources.resources import Resources
from outdial.services.agent_tools.shared_calendars import CalendarTimedOut, SharedCalendars
from outdial.services.agent_tools.tool_calls import ToolRequest, answer_tool_call
from outdial.store.callbacks import tool_calls

_shared = SharedCalendars()
_CALL_OVER = no("This call is not known, or it is over.")
_NO_CALENDAR = no(
    "I can't see the calendar right now. Somebody will call back about the appointment."
)
_ON_CALENDARS = frozenset({Tool.CHECK_AVAILABILITY, Tool.BOOK_APPOINTMENT, Tool.MOVE_APPOINTMENT})


async def answer_tools(
    ctx: Resources,
    line_name: str,
    tool: str | None,
    headers: Mapping[str, str],
    body: bytes,
    url: str,
) -> Any:
    """The body of the response, in the platform's own form.

    Raises UnknownLine, WebhookRefused, and DatabaseUnavailable.
    """
    line = ctx.lines[line_name]
    form = line.provider.tools()
    form.verify(headers, body, url, ctx.clock())
    received = form.read(body, tool)
    return form.answer([(each, await _answer(ctx, line, each)) for each in received])


async def _answer(ctx: Resources, line: Line, call: ToolCall) -> dict[str, Any]:
    if call.tool not in list(Tool):
        return no(f"There is no tool {call.tool[:60]!r}; there are {', '.join(Tool)}.")
    try:
        require_within(dict(call.arguments), FREE_FORM)
    except OutOfBounds as error:
        return no(f"The arguments can't be taken: {error}.")
    others: dict[int, int] = {}
    if call.tool in _ON_CALENDARS:
        plan = await ctx.database.read(
            lambda s: tool_calls.plan_of_live_call(
                s, line.tenant, line.name, call.call_id, call.provider_call_id
            )
        )
        if plan is not None and plan.calendar is not None:
            try:
                others = await _shared.others(ctx, line.tenant, plan.calendar)
            except CalendarTimedOut:
                return _NO_CALENDAR
    now = ctx.clock()
    decided = await ctx.database.write(lambda s: _decide(s, line, call, others, now))
    await hang_up_suppressed_calls(ctx.database, ctx.temporal, line.tenant, decided.listed)
    return decided.answer


@dataclass(frozen=True, slots=True)
class _Decided:
    answer: dict[str, Any]
    listed: tuple[str, ...] = ()
    """Numbers that were suppressed: other calls to them are to be stopped."""


def _decide(
    s: Session, line: Line, call: ToolCall, others: dict[int, int], now: datetime
) -> _Decided:
    live = tool_calls.lock_live_call(s, line.tenant, line.name, call.call_id, call.provider_call_id)
    if live is None:
        return _Decided(_CALL_OVER)
    if call.id is not None:
        # Read with the call locked: a repetition at the same time waits for the lock.
        stored = tool_calls.stored_answer(s, line.tenant, line.name, call.id)
        if stored is not None:
            return _Decided(stored)
    call_key = call.id or uuid.uuid4().hex
    answer = answer_tool_call(
        s, ToolRequest(live, Tool(call.tool), call.arguments, call_key, others, now)
    )
    if call.id is not None:
        tool_calls.store_answer(s, live, call.id, call.tool, answer, now=now)
    return _Decided(answer, tuple(live.phones) if call.tool == Tool.OPT_OUT else ())
