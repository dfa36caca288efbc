"""Recurring campaigns: a Temporal Schedule that launches a file again and again."""

from __future__ import annotations

from typing import Any

from outdial.contracts.signatures.launch import LaunchInput
from outdial.dispatch.errors import TemporalRefused
from outdial.dispatch.schedules import create_schedule, delete_schedule
from outdial.domain.operator import Action, Operation
from outdial.resources.resources import Resources
from outdial.services.errors import NotFound, RequestRefused
from outdial.store.compliance.operator_log import note_operation


async def schedule_campaign(
    ctx: Resources, name: str, file: str, cron: str, *, time_zone: str | None = None
) -> bool:
    """Launch a file of the worker's campaigns folder whenever `cron` says; False when a schedule
    of that name was changed instead of made. A launch is left out while the one before runs.

    Raises RequestRefused for what is no cron expression, TemporalRefused, TemporalUnavailable.
    """
    launch = LaunchInput(tenant=ctx.tenant, file=file, again=True)
    try:
        created = await create_schedule(ctx.temporal, launch, name, cron, time_zone=time_zone)
    except TemporalRefused as error:
        if not error.invalid:
            raise
        raise RequestRefused(f"cron: found {cron!r}: {error.message}") from error
    await _note(ctx, Action.SCHEDULE, name, {"file": file, "cron": cron, "time_zone": time_zone})
    return created


async def unschedule_campaign(ctx: Resources, name: str) -> None:
    """Delete a campaign's schedule; a launch that runs continues.

    Raises NotFound, TemporalRefused, TemporalUnavailable.
    """
    if not await delete_schedule(ctx.temporal, ctx.tenant, name):
        raise NotFound("schedule", name)
    await _note(ctx, Action.UNSCHEDULE, name, {})


async def _note(ctx: Resources, action: Action, name: str, details: dict[str, Any]) -> None:
    """Schedules are Temporal's: the log has them in a transaction of its own."""
    operation, now = Operation(action, f"campaign/{name}", details=details), ctx.clock()
    await ctx.database.write(
        lambda s: note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
    )
