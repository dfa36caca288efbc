"""Campaigns: their rows found, locked and changed; launched, and edited under a new revision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    RowMapping,
    bindparam,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallPlan, read_plan
from outdial.domain.call.policy import MAX_IN_FLIGHT, Pacing
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.purpose import Purpose
from outdial.domain.line.routing import SIMULATED, UnknownLine
from outdial.domain.record import DIRECT_CAMPAIGN, CampaignRecord
from outdial.store.campaign.canaries import end_by_revision
from outdial.store.campaign.gate import shut_gates
from outdial.store.campaign.revisions import (
    NO_NOTE,
    RevisionNote,
    keep_revision,
    next_revision,
)
from outdial.store.claims.state import lock_claim_state, save_claim_state
from outdial.store.db.dialect import lock_keys, lock_rows
from outdial.store.db.errors import (
    CampaignEnded,
    CampaignRunning,
    NameChanged,
    PurposeChanged,
    ReservedName,
    RevisionChanged,
    UnknownCampaign,
)
from outdial.store.db.tables import (
    call,
    campaign,
    claim_state,
    lease,
    roster,
)
from outdial.store.lines.lines import line_names
from outdial.store.roster.requeue import requeue_some

IS_LAUNCHED = campaign.c.launch > 0
"""A campaign whose first launch is being staged has a row already, which nothing else reads."""
_BY_NAME = select(campaign).where(
    campaign.c.tenant == bindparam("of_tenant"),
    campaign.c.name == bindparam("of_name"),
    IS_LAUNCHED,
)
_SETTLEMENT = select(func.min(call.c.settle_by)).where(
    call.c.campaign_id == bindparam("campaign_id"),
    call.c.settled_at.is_(None),
    call.c.settle_by.is_not(None),
)
_LOCK = lock_rows(
    select(campaign).where(campaign.c.id == bindparam("campaign_id")), exclusive=[campaign]
)
_CAMPAIGN_ID: BindParameter[int] = bindparam("campaign_id")
_SNAPSHOT = select(
    campaign,
    select(func.count())
    .where(lease.c.campaign_id == _CAMPAIGN_ID)
    .scalar_subquery()
    .label("in_flight"),
    exists()
    .where(call.c.campaign_id == _CAMPAIGN_ID, call.c.claim_key == bindparam("key"))
    .label("claimed"),
    _SETTLEMENT.scalar_subquery().label("settles_at"),
).where(campaign.c.id == _CAMPAIGN_ID)
_FIELDS = tuple(CampaignRecord.model_fields.keys() - {"plan"})


# --- the row ------------------------------------------------------------------------------------


def campaign_record(row: RowMapping) -> CampaignRecord:
    return CampaignRecord(**{name: row[name] for name in _FIELDS}, plan=read_plan(row["plan"]))


def find_campaign(s: Session, tenant: str, name: str) -> CampaignRecord | None:
    row = (
        s.connection().execute(_BY_NAME, {"of_tenant": tenant, "of_name": name}).mappings().first()
    )
    return None if row is None else campaign_record(row)


def require_campaign(s: Session, campaign_id: int) -> CampaignRecord:
    """Raises UnknownCampaign."""
    query = select(campaign).where(campaign.c.id == campaign_id)
    return _record(s.connection().execute(query).mappings().first(), campaign_id)


def next_settlement(s: Session, campaign_id: int) -> datetime | None:
    """When the next ended call is settled without its analysis."""
    rows = s.connection().execute(_SETTLEMENT, {"campaign_id": campaign_id})
    at: datetime | None = rows.scalar_one()
    return at


def lock_campaign(s: Session, campaign_id: int) -> CampaignRecord:
    """Lock a campaign's row exclusively until the transaction ends, to change it or to rely on it.

    It is never locked shared, for then a change could wait for ever: see
    `store.campaign.gate`.
    Raises UnknownCampaign.
    """
    held = s.connection().execute(_LOCK, {"campaign_id": campaign_id})
    return _record(held.mappings().first(), campaign_id)


def change_campaign(s: Session, campaign_id: int, values: dict[str, Any]) -> CampaignRecord:
    s.connection().execute(update(campaign).where(campaign.c.id == campaign_id).values(values))
    return require_campaign(s, campaign_id)


def _record(row: RowMapping | None, campaign_id: int) -> CampaignRecord:
    if row is None:
        raise UnknownCampaign(campaign_id)
    return campaign_record(row)


# --- what a claim begins with -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CampaignSnapshot:
    """A campaign as it is when a claim begins.

    Its claim state is locked, so it is not stopped, edited or launched meanwhile. It may be
    paused: then what is claimed is not dialed, because the fence re-checks the state.
    """

    record: CampaignRecord
    in_flight: int
    """Slots that its calls hold. The lock keeps other claims out; a call that was given up and is
    reported later takes its slot again without it, and limits may be exceeded by such calls."""
    claimed: bool
    """A claim with this key was made before."""
    settles_at: datetime | None
    """When the next ended call is settled without its analysis."""


def read_snapshot(s: Session, campaign_id: int, key: str) -> CampaignSnapshot:
    """Raises UnknownCampaign."""
    values = {"campaign_id": campaign_id, "key": key}
    row = s.connection().execute(_SNAPSHOT, values).mappings().first()
    if row is None:
        raise UnknownCampaign(campaign_id)
    return CampaignSnapshot(
        record=campaign_record(row),
        in_flight=row["in_flight"],
        claimed=row["claimed"],
        settles_at=row["settles_at"],
    )


# --- launches and revisions ----------------------------------------------------------------------


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
    author: str | None = None,
) -> LaunchResult:
    """Create a campaign and start it, or with `again` start one anew that is over.

    A requester launches once: CampaignRunning is also raised when it did so before, and
    `launch_of_requester` finds that launch, over or not.
    Raises ReservedName, CampaignRunning, CampaignEnded, PurposeChanged; then nothing changed.
    """
    earlier = require_launchable(s, tenant, definition, again=again, requester=requester)
    plan = CallPlan.of(definition)
    if earlier is None:
        record = _create(s, _first_launch(tenant, definition.name, now), plan)
    else:
        record = _launch_next(s, earlier, plan, now)
    _open_roster(s, record, enrolled=False, requester=requester)
    keep_revision(s, record, definition, source_text, now, RevisionNote(author))
    return LaunchResult(record, created=record.launch == 1)


def create_unlaunched(
    s: Session, tenant: str, definition: CampaignDefinition, now: datetime
) -> CampaignRecord:
    """A row for recipients to refer to before a campaign's first launch; nothing reads it."""
    values = _first_launch(tenant, definition.name, now) | _UNLAUNCHED
    return _create(s, values, CallPlan.of(definition))


def require_launchable(
    s: Session,
    tenant: str,
    definition: CampaignDefinition,
    *,
    again: bool,
    requester: str | None,
) -> CampaignRecord | None:
    """The campaign of this name, locked, if it may be launched now; None when there is none.

    Raises what `launch_campaign` does.
    """
    if definition.name == DIRECT_CAMPAIGN:
        raise ReservedName(definition.name)
    record = _locked_by_name(s, tenant, definition.name)
    if record is None or not record.launch:
        return record
    launched = requester is not None and _launch_by(s, record.id, requester) is not None
    if launched or not record.state.over:
        raise CampaignRunning(record)
    if not again:
        raise CampaignEnded(record)
    if record.purpose is not definition.purpose:
        raise PurposeChanged(record, definition.purpose)
    return record


def launch_of_requester(
    s: Session, tenant: str, name: str, requester: str
) -> tuple[CampaignRecord, int] | None:
    """The launch that a workflow run requested, which need not be the campaign's present one."""
    record = find_campaign(s, tenant, name)
    launch = None if record is None else _launch_by(s, record.id, requester)
    return None if record is None or launch is None else (record, launch)


def _launch_by(s: Session, campaign_id: int, requester: str) -> int | None:
    query = select(roster.c.launch).where(
        roster.c.campaign_id == campaign_id, roster.c.requester == requester
    )
    return s.connection().execute(query).scalar_one_or_none()


def ensure_direct_campaign(s: Session, tenant: str, *, now: datetime) -> CampaignRecord:
    """The tenant's direct campaign for single calls, created when it is missing.

    Its plan is a placeholder: each recipient brings its own.
    """
    # Read without a lock first: every request for a call needs it.
    existing = find_campaign(s, tenant, DIRECT_CAMPAIGN) or _locked_by_name(
        s, tenant, DIRECT_CAMPAIGN
    )
    if existing is not None:
        return existing
    plan = CallPlan(
        purpose=Purpose.INFORMATIONAL,
        line=SIMULATED,
        agent=Agent(id=DIRECT_CAMPAIGN),
        pacing=Pacing(max_concurrent=MAX_IN_FLIGHT),
    )
    values = _first_launch(tenant, DIRECT_CAMPAIGN, now) | {"direct": True}
    record = _create(s, values, plan)
    _open_roster(s, record, enrolled=True)
    return record


def _locked_by_name(s: Session, tenant: str, name: str) -> CampaignRecord | None:
    """The campaign of this name, one that was never launched included."""
    # The name is locked too: of two that launch a new one, the second finds the first's row.
    lock_keys(s, [f"campaign/{tenant}/{name}"])
    query = select(campaign.c.id).where(campaign.c.tenant == tenant, campaign.c.name == name)
    campaign_id = s.connection().execute(query).scalar_one_or_none()
    if campaign_id is None:
        return None
    lock_claim_state(s, campaign_id)
    return lock_campaign(s, campaign_id)


def _launch_next(
    s: Session, record: CampaignRecord, plan: CallPlan, now: datetime
) -> CampaignRecord:
    values = _running(now) | {"plan": _written(plan)}
    if not record.launch:
        values["created_at"] = now
    # What is noted there is about the launch before.
    save_claim_state(
        s,
        record.id,
        wake_at=None,
        reason=None,
        next_call_at=None,
        next_call_zone=None,
        requeue_from=None,
        budget_exhausted=None,
    )
    values |= {"launch": record.launch + 1, "revision": next_revision(s, record)}
    changed = change_campaign(s, record.id, values)
    return changed


def _running(now: datetime) -> dict[str, Any]:
    return {
        "state": CampaignState.RUNNING.value,
        "hang_up": False,
        "reason": None,
        "launched_at": now,
        "finished_at": None,
    }


_UNLAUNCHED: dict[str, Any] = {"launch": 0, "revision": 0, "state": CampaignState.STOPPED.value}


def _first_launch(tenant: str, name: str, now: datetime) -> dict[str, Any]:
    first = {"tenant": tenant, "name": name, "revision": 1, "launch": 1}
    return _running(now) | first | {"direct": False, "created_at": now}


def _written(plan: CallPlan) -> str:
    return plan.model_dump_json()


def _create(s: Session, values: dict[str, Any], plan: CallPlan) -> CampaignRecord:
    values = values | {"plan": _written(plan)}
    created = s.connection().execute(insert(campaign).values(values).returning(campaign.c.id))
    campaign_id = int(created.scalar_one())
    s.connection().execute(insert(claim_state).values(campaign_id=campaign_id, caller_turn=0))
    return require_campaign(s, campaign_id)


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


def apply_definition(
    s: Session,
    campaign_id: int,
    definition: CampaignDefinition,
    source_text: str,
    *,
    now: datetime,
    expected: int | None = None,
    note: RevisionNote = NO_NOTE,
) -> CampaignRecord:
    """Give a campaign that is not over a new revision; waiting recipients are requeued.

    With `expected`, only if the campaign is at that revision. A definition that names no line
    leaves the campaign on those it has. Calls under way go on as they were claimed. The roster
    stays. A canary ends with it. Raises UnknownCampaign, CampaignEnded, RevisionChanged,
    NameChanged, PurposeChanged, UnknownLine, CanaryRunning; then nothing changed.
    """
    state = lock_claim_state(s, campaign_id)
    shut_gates(s, [campaign_id])
    record = lock_campaign(s, campaign_id)
    if record.state.over:
        raise CampaignEnded(record)
    if expected is not None and expected != record.revision:
        raise RevisionChanged(record, expected)
    if definition.name != record.name:
        raise NameChanged(record, definition.name)
    if definition.purpose is not record.purpose:
        raise PurposeChanged(record, definition.purpose)
    if not definition.lines:
        definition = definition.model_copy(update={"line": record.plan.shares})
    lines = line_names(s, record.tenant)
    for name in definition.lines:
        if name not in lines:
            raise UnknownLine(name, lines)
    if state["canary_id"] is not None:
        restores = note.restores is not None
        end_by_revision(s, record, state["canary_id"], definition, restores=restores, now=now)
    values = {"plan": _written(CallPlan.of(definition)), "revision": next_revision(s, record)}
    changed = change_campaign(s, campaign_id, values)
    keep_revision(s, changed, definition, source_text, now, note)
    save_claim_state(s, campaign_id, requeue_from=requeue_some(s, changed, now=now))
    return changed
