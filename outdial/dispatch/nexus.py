"""The Nexus endpoint by which workflows of other namespaces reach us."""

from __future__ import annotations

from temporalio.api.common.v1 import Payload
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest
from temporalio.client import Client
from temporalio.nexus import WorkflowHandle, WorkflowRunOperationContext
from temporalio.service import RPCError, RPCStatusCode

from outdial.contracts.messages import CampaignResult, RequestCallInput, RequestResult
from outdial.contracts.names import TASK_QUEUE, request_workflow_id, run_campaign_workflow_id
from outdial.contracts.signatures.launch import LaunchInput
from outdial.contracts.workflows import RequestCallWorkflow, RunCampaignWorkflow
from outdial.dispatch.answers import ANSWER_WITHIN, answered_within


async def create_endpoint(temporal: Client, name: str) -> bool:
    """Let other namespaces reach the service by this name; False when they could before.

    Raises TemporalRefused, TemporalUnavailable.
    """
    target = EndpointTarget.Worker(namespace=temporal.namespace, task_queue=TASK_QUEUE)
    spec = EndpointSpec(
        name=name,
        target=EndpointTarget(worker=target),
        description=Payload(
            metadata={"encoding": b"json/plain"}, data=b'"places calls, runs campaigns"'
        ),
    )
    request = CreateNexusEndpointRequest(spec=spec)
    async with answered_within(ANSWER_WITHIN, "the endpoint was not created"):
        try:
            await temporal.operator_service.create_nexus_endpoint(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
            return False
    return True


async def start_request(
    ctx: WorkflowRunOperationContext, request: RequestCallInput
) -> WorkflowHandle[RequestResult]:
    """Start the workflow of a call that another namespace requests; without a key of its own it
    has that of the operation."""
    key = request.key or ctx.request_id
    return await ctx.start_workflow(
        RequestCallWorkflow.run,
        request.model_copy(update={"key": key}),
        id=request_workflow_id(request.tenant, key),
        task_queue=TASK_QUEUE,
    )


async def start_launch(
    ctx: WorkflowRunOperationContext, launch: LaunchInput
) -> WorkflowHandle[CampaignResult]:
    """Start the workflow of a launch that another namespace requests."""
    return await ctx.start_workflow(
        RunCampaignWorkflow.run,
        launch,
        id=run_campaign_workflow_id(launch.tenant, ctx.request_id),
        task_queue=TASK_QUEUE,
    )
