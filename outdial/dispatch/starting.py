"""Starting workflows of what the database says is under way: campaigns, and calls in flight."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from outdial.contracts.messages import CampaignInput
from outdial.contracts.names import TASK_QUEUE, campaign_memo, campaign_workflow_id
from outdial.contracts.search_attributes import ATTEMPT, CALL_STATUS, CAMPAIGN, LINE
from outdial.dispatch.errors import outages_translated
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord


async def start_campaign(temporal: Client, record: CampaignRecord) -> None:
    """Start the workflow of a campaign's present launch, unless one is open.

    Raises TemporalUnavailable.
    """
    with outages_translated(
        f"{record.name} is written down, and starts by itself once Temporal is back"
    ):
        await temporal.start_workflow(
            "CampaignWorkflow",
            CampaignInput(
                tenant=record.tenant,
                campaign=record.name,
                campaign_id=record.id,
                launch=record.launch,
            ),
            id=campaign_workflow_id(record.tenant, record.name),
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"campaign {record.name}, launch {record.launch}",
            static_details=(
                f"{record.purpose.value} calls on {record.plan.told_lines()}, "
                f"at most {record.plan.pacing.max_concurrent} at once"
            ),
            memo=campaign_memo(record.id, record.launch),
            search_attributes=TypedSearchAttributes([SearchAttributePair(CAMPAIGN, record.name)]),
        )


def is_of_launch(memo: dict[str, Any] | None, record: CampaignRecord) -> bool | None:
    """Whether a run belongs to a campaign's present launch; None when its memo doesn't say."""
    if memo is None or not {"campaign_id", "launch"} <= memo.keys():
        return None
    return (memo["campaign_id"], memo["launch"]) == (record.id, record.launch)


async def start_call(temporal: Client, call: ClaimedCall) -> bool:
    """Start the workflow of a call that may be in flight; False when it has had one before.

    It finds the fence raised, and follows what was placed instead of placing it.
    Raises TemporalUnavailable.
    """
    try:
        with outages_translated("the workflow of a call was not started"):
            await temporal.start_workflow(
                "CallWorkflow",
                call,
                id=call.workflow_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"{call.masked}, attempt {call.attempt}, line {call.line}",
                search_attributes=call_attributes(call),
            )
    except WorkflowAlreadyStartedError:
        return False
    return True


def call_attributes(call: ClaimedCall) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(CAMPAIGN, call.campaign),
            SearchAttributePair(LINE, call.line),
            SearchAttributePair(ATTEMPT, call.attempt),
            SearchAttributePair(CALL_STATUS, CallStatus.QUEUED.value),
        ]
    )
