"""Changes of a campaign's state: run, pause, stop, finish.

A change of state shuts the gate of the campaign's fences (`store.campaign.gate`) and locks its row.
Other transactions lock that row only briefly, so a pause waits for next to nothing, and a paused
campaign dials nothing from the moment the pause is committed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.endpoint import EventType
from outdial.domain.operator import THROUGH_TEMPORAL, Action, Operation, Operator
from outdial.domain.record import CampaignRecord, StagingState
from outdial.store.campaign.campaigns import change_campaign, lock_campaign
from outdial.store.campaign.canaries import end_undecided
from outdial.store.campaign.counts import count_open
from outdial.store.campaign.gate import shut_gates
from outdial.store.claims.state import lock_claim_state
from outdial.store.compliance.operator_log import note_operation
from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import IllegalTransition
from outdial.store.db.tables import (
    is_unfinished_staging,
    lease,
    roster,
    roster_chunk,
    staging,
)
from outdial.store.roster.requeue import close_some
from outdial.store.webhooks.outbox import publish_campaign

_MOVES = {
    CampaignState.RUNNING: {CampaignState.PAUSED, CampaignState.STOPPING},
    CampaignState.PAUSED: {CampaignState.RUNNING, CampaignState.STOPPING},
    CampaignState.STOPPING: {CampaignState.STOPPING},
}
_ENDS = {
    CampaignState.RUNNING: CampaignState.FINISHED,
    CampaignState.STOPPING: CampaignState.STOPPED,
}
_PUBLISHED = {
    CampaignState.PAUSED: EventType.CAMPAIGN_PAUSED,
    CampaignState.RUNNING: EventType.CAMPAIGN_RESUMED,
}
_ACTIONS = {
    CampaignState.PAUSED: Action.PAUSE,
    CampaignState.RUNNING: Action.RESUME,
    CampaignState.STOPPING: Action.STOP,
}


def set_campaign_state(
    s: Session,
    campaign_id: int,
    state: CampaignState,
    *,
    now: datetime,
    hang_up: bool = False,
    reason: str | None = None,
    by: Operator = THROUGH_TEMPORAL,
) -> CampaignRecord:
    """Run, pause or stop a campaign, and note it in the operator log. Idempotent.

    Stopping ends recipients that are not being called: a step of them here, the rest by claims.
    Raises UnknownCampaign, and IllegalTransition: what is over stays over (`finish_campaign`
    ends it), what is stopping cannot run again, and a direct campaign is never stopped.
    """
    if state is CampaignState.STOPPING:
        lock_claim_state(s, campaign_id)  # a claim takes people whom a stop ends
    shut_gates(s, [campaign_id])
    record = lock_campaign(s, campaign_id)
    if state is record.state and not state.over and not (hang_up and not record.hang_up):
        return record
    stops = state is CampaignState.STOPPING
    if state not in _MOVES.get(record.state, ()) or (stops and record.direct):
        raise IllegalTransition(record, state)
    values: dict[str, Any] = {"state": state.value, "reason": reason}
    if stops:
        values |= {"hang_up": hang_up, "reason": reason or record.reason}
        close_some(s, record)
    changed = change_campaign(s, campaign_id, values)
    if state in _PUBLISHED:
        publish_campaign(s, changed, _PUBLISHED[state], now=now)
    operation = Operation(
        _ACTIONS[state],
        f"campaign/{record.name}",
        reason,
        {"hang_up": True} if stops and hang_up else {},
    )
    note_operation(s, record.tenant, by, operation, now=now)
    return changed


def finish_campaign(s: Session, campaign_id: int, *, now: datetime) -> CampaignRecord | None:
    """End a running or stopping campaign of which nothing is left to do; None when there is.

    One that is over stays as it is: its worker may have died after it was ended.
    Raises UnknownCampaign.
    """
    state = lock_claim_state(s, campaign_id)
    record = lock_campaign(s, campaign_id)
    if record.state.over:
        return record
    if record.direct or record.state not in _ENDS:
        return None
    if record.state is CampaignState.STOPPING and close_some(s, record):
        return None
    if not _nothing_left(s, record):
        return None
    if state["canary_id"] is not None:
        end_undecided(s, campaign_id, state["canary_id"], now=now)
    ended = {"state": _ENDS[record.state].value, "finished_at": now}
    changed = change_campaign(s, campaign_id, ended)
    publish_campaign(s, changed, EventType.CAMPAIGN_FINISHED, now=now)
    return changed


def _nothing_left(s: Session, record: CampaignRecord) -> bool:
    # The roster's row is locked, so that no recipients are added meanwhile.
    complete = select(roster.c.enrolled).where(
        roster.c.campaign_id == record.id, roster.c.launch == record.launch
    )
    if not s.connection().execute(lock_rows(complete, exclusive=[roster])).scalar_one():
        return False
    if count_open(s, record.id, record.launch):
        return False
    left = select(
        exists().where(lease.c.campaign_id == record.id)
        | exists().where(
            roster_chunk.c.campaign_id == record.id, roster_chunk.c.launch == record.launch
        )
        # An addition that is being written keeps the campaign open, accepted or not.
        | exists().where(
            staging.c.campaign_id == record.id,
            is_unfinished_staging,
            staging.c.launch == record.launch,
            staging.c.state != StagingState.REFUSED.value,
        )
    )
    return not s.connection().execute(left).scalar_one()
