"""The launch of a campaign, and of the standing campaign every tenant has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.campaign import MAX_IN_FLIGHT, Agent, CampaignDefinition, Purpose
from outdial.domain.line.routing import SIMULATED
from outdial.domain.record import DIRECT_CAMPAIGN, CampaignRecord
from outdial.store.campaign.campaign_rows import (
    change_campaign,
    find_campaign,
    lock_campaign,
    require_campaign,
    write_lines,
)
from outdial.store.campaign.revisions import keep_revision, settings_of
from outdial.store.claims.cursor import lock_cursor, move_cursor
from outdial.store.db.dialect import lock_keys
from outdial.store.db.errors import CampaignEnded, CampaignRunning, PurposeChanged, ReservedName
from outdial.store.db.tables import campaign, claim_cursor, roster


@dataclass(frozen=True, slots=True)
class LaunchResult:
    record: CampaignRecord
    created: bool
    """False when the name was launched before, and this is another launch of it."""


def launch_campaign(
    s: Session,
    tenant: str,
    definition: CampaignDefinition,
    source_text: str,
    *,
    now: datetime,
    again: bool,
    requester: str | None = None,
) -> LaunchResult:
    """Create a campaign and start it, or with `again` start one anew that is over.

    A requester launches once: CampaignRunning is also raised when he did so before, and
    `launch_of_requester` finds that launch, over or not.
    Raises ReservedName, CampaignRunning, CampaignEnded, PurposeChanged; then nothing changed.
    """
    if definition.name == DIRECT_CAMPAIGN:
        raise ReservedName(definition.name)
    known = _locked_by_name(s, tenant, definition.name)
    if known is None:
        values = _first_launch(tenant, definition.name, now) | settings_of(definition)
        record = _create(s, values)
    elif requester is not None and _launch_by(s, known.id, requester) is not None:
        raise CampaignRunning(known)
    else:
        record = _launch_again(s, known, definition, now, again)
    _open_roster(s, record, enrolled=False, requester=requester)
    keep_revision(s, record, definition, source_text, now)
    return LaunchResult(record, created=known is None)


def launch_of_requester(
    s: Session, tenant: str, name: str, requester: str
) -> tuple[CampaignRecord, int] | None:
    """The launch of a campaign that a workflow run asked for, which need not be its present one."""
    known = find_campaign(s, tenant, name)
    launch = None if known is None else _launch_by(s, known.id, requester)
    return None if known is None or launch is None else (known, launch)


def _launch_by(s: Session, campaign_id: int, requester: str) -> int | None:
    found = select(roster.c.launch).where(
        roster.c.campaign_id == campaign_id, roster.c.requester == requester
    )
    return s.connection().execute(found).scalar_one_or_none()


def ensure_direct_campaign(s: Session, tenant: str, *, now: datetime) -> CampaignRecord:
    """The tenant's standing campaign for single calls, created when it is missing.

    Its plan is a placeholder: each recipient brings its own.
    """
    # Looked at without a lock first: it is asked for with every request for a call.
    known = find_campaign(s, tenant, DIRECT_CAMPAIGN) or _locked_by_name(s, tenant, DIRECT_CAMPAIGN)
    if known is not None:
        return known
    plan = CallPlan(purpose=Purpose.INFORMATIONAL, line=SIMULATED, agent=Agent(id=DIRECT_CAMPAIGN))
    values = _first_launch(tenant, DIRECT_CAMPAIGN, now) | {
        "standing": True,
        "purpose": plan.purpose.value,
        "line": plan.line,
        "max_concurrent": MAX_IN_FLIGHT,
        "plan": plan.model_dump_json(),
    }
    record = _create(s, values)
    _open_roster(s, record, enrolled=True)
    return record


def _locked_by_name(s: Session, tenant: str, name: str) -> CampaignRecord | None:
    # The name is locked too: of two that launch a new one, the second finds the first's row.
    lock_keys(s, [f"campaign/{tenant}/{name}"])
    known = find_campaign(s, tenant, name)
    if known is None:
        return None
    lock_cursor(s, known.id)
    return lock_campaign(s, known.id)


def _launch_again(
    s: Session,
    record: CampaignRecord,
    definition: CampaignDefinition,
    now: datetime,
    again: bool,
) -> CampaignRecord:
    if not record.state.over:
        raise CampaignRunning(record)
    if not again:
        raise CampaignEnded(record)
    if record.purpose is not definition.purpose:
        raise PurposeChanged(record, definition.purpose)
    values = _running(now) | settings_of(definition)
    # What is noted there is about the launch before.
    move_cursor(s, record.id, open_count=0, counted_at=None, anew_from=None)
    values |= {"launch": record.launch + 1, "revision": record.revision + 1}
    changed = change_campaign(s, record.id, values)
    write_lines(s, changed)
    return changed


def _running(now: datetime) -> dict[str, Any]:
    return {
        "state": CampaignState.RUNNING.value,
        "hang_up": False,
        "reason": None,
        "launched_at": now,
        "finished_at": None,
    }


def _first_launch(tenant: str, name: str, now: datetime) -> dict[str, Any]:
    first = {"tenant": tenant, "name": name, "revision": 1, "launch": 1}
    return _running(now) | first | {"standing": False, "created_at": now}


def _create(s: Session, values: dict[str, Any]) -> CampaignRecord:
    created = s.connection().execute(insert(campaign).values(values).returning(campaign.c.id))
    campaign_id = int(created.scalar_one())
    s.connection().execute(
        insert(claim_cursor).values(campaign_id=campaign_id, caller_turn=0, open_count=0)
    )
    record = require_campaign(s, campaign_id)
    write_lines(s, record)
    return record


def _open_roster(
    s: Session, record: CampaignRecord, *, enrolled: bool, requester: str | None = None
) -> None:
    s.connection().execute(
        insert(roster).values(
            campaign_id=record.id,
            launch=record.launch,
            next_position=0,
            next_sequence=1,
            enrolled=enrolled,
            requester=requester,
        )
    )
