"""Repairs campaigns without an open workflow: starts it again, or stops the campaign.

A workflow that is absent, failed or timed out was lost (Temporal was away at launch, a process died
between the commit and the start, its data was deleted or restored from a backup) and is started
again. One that was terminated or cancelled was ended by a person: its campaign is stopped, which
ends the recipients.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from activities.campaigns import Campaigns
from outdial.contracts.names import campaign_workflow_id
from outdial.contracts.signatures.campaign import EnrollInput
from outdial.dispatch.executions import Execution, ExecutionState, describe_execution
from outdial.dispatch.signals import wake_campaign
from outdial.dispatch.starting import is_of_launch, start_campaign, wake_direct_campaign
from outdial.domain.call.claim import CampaignState
from outdial.domain.record import CampaignRecord
from outdial.resources.resources import Resources
from outdial.store.campaign.open_campaigns import OpenCampaign
from outdial.store.campaign.states import finish_campaign, set_campaign_state
from outdial.store.db.errors import IllegalTransition

log = logging.getLogger(__name__)

LAUNCH_AGE = timedelta(seconds=30)
"""Younger launches are being started by the process that wrote them."""
ENROLL_WITHIN = timedelta(seconds=30)
"""People of a campaign that a person ended come on the roster as canceled, so long at a time."""
ENDED_FROM_OUTSIDE = "its workflow was ended from outside"


class Recovery:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._campaigns = Campaigns(resources)

    async def repair(self, unended: OpenCampaign) -> bool:
        """See that an open campaign is carried out, or ended; whether something was done."""
        campaign = unended.record
        if self._resources.clock() - campaign.launched_at < LAUNCH_AGE:
            return False
        workflow_id = campaign_workflow_id(campaign.tenant, campaign.name)
        calling = unended.calling and campaign.state is not CampaignState.STOPPING
        execution = (
            Execution(ExecutionState.OPEN)
            if calling
            else await describe_execution(self._resources.temporal, workflow_id)
        )
        if execution.open:
            if unended.staged:  # the process that added the rows may have failed to announce them
                await wake_campaign(self._resources.temporal, workflow_id)
            return False
        if campaign.state is CampaignState.STOPPING or _ended_by_person(execution, campaign):
            return await self._end(campaign)
        await start_campaign(self._resources.temporal, campaign)
        log.warning("campaign %s had no workflow (%s); started", campaign.id, execution.state)
        return True

    async def restart_direct_campaign(self, direct: CampaignRecord) -> bool:
        """Start a direct campaign whose workflow was lost; one that a person ended is started
        by the next request."""
        workflow_id = campaign_workflow_id(direct.tenant, direct.name)
        execution = await describe_execution(self._resources.temporal, workflow_id)
        if execution.open or execution.state is ExecutionState.ENDED_BY_PERSON:
            return False
        await wake_direct_campaign(self._resources.temporal, direct)
        log.warning("direct campaign %s had no workflow (%s)", direct.id, execution.state)
        return True

    async def _end(self, campaign: CampaignRecord) -> bool:
        """Stop it, and end all recipients that are staged or waiting; False while calls go on."""
        database = self._resources.database
        if campaign.state is not CampaignState.STOPPING:
            now = self._resources.clock()
            try:
                await database.write(
                    lambda s: set_campaign_state(
                        s,
                        campaign.id,
                        CampaignState.STOPPING,
                        now=now,
                        reason=ENDED_FROM_OUTSIDE,
                    )
                )
            except IllegalTransition:
                return False  # it was ended meanwhile
        await self._enroll_canceled(campaign)
        now = self._resources.clock()
        finished = await database.write(lambda s: finish_campaign(s, campaign.id, now=now))
        return finished is not None

    async def _enroll_canceled(self, campaign: CampaignRecord) -> None:
        """Chunk by chunk; one round that is too short for all of them is followed by another."""
        staged = EnrollInput(campaign_id=campaign.id, launch=campaign.launch)
        try:
            async with asyncio.timeout(ENROLL_WITHIN.total_seconds()):
                await self._campaigns.enroll_staged(staged)
        except TimeoutError:
            log.warning("campaign %s has more staged rows than one sweep ends", campaign.id)


def _ended_by_person(execution: Execution, campaign: CampaignRecord) -> bool:
    if execution.state is not ExecutionState.ENDED_BY_PERSON:
        return False
    of_launch = is_of_launch(execution.memo, campaign)
    if of_launch is not None:
        return of_launch
    # Of a run of an earlier version, its times alone show which launch it was.
    return execution.closed_at is not None and execution.closed_at >= campaign.launched_at
