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
    from workflows.campaign import CampaignWorkflow
    from workflows.messages import CampaignInput, CampaignResult


# Input that cannot be read fails the run, instead of being tried for ever.
@workflow.defn(name="RunCampaignWorkflow", failure_exception_types=[ValidationError])
class RunCampaignWorkflow:
    """Launches a campaign and returns what became of it. Cancelled, it stops the campaign."""

    @workflow.run
    async def run(self, asked: LaunchInput) -> CampaignResult:
        campaign = await workflow.execute_activity_method(
            LaunchActivities.launch_campaign,
            asked,
            summary="check it and write it down",
            **options.LAUNCH,
        )
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

    async def _carry_out(self, campaign: LaunchedCampaign) -> CampaignResult:
        return await workflow.execute_child_workflow(
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
            static_summary=f"campaign {campaign.name}, launch {campaign.launch}",
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(names.CAMPAIGN, campaign.name)]
            ),
        )
