"""Updates of a campaign's workflow."""

from __future__ import annotations

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError

from outdial.contracts.messages import CampaignView, Message
from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.answers import ANSWER_WITHIN, SIGNAL_WITHIN, within
from outdial.dispatch.errors import (
    UpdateRefused,
    WorkerTimeout,
    WorkflowNotFound,
    failures_translated,
    is_not_found,
    reason_of,
)
from outdial.dispatch.executions import describe_execution
from outdial.domain.record import CampaignRecord


async def update_campaign(
    temporal: Client,
    record: CampaignRecord,
    update: str,
    request: Message,
    *,
    doing: str,
    update_id: str | None = None,
) -> CampaignView:
    """Send an update to a campaign's workflow; with an id, once.

    Raises WorkflowNotFound, UpdateRefused, WorkerTimeout, and TemporalRefused and
    TemporalUnavailable, which say `doing`.
    """
    workflow_id = campaign_workflow_id(record.tenant, record.name)
    with failures_translated(doing):
        try:
            async with within(ANSWER_WITHIN):
                view: CampaignView = await temporal.get_workflow_handle(workflow_id).execute_update(
                    update, request, id=update_id, result_type=CampaignView
                )
        except TimeoutError:
            # Where the server says nothing either, no worker can.
            await describe_execution(temporal, workflow_id, doing=doing, limit=SIGNAL_WITHIN)
            raise WorkerTimeout(record.name) from None
        except WorkflowUpdateFailedError as error:
            raise UpdateRefused(reason_of(error) or "the campaign refused the change") from error
        except RPCError as error:
            if is_not_found(error):
                raise WorkflowNotFound(f"no workflow {workflow_id} is open") from error
            raise
    return view
