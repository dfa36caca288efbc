"""A campaign that another service runs, and whose result it awaits."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import (
    ApplicationError,
    FailureError,
    WorkflowAlreadyStartedError,
)

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from outdial.contracts import names, options, search_attributes
    from outdial.contracts.messages import CampaignInput, CampaignResult
    from outdial.contracts.signatures.campaign import CampaignActivities, CampaignRef
    from outdial.contracts.signatures.launch import LaunchActivities, LaunchedCampaign, LaunchInput
    from workflows.bounds import MAX_INPUT_BYTES, require_size, size_of
    from workflows.campaign import CampaignWorkflow
    from workflows.cancellation import run_to_end

SHORTEST_POLL = timedelta(seconds=1)
LONGEST_POLL = timedelta(minutes=5)
"""A launch that runs by itself is polled after a tenth of the time that it has been followed,
within these: it may take days, and every poll adds a few history events."""


# Input that cannot be read fails the run, instead of being tried for ever.
@workflow.defn(name="RunCampaignWorkflow", failure_exception_types=[ValidationError])
class RunCampaignWorkflow:
    """Launches a campaign and returns what became of it. Cancelled, it stops the campaign."""

    def __init__(self) -> None:
        self._cancelled = False

    @workflow.run
    async def run(self, launch: LaunchInput) -> CampaignResult:
        if size_of(launch) > MAX_INPUT_BYTES and workflow.patched("bounded-input"):
            require_size(launch, MAX_INPUT_BYTES)
        # Cancelled while it is launched, it is launched all the same, and stopped: what was
        # written down must come to an end, and its people to an outcome.
        campaign = await run_to_end(self._launch(launch), self._on_cancel)
        workflow.set_current_details(
            "\n\n".join((f"campaign {campaign.name}, launch {campaign.launch}", *campaign.foreseen))
        )
        if campaign.over:
            return await run_to_end(self._follow(campaign), self._on_cancel)
        try:
            return await self._carry_out(campaign)
        except WorkflowAlreadyStartedError as error:
            if campaign.own:  # the sweeper was the first to start it
                return await run_to_end(self._follow(campaign), self._on_cancel)
            raise ApplicationError(
                f"{campaign.name} is run by somebody else; await its own workflow",
                type="AlreadyRunning",
                non_retryable=True,
            ) from error

    def _on_cancel(self) -> None:
        self._cancelled = True

    async def _launch(self, launch: LaunchInput) -> LaunchedCampaign:
        return await workflow.execute_activity_method(
            LaunchActivities.launch_campaign,
            launch,
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
                [SearchAttributePair(search_attributes.CAMPAIGN, campaign.name)]
            ),
        )
        if self._cancelled:
            child.cancel()
        return await child

    async def _follow(self, campaign: LaunchedCampaign) -> CampaignResult:
        """Await the end of a launch that runs by itself, and pass a cancellation on to it."""
        since, passed_on = workflow.now(), False
        while True:
            if self._cancelled and not passed_on:
                passed_on = await _cancel(campaign)
            progress = await workflow.execute_local_activity_method(
                CampaignActivities.read_progress,
                CampaignRef(campaign_id=campaign.campaign_id),
                summary="whether it is over",
                **options.SHORT_WRITE,
            )
            if progress.launch != campaign.launch:
                raise ApplicationError(
                    f"launch {campaign.launch} of {campaign.name} is over; "
                    f"launch {progress.launch} has followed it",
                    type="LaunchedAgain",
                    non_retryable=True,
                )
            if progress.state.over:
                return CampaignResult.of(progress)
            wait = min(max((workflow.now() - since) / 10, SHORTEST_POLL), LONGEST_POLL)
            heeds = self._cancelled
            try:
                await workflow.wait_condition(
                    lambda heeds=heeds: self._cancelled and not heeds,  # type: ignore[misc]
                    timeout=wait,
                    timeout_summary="look whether it is over",
                )
            except TimeoutError:
                continue


async def _cancel(campaign: LaunchedCampaign) -> bool:
    """Whether its workflow was open: the cancellation has reached it."""
    workflow_id = names.campaign_workflow_id(campaign.tenant, campaign.name)
    try:
        await workflow.get_external_workflow_handle(workflow_id).cancel()
    except FailureError:
        return False
    return True
