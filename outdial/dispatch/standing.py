"""The standing campaign of a tenant: woken, or started when it does not run."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy

from outdial.contracts.names import NUDGE_SIGNAL, TASK_QUEUE, campaign_workflow_id
from outdial.contracts.search_attributes import CAMPAIGN
from outdial.dispatch.errors import outages_translated
from outdial.domain.record import CampaignRecord


async def nudge_standing(temporal: Client, direct: CampaignRecord) -> None:
    """Signal-with-start: the standing campaign runs from the first request on.

    Raises TemporalUnavailable.
    """
    with outages_translated("the standing campaign was not woken"):
        await temporal.start_workflow(
            "CampaignWorkflow",
            {
                "tenant": direct.tenant,
                "campaign": direct.name,
                "campaign_id": direct.id,
                "launch": direct.launch,
                "standing": True,
            },
            id=campaign_workflow_id(direct.tenant, direct.name),
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=NUDGE_SIGNAL,
            static_summary="single calls requested by other services",
            search_attributes=TypedSearchAttributes([SearchAttributePair(CAMPAIGN, direct.name)]),
        )
