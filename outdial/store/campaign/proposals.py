"""Proposed revisions: stored whole with their recipients, and applied in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update
from sqlmodel import Session

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.endpoint import Endpoint, EventType
from outdial.domain.operator import THROUGH_TEMPORAL, Action, Operation, Operator
from outdial.domain.record import CampaignRecord, StagingRecord, StagingState
from outdial.store.campaign.campaigns import apply_definition, require_campaign
from outdial.store.campaign.canary_changes import NewCanary, begin_canary
from outdial.store.campaign.revisions import RevisionNote, read_definition, revision_of_proposal
from outdial.store.compliance.operator_log import note_operation
from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import ProposalGone, StagingEnded
from outdial.store.db.tables import revision_proposal, staging
from outdial.store.roster.flip import accept_addition
from outdial.store.roster.requeue import FROM_THE_START
from outdial.store.roster.staging import (
    lock_staging,
    require_open,
    staging_record,
    without_problems,
)
from outdial.store.webhooks.endpoints import set_campaign_endpoints
from outdial.store.webhooks.outbox import publish_campaign

_LOCK = lock_rows(
    select(revision_proposal).where(revision_proposal.c.id == bindparam("proposal")),
    exclusive=[revision_proposal],
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A revision that was checked: what it is made from, and everything that it changes."""

    id: str
    campaign_id: int
    revision: int
    """The revision it was made from: it applies to no other."""
    definition: CampaignDefinition
    source_text: str
    endpoints: tuple[Endpoint, ...]
    note: RevisionNote
    staging_id: int | None = None
    """Recipients that were staged for it."""
    canary: NewCanary | None = None
    """It is tried on some of the recipients first."""
    by: Operator = THROUGH_TEMPORAL
    """Who proposes it."""


def propose(s: Session, new: Proposal, *, removes: bool, now: datetime) -> None:
    """Store a proposed revision. With `removes`, recipients that it does not have will be ended."""
    s.connection().execute(
        insert(revision_proposal).values(
            id=new.id,
            campaign_id=new.campaign_id,
            revision=new.revision,
            definition=new.definition.model_dump_json(),
            source_text=new.source_text,
            endpoints=[each.model_dump(mode="json") for each in new.endpoints],
            author=new.note.author,
            door=new.by.door,
            key_id=new.by.key_id,
            reason=new.note.reason,
            restores=new.note.restores,
            added=new.note.added,
            removed=new.note.removed,
            staging_id=new.staging_id,
            canary_share=None if new.canary is None else new.canary.share,
            canary_seed=None if new.canary is None else new.canary.seed,
            created_at=now,
        )
    )
    if removes:
        s.connection().execute(
            update(staging).where(staging.c.id == new.staging_id).values(remove_from=FROM_THE_START)
        )


def apply_proposal(s: Session, campaign_id: int, proposal: str, *, now: datetime) -> CampaignRecord:
    """Make a proposed revision the campaign's present one, once: what was applied before is not
    applied again, and the campaign is given as it is.

    Recipients that were staged for it are accepted; they are merged afterwards, in steps. Raises
    UnknownCampaign, ProposalGone, RevisionChanged, StagingEnded, CampaignEnded when the campaign is
    over or stopping, and what `apply_definition` and `begin_canary` do; then the transaction must
    not be committed. The campaign of one that is to be tried first stays at its revision.
    """
    row = s.connection().execute(_LOCK, {"proposal": proposal}).mappings().first()
    if row is None or row["campaign_id"] != campaign_id:
        if revision_of_proposal(s, campaign_id, proposal) is None:
            raise ProposalGone
        return require_campaign(s, campaign_id)
    if row["canary_share"] is not None:
        return _begin_canary(s, row, now)
    of = None if row["staging_id"] is None else _lock_recipients(s, row)
    changed = apply_definition(
        s,
        campaign_id,
        read_definition(row["definition"]),
        row["source_text"],
        now=now,
        expected=row["revision"],
        note=_note(row),
    )
    require_open(changed, changed.launch)
    if of is not None:
        accept_addition(s, of, recipients=of.recipients, now=now)
    endpoints = [Endpoint.model_validate(each) for each in row["endpoints"]]
    set_campaign_endpoints(s, campaign_id, endpoints, now=now)
    publish_campaign(s, changed, EventType.CAMPAIGN_APPLIED, now=now)
    _delete(s, proposal)
    _note_applied(s, changed, row, now)
    return changed


def withdraw_proposal(s: Session, campaign_id: int, proposal: str) -> bool:
    """Delete a proposed revision, unless it was applied: False."""
    deleted = _delete(s, proposal)
    return bool(deleted) or revision_of_proposal(s, campaign_id, proposal) is None


def _delete(s: Session, proposal: str) -> int:
    gone = delete(revision_proposal).where(revision_proposal.c.id == proposal)
    return s.connection().execute(gone).rowcount


def _begin_canary(s: Session, row: RowMapping, now: datetime) -> CampaignRecord:
    record = begin_canary(
        s,
        row["campaign_id"],
        read_definition(row["definition"]),
        row["source_text"],
        NewCanary(row["canary_share"], row["canary_seed"]),
        now=now,
        expected=row["revision"],
        note=_note(row),
    )
    require_open(record, record.launch)
    _delete(s, row["id"])
    details = {"revision": row["revision"], "share": row["canary_share"]}
    operation = Operation(Action.BEGIN_CANARY, f"campaign/{record.name}", row["reason"], details)
    note_operation(s, record.tenant, _operator(row), operation, now=now)
    return record


def _note_applied(s: Session, changed: CampaignRecord, row: RowMapping, now: datetime) -> None:
    details = {"revision": changed.revision, "added": row["added"], "removed": row["removed"]}
    action = Action.APPLY
    if row["restores"] is not None:
        action, details = Action.ROLL_BACK, details | {"restores": row["restores"]}
    operation = Operation(action, f"campaign/{changed.name}", row["reason"], details)
    note_operation(s, changed.tenant, _operator(row), operation, now=now)


def _operator(row: RowMapping) -> Operator:
    """Who proposed it; an earlier version kept no door."""
    door = row["door"] or THROUGH_TEMPORAL.door
    return Operator(door=door, author=row["author"], key_id=row["key_id"])


def _note(row: RowMapping) -> RevisionNote:
    return RevisionNote(
        author=row["author"],
        reason=row["reason"],
        restores=row["restores"],
        added=row["added"],
        removed=row["removed"],
        proposal=row["id"],
    )


def delete_proposals(s: Session, *, before: datetime, limit: int) -> int:
    """Delete proposals that nobody applied; how many."""
    some = (
        select(revision_proposal.c.id).where(revision_proposal.c.created_at < before).limit(limit)
    )
    gone = delete(revision_proposal).where(revision_proposal.c.id.in_(some))
    return s.connection().execute(gone).rowcount


def _lock_recipients(s: Session, row: RowMapping) -> StagingRecord:
    """The staged recipients of a proposal, locked. Raises StagingEnded."""
    query = select(*without_problems).where(staging.c.id == row["staging_id"])
    staged = s.connection().execute(query).mappings().first()
    if staged is None:
        raise StagingEnded("the campaign", "they are not stored any more; apply it again")
    return lock_staging(s, staging_record(staged), StagingState.STAGING)
