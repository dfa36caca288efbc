"""Temporal Schedules of recurring campaigns."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from outdial.contracts.names import TASK_QUEUE, run_campaign_workflow_id, schedule_id
from outdial.contracts.signatures.launch import LaunchInput
from outdial.contracts.workflows import RunCampaignWorkflow
from outdial.dispatch.answers import ANSWER_WITHIN, answered_within
from outdial.dispatch.errors import is_not_found

_CATCH_UP = timedelta(minutes=10)
"""A launch that was missed for longer is left out: its people expect the next one."""


async def create_schedule(
    temporal: Client, launch: LaunchInput, name: str, cron: str, *, time_zone: str | None = None
) -> bool:
    """Launch a campaign whenever `cron` says; False when a schedule of that name was changed
    instead of made. A launch is left out while the one before runs.

    Raises TemporalRefused, invalid for what is no cron expression, and TemporalUnavailable.
    """
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            RunCampaignWorkflow.run,
            launch,
            id=run_campaign_workflow_id(launch.tenant, name),
            task_queue=TASK_QUEUE,
            static_summary=f"recurring campaign {name}",
        ),
        spec=ScheduleSpec(cron_expressions=[cron], time_zone_name=time_zone),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
    )
    async with answered_within(ANSWER_WITHIN, f"the schedule of {name} was not changed"):
        try:
            await temporal.create_schedule(schedule_id(launch.tenant, name), schedule)
        except ScheduleAlreadyRunningError:
            await _replace(temporal, schedule_id(launch.tenant, name), schedule)
            return False
    return True


async def delete_schedule(temporal: Client, tenant: str, name: str) -> bool:
    """Delete a campaign's schedule; a launch that runs continues. False when it has none.

    Raises TemporalRefused, TemporalUnavailable.
    """
    async with answered_within(ANSWER_WITHIN, f"the schedule of {name} was not changed"):
        try:
            await temporal.get_schedule_handle(schedule_id(tenant, name)).delete()
        except RPCError as error:
            if not is_not_found(error):
                raise
            return False
    return True


async def _replace(temporal: Client, identity: str, schedule: Schedule) -> None:
    def replace(current: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state = current.description.schedule.state  # an operator may have paused it
        return ScheduleUpdate(schedule)

    await temporal.get_schedule_handle(identity).update(replace)
