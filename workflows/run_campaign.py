"""A campaign that another service runs, and whose result it awaits."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from activities import options
    from activities.signatures.launch import LaunchActivities, LaunchedCampaign, LaunchInput
    from workflows import names
    from workflows.bounds import MAX_INPUT_BYTES, require_size, size_of
    from workflows.campaign import CampaignWorkflow
    from workflows.cancellation import run_to_end
    from workflows.messages import CampaignInput, CampaignResult


# Input that cannot be read fails the run, instead of being tried for ever.
@workflow.defn(name="RunCampaignWorkflow", failure_exception_types=[ValidationError])
class RunCampaignWorkflow:
    """Launches a campaign and returns what became of it. Cancelled, it stops the campaign."""

    def __init__(self) -> None:
        self._cancelled = False

    @workflow.run
    async def run(self, asked: LaunchInput) -> CampaignResult:
        if size_of(asked) > MAX_INPUT_BYTES and workflow.patched("bounded-input"):
            require_size(asked, MAX_INPUT_BYTES)
        # Cancelled while it is launched, it is launched all the same, and stopped: what was
        # written down must come to an end, and its people to an outcome.
        campaign = await run_to_end(self._launch(asked), self._on_cancel)
        workflow.set_current_details(
            "\n\n".join((f"campaign {campaign.name}, launch {campaign.launch}", *campaign.foreseen))
        )
        try:
            return await self._carry_out(campaign)
        except WorkflowAlreadyStartedError as error:
            raise ApplicationError(
                f"{campaign.name} is run by somebody else; await its own workflow",
                type="AlreadyRunning",
                non_retryable=True,
            ) from error

    def _on_cancel(self) -> None:
        self._cancelled = True

    async def _launch(self, asked: LaunchInput) -> LaunchedCampaign:
        return await workflow.execute_activity_method(
            LaunchActivities.launch_campaign,
            asked,
            summary="check it and write it down",
            **options.LAUNCH,
        )

    async def _carry_out(self, campaign: LaunchedCampaign) -> CampaignResult:
        child = await workflow.start_child_workflow(
            CampaignWorkflow.run,
            CampaignInput(
                tenant=campaign.tenant,
                campaign=campaign.name,
                campaign_id=campaign.campaign_id,
                launch=campaign.launch,
            ),
            id=names.campaign_workflow_id(campaign.tenant, campaign.name),
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            memo=names.campaign_memo(campaign.campaign_id, campaign.launch),
            static_summary=f"campaign {campaign.name}, launch {campaign.launch}",
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(names.CAMPAIGN, campaign.name)]
            ),
        )
        if self._cancelled:
            child.cancel()
        return await child
