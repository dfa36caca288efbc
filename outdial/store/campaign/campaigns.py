"""Campaigns: found, listed, run, paused, stopped, ended.

Whoever changes a campaign's state shuts the gate of its fences (`store.campaign.gate`) and locks
its row. Nobody else locks that row for longer than a moment, so a pause waits for next to nothing,
and a paused campaign dials nothing from the moment the pause is committed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.endpoint import EventType
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.campaign.campaign_rows import change_campaign, find_campaign, lock_campaign
from outdial.store.campaign.gate import shut_gates
from outdial.store.campaign.launching import LaunchResult, ensure_direct_campaign, launch_campaign
from outdial.store.campaign.progress import progress
from outdial.store.campaign.revisions import apply_definition
from outdial.store.claims.cursor import lock_cursor, move_cursor
from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import (
    CampaignEnded,
    CampaignRunning,
    IllegalTransition,
    NameChanged,
    PurposeChanged,
    ReservedName,
    UnknownCampaign,
    UnknownLine,
)
from outdial.store.db.tables import campaign, lease, recipient, roster, roster_chunk
from outdial.store.records import campaign_record
from outdial.store.roster.everybody import close_some
from outdial.store.webhooks.outbox import tell_campaign

_MOVES = {
    CampaignState.RUNNING: {CampaignState.PAUSED, CampaignState.STOPPING},
    CampaignState.PAUSED: {CampaignState.RUNNING, CampaignState.STOPPING},
    CampaignState.STOPPING: {CampaignState.STOPPING},
}
_ENDS = {
    CampaignState.RUNNING: CampaignState.FINISHED,
    CampaignState.STOPPING: CampaignState.STOPPED,
}
_TOLD = {
    CampaignState.PAUSED: EventType.CAMPAIGN_PAUSED,
    CampaignState.RUNNING: EventType.CAMPAIGN_RESUMED,
}
_OPEN = [state.value for state in RecipientState if state is not RecipientState.DONE]


def get_campaign(s: Session, tenant: str, name: str) -> CampaignRecord | None:
    return find_campaign(s, tenant, name)


def get_campaign_by_id(s: Session, campaign_id: int) -> CampaignRecord | None:
    found = select(campaign).where(campaign.c.id == campaign_id)
    row = s.connection().execute(found).mappings().first()
    return None if row is None else campaign_record(row)


def list_campaigns(s: Session, tenant: str) -> list[CampaignRecord]:
    """All campaigns of a tenant, those over included, oldest first."""
    found = select(campaign).where(campaign.c.tenant == tenant).order_by(campaign.c.id)
    return [campaign_record(row) for row in s.connection().execute(found).mappings()]


def list_open_campaigns(s: Session) -> list[CampaignRecord]:
    """Campaigns of all tenants that are not over, standing ones left out: they never are."""
    over = [state.value for state in CampaignState if state.over]
    found = select(campaign).where(campaign.c.state.not_in(over), ~campaign.c.standing)
    rows = s.connection().execute(found.order_by(campaign.c.id)).mappings()
    return [campaign_record(row) for row in rows]


def set_campaign_state(
    s: Session,
    campaign_id: int,
    state: CampaignState,
    *,
    now: datetime,
    hang_up: bool = False,
    reason: str | None = None,
) -> CampaignRecord:
    """Run, pause or stop; what is asked for twice is done once.

    Stopping ends everybody who is not being called; of very many, claims end the rest.
    Raises UnknownCampaign, and IllegalTransition: what is over stays over (`finish_campaign`
    ends it), what is stopping cannot run again, and a standing campaign is never stopped.
    """
    if state is CampaignState.STOPPING:
        lock_cursor(s, campaign_id)  # a claim takes people whom a stop ends
    shut_gates(s, [campaign_id])
    record = lock_campaign(s, campaign_id)
    if state is record.state and not state.over and not (hang_up and not record.hang_up):
        return record
    stops = state is CampaignState.STOPPING
    if state not in _MOVES.get(record.state, ()) or (stops and record.standing):
        raise IllegalTransition(record, state)
    values: dict[str, Any] = {"state": state.value, "reason": reason}
    if stops:
        values |= {"hang_up": hang_up, "reason": reason or record.reason}
        close_some(s, record)
    changed = change_campaign(s, campaign_id, values)
    if state in _TOLD:
        tell_campaign(s, changed, _TOLD[state], now=now)
    return changed


def finish_campaign(s: Session, campaign_id: int, *, now: datetime) -> CampaignRecord | None:
    """End a running or stopping campaign of which nothing is left to do; None when there is.

    One that is over stays as it is: whoever ended it may have died before he could say so.
    Raises UnknownCampaign.
    """
    lock_cursor(s, campaign_id)
    record = lock_campaign(s, campaign_id)
    if record.state.over:
        return record
    if record.standing or record.state not in _ENDS:
        return None
    if record.state is CampaignState.STOPPING and close_some(s, record):
        return None
    if not _nothing_left(s, record):
        return None
    ended = {"state": _ENDS[record.state].value, "finished_at": now}
    changed = change_campaign(s, campaign_id, ended)
    tell_campaign(s, changed, EventType.CAMPAIGN_FINISHED, now=now)
    return changed


def set_waiting(s: Session, campaign_id: int, wake_at: datetime | None, reason: str | None) -> None:
    """Say what a campaign waits for; every claim says so by itself."""
    move_cursor(s, campaign_id, wake_at=wake_at, reason=reason)


def _nothing_left(s: Session, record: CampaignRecord) -> bool:
    # The roster's row is locked, so that nobody adds recipients meanwhile.
    complete = select(roster.c.enrolled).where(
        roster.c.campaign_id == record.id, roster.c.launch == record.launch
    )
    if not s.connection().execute(lock_rows(complete, exclusive=[roster])).scalar_one():
        return False
    left = select(
        exists().where(
            recipient.c.campaign_id == record.id,
            recipient.c.launch == record.launch,
            recipient.c.state.in_(_OPEN),
        )
        | exists().where(lease.c.campaign_id == record.id)
        | exists().where(
            roster_chunk.c.campaign_id == record.id, roster_chunk.c.launch == record.launch
        )
    )
    return not s.connection().execute(left).scalar_one()


__all__ = [
    "CampaignEnded",
    "CampaignRunning",
    "IllegalTransition",
    "LaunchResult",
    "NameChanged",
    "PurposeChanged",
    "ReservedName",
    "UnknownCampaign",
    "UnknownLine",
    "apply_definition",
    "ensure_direct_campaign",
    "finish_campaign",
    "get_campaign",
    "get_campaign_by_id",
    "launch_campaign",
    "list_campaigns",
    "list_open_campaigns",
    "progress",
    "set_campaign_state",
    "set_waiting",
]
