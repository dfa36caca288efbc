"""Starts workflows: for campaigns, calls, requests, callback runs and deliveries."""

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

from outdial.contracts.messages import (
    CallbackRunInput,
    CampaignInput,
    RequestCallInput,
)
from outdial.contracts.names import (
    NUDGE_SIGNAL,
    TASK_QUEUE,
    callback_workflow_id,
    campaign_memo,
    campaign_workflow_id,
    delivery_workflow_id,
    request_workflow_id,
)
from outdial.contracts.search_attributes import CAMPAIGN, LINE, attributes_of_call
from outdial.contracts.signatures.delivery import EndpointRef
from outdial.contracts.workflows import (
    CallbackWorkflow,
    CallWorkflow,
    CampaignWorkflow,
    DeliveryWorkflow,
    RequestCallWorkflow,
)
from outdial.dispatch.answers import ANSWER_WITHIN, SIGNAL_WITHIN, answered_within
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.record import DIRECT_CAMPAIGN, CampaignRecord


async def start_campaign(temporal: Client, record: CampaignRecord) -> None:
    """Start the workflow of a campaign's present launch, unless one is open.

    Raises TemporalRefused, TemporalUnavailable.
    """
    doing = f"{record.name} is written down, and starts by itself later"
    async with answered_within(ANSWER_WITHIN, doing):
        await temporal.start_workflow(
            CampaignWorkflow.run,
            _campaign_input(record),
            id=campaign_workflow_id(record.tenant, record.name),
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"campaign {record.name}, launch {record.launch}",
            static_details=(
                f"{record.purpose.value} calls on {record.plan.lines_in_words()}, "
                f"at most {record.plan.pacing.max_concurrent} at once"
            ),
            memo=campaign_memo(record.id, record.launch),
            search_attributes=TypedSearchAttributes([SearchAttributePair(CAMPAIGN, record.name)]),
        )


async def wake_direct_campaign(temporal: Client, direct: CampaignRecord) -> None:
    """Start the campaign of single calls, or have it look for work now if it runs.

    Raises TemporalRefused, TemporalUnavailable.
    """
    async with answered_within(SIGNAL_WITHIN, "the direct campaign was not woken"):
        await temporal.start_workflow(
            CampaignWorkflow.run,
            _campaign_input(direct),
            id=campaign_workflow_id(direct.tenant, direct.name),
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=NUDGE_SIGNAL,
            static_summary="single calls requested by other services",
            search_attributes=TypedSearchAttributes([SearchAttributePair(CAMPAIGN, direct.name)]),
        )


def _campaign_input(record: CampaignRecord) -> CampaignInput:
    return CampaignInput(
        tenant=record.tenant,
        campaign=record.name,
        campaign_id=record.id,
        launch=record.launch,
        direct=record.direct,
    )


def is_of_launch(memo: dict[str, Any] | None, record: CampaignRecord) -> bool | None:
    """Whether a run belongs to a campaign's present launch; None when its memo doesn't say."""
    if memo is None or not {"campaign_id", "launch"} <= memo.keys():
        return None
    return (memo["campaign_id"], memo["launch"]) == (record.id, record.launch)


async def start_call(temporal: Client, call: ClaimedCall) -> bool:
    """Start the workflow of a call that may be in flight; False when it has had one before.

    It finds the fence raised, and follows what was placed instead of placing it.
    Raises TemporalRefused, TemporalUnavailable.
    """
    try:
        async with answered_within(ANSWER_WITHIN, "the workflow of a call was not started"):
            await temporal.start_workflow(
                CallWorkflow.run,
                call,
                id=call.workflow_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"{call.masked}, attempt {call.attempt}, line {call.line}",
                search_attributes=attributes_of_call(call),
            )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def start_request(
    temporal: Client, request: RequestCallInput, key: str, *, masked: str
) -> None:
    """Start the workflow of a requested call, unless there has been one of its key.

    `masked` is the number for people. Raises TemporalRefused, TemporalUnavailable.
    """
    line = request.request.line
    attributes = [SearchAttributePair(CAMPAIGN, DIRECT_CAMPAIGN)]
    if line is not None:
        attributes.append(SearchAttributePair(LINE, line))
    try:
        async with answered_within(ANSWER_WITHIN, "the call was not requested"):
            await temporal.start_workflow(
                RequestCallWorkflow.run,
                request,
                id=request_workflow_id(request.tenant, key),
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"call {masked} on line {line}",
                search_attributes=TypedSearchAttributes(attributes),
            )
    except WorkflowAlreadyStartedError:
        return  # requested before, and over: its outcome can be read


async def start_callback_run(temporal: Client, call_id: str, run: int = 1) -> None:
    """Start the workflow of a call's callbacks.

    Its id names the call and the run, so that starting it twice starts it once.
    Raises TemporalRefused, TemporalUnavailable: the next sweep of a worker starts it.
    """
    doing = "it is recorded, and starts with the next sweep of a worker"
    try:
        async with answered_within(SIGNAL_WITHIN, doing):
            await temporal.start_workflow(
                CallbackWorkflow.run,
                CallbackRunInput(call_id=call_id, run=run),
                id=callback_workflow_id(call_id, run),
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary="callbacks of a call",
            )
    except WorkflowAlreadyStartedError:
        return  # it is over, or under way


async def start_delivery(temporal: Client, tenant: str, endpoint_id: str) -> None:
    """Start delivering the webhooks of an endpoint, or have the workflow that does look again.

    Raises TemporalRefused, TemporalUnavailable.
    """
    async with answered_within(SIGNAL_WITHIN, "webhooks wait"):
        await temporal.start_workflow(
            DeliveryWorkflow.run,
            EndpointRef(tenant=tenant, endpoint_id=endpoint_id),
            id=delivery_workflow_id(tenant, endpoint_id),
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=NUDGE_SIGNAL,
            static_summary=f"webhooks to endpoint {endpoint_id}",
        )
