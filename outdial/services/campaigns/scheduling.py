"""Recurring campaigns: a Temporal Schedule that launches a file again and again."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from outdial.contracts.names import TASK_QUEUE
from outdial.contracts.signatures.launch import LaunchInput
from outdial.contracts.workflows import RunCampaignWorkflow
from outdial.resources.resources import Resources
from outdial.services.errors import NotFound, RequestRefused

_CATCH_UP = timedelta(minutes=10)
"""A launch that was missed for longer is left out: its people expect the next one."""


def schedule_id(tenant: str, name: str) -> str:
    return f"recurring/{tenant}/{name}"


async def schedule_campaign(
    ctx: Resources, name: str, file: str, cron: str, *, time_zone: str | None = None
) -> bool:
    """Launch a file of the worker's campaigns folder whenever `cron` says; False when a schedule
    of that name was changed instead of made. A launch is left out while the one before runs.

    Raises RequestRefused for what is no cron expression.
    """
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            RunCampaignWorkflow.run,
            LaunchInput(tenant=ctx.tenant, file=file, again=True),
            id=f"run-campaign/{ctx.tenant}/{name}",
            task_queue=TASK_QUEUE,
            static_summary=f"recurring campaign {name}",
        ),
        spec=ScheduleSpec(cron_expressions=[cron], time_zone_name=time_zone),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
    )
    try:
        await ctx.temporal.create_schedule(schedule_id(ctx.tenant, name), schedule)
    except ScheduleAlreadyRunningError:
        await _renew(ctx, name, schedule)
        return False
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            raise RequestRefused(f"cron: found {cron!r}: {error.message}") from error
        raise
    return True


async def unschedule_campaign(ctx: Resources, name: str) -> None:
    """Launch it no more; what runs goes on. Raises NotFound."""
    handle = ctx.temporal.get_schedule_handle(schedule_id(ctx.tenant, name))
    try:
        await handle.delete()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotFound("schedule", name) from error
        raise


async def _renew(ctx: Resources, name: str, schedule: Schedule) -> None:
    def renew(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state = found.description.schedule.state  # an operator may have paused it
        return ScheduleUpdate(schedule)

    await ctx.temporal.get_schedule_handle(schedule_id(ctx.tenant, name)).update(renew)
