"""What agents ask while they talk, answered in one transaction each.

The same question again gives the same answer. A slot that is offered is held for the rest of the
call; the end of the call gives it up.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.dispatch.telling import silence
from outdial.domain.bounds import FREE_FORM, OutOfBounds, require_within
from outdial.domain.call.tool_answer import Tool, no
from outdial.providers.lines import Line
from outdial.providers.tools import ToolCall
from outdial.resources.resources import Resources
from outdial.services.agent_tools.shared_calendars import CalendarSilent, SharedCalendars
from outdial.services.agent_tools.talking import Asking, answer_asked
from outdial.store.callbacks import talks

_shared = SharedCalendars()
_OVER = no("This call is not known, or it is over.")
_SILENT = no("I can't see the calendar right now. Somebody will call back about the appointment.")
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
    asked = form.read(body, tool)
    return form.answer([(each, await _answer(ctx, line, each)) for each in asked])


async def _answer(ctx: Resources, line: Line, asked: ToolCall) -> dict[str, Any]:
    if asked.tool not in list(Tool):
        return no(f"There is no tool {asked.tool[:60]!r}; there are {', '.join(Tool)}.")
    try:
        require_within(dict(asked.arguments), FREE_FORM)
    except OutOfBounds as error:
        return no(f"The arguments can't be taken: {error}.")
    others: dict[int, int] = {}
    if asked.tool in _ON_CALENDARS:
        plan = await ctx.database.read(
            lambda s: talks.plan_of_talk(
                s, line.tenant, line.name, asked.call_id, asked.provider_call_id
            )
        )
        if plan is not None and plan.calendar is not None:
            try:
                others = await _shared.others(ctx, line.tenant, plan.calendar)
            except CalendarSilent:
                return _SILENT
    now = ctx.clock()
    decided = await ctx.database.write(lambda s: _decide(s, line, asked, others, now))
    await silence(ctx.database, ctx.temporal, line.tenant, decided.listed)
    return decided.answer


@dataclass(frozen=True, slots=True)
class _Decided:
    answer: dict[str, Any]
    listed: tuple[str, ...] = ()
    """Numbers that must not be called from now on: other calls to them are to be stopped."""


def _decide(
    s: Session, line: Line, asked: ToolCall, others: dict[int, int], now: datetime
) -> _Decided:
    talk = talks.find_talk(s, line.tenant, line.name, asked.call_id, asked.provider_call_id)
    if talk is None:
        return _Decided(_OVER)
    if asked.id is not None:
        # Only now: whoever asks the same at the same time waits for the call's lock.
        known = talks.told_before(s, line.tenant, line.name, asked.id)
        if known is not None:
            return _Decided(known)
    named = asked.id or uuid.uuid4().hex
    answer = answer_asked(s, Asking(talk, Tool(asked.tool), asked.arguments, named, others, now))
    if asked.id is not None:
        talks.note_told(s, talk, asked.id, asked.tool, answer, now=now)
    return _Decided(answer, tuple(talk.phones) if asked.tool == Tool.OPT_OUT else ())
