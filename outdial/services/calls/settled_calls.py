"""Calls for systems that publish all facts of a call together with its end.

Transcript, recording and price come with the analysis, some time after the end. Their customers
poll until a call is completed and read it once, so it is shown as in progress until the analysis
has come, or is no longer awaited.
"""

from __future__ import annotations

from outdial.domain.call.request import CallFilter, CallView, until_settled
from outdial.resources.resources import Resources
from outdial.services.calls import calls


async def get_call(ctx: Resources, call_id: str) -> CallView:
    """One call, in progress until its analysis has come. Raises NotFound."""
    return until_settled(await calls.get_call(ctx, call_id), ctx.clock())


async def list_calls(
    ctx: Resources, chosen: CallFilter, *, limit: int, offset: int = 0
) -> list[CallView]:
    """A page of such calls, newest first."""
    now = ctx.clock()
    chosen = chosen.model_copy(update={"settled_by": now})
    views = await calls.list_calls(ctx, chosen, limit=limit, offset=offset)
    return [until_settled(view, now) for view in views]


async def count_calls(ctx: Resources, chosen: CallFilter, *, up_to: int) -> int:
    """How many such calls there are; no more are counted than `up_to`."""
    chosen = chosen.model_copy(update={"settled_by": ctx.clock()})
    return await calls.count_calls(ctx, chosen, up_to=up_to)


async def end_call(ctx: Resources, call_id: str) -> CallView:
    """Hang up, or cancel the request if no call is under way. Raises NotFound."""
    return until_settled(await calls.end_call(ctx, call_id), ctx.clock())
