"""Updates of a campaign's workflow."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.service import RPCError

from outdial.contracts.messages import CampaignView, Message
from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.errors import (
    UpdateRefused,
    WorkerTimeout,
    WorkflowNotFound,
    failures_translated,
    is_not_found,
    reason_of,
)
from outdial.domain.record import CampaignRecord

ANSWER_WITHIN = timedelta(seconds=20)
"""An update is one short transaction; a worker that is just starting needs the rest."""


async def update_campaign(
    temporal: Client, record: CampaignRecord, update: str, request: Message, *, doing: str
) -> CampaignView:
    """Send an update to a campaign's workflow.

    Raises WorkflowNotFound, UpdateRefused, WorkerTimeout, and TemporalRefused and
    TemporalUnavailable, which say `doing`.
    """
    workflow_id = campaign_workflow_id(record.tenant, record.name)
    with failures_translated(doing):
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                view: CampaignView = await temporal.get_workflow_handle(workflow_id).execute_update(
                    update, request, result_type=CampaignView
                )
        except (TimeoutError, RPCTimeoutOrCancelledError):
            raise WorkerTimeout(record.name) from None
        except WorkflowUpdateFailedError as error:
            raise UpdateRefused(reason_of(error) or "the campaign refused the change") from error
        except RPCError as error:
            if is_not_found(error):
                raise WorkflowNotFound(f"no workflow {workflow_id} is open") from error
            raise
    return view
