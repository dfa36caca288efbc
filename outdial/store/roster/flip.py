"""Flips: a staged launch becomes the present one, and a staged addition becomes part of it.

A launch flips in one short transaction, whatever its size: its recipients carry its number already.
So does the acceptance of an addition, after which its recipients are given to the launch step by
step, by whoever comes first: nothing refuses them any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import OUTCOME_CANCELED, OUTCOME_REFUSED, STOPPED
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.record import CampaignRecord, RecipientState, StagingRecord, StagingState
from outdial.domain.rules.location import LocatedDraft
from outdial.store.campaign.campaigns import launch_campaign, lock_campaign
from outdial.store.claims.state import lock_claim_state
from outdial.store.db.errors import StagingEnded
from outdial.store.db.tables import (
    is_unfinished_staging,
    recipient,
    roster,
    roster_chunk,
    staging,
)
from outdial.store.roster.merging import (
    delete_rows_to,
    merge_rows,
    move_new_drafts,
    remove_missing,
)
from outdial.store.roster.roster import DUPLICATE
from outdial.store.roster.rows import ReadSoFar, write_chunk
from outdial.store.roster.staging import (
    begin_addition,
    end_staging,
    forget_counts,
    lock_staging,
    note_removed_to,
    require_open,
    staging_record,
    without_problems,
)

MOVED_AT_ONCE = 1000
_WAITING, _DONE = RecipientState.WAITING.value, RecipientState.DONE.value


def flip_launch(
    s: Session,
    of: StagingRecord,
    definition: CampaignDefinition,
    source_text: str,
    *,
    recipients: int,
    now: datetime,
    again: bool,
    author: str | None = None,
) -> CampaignRecord:
    """Launch a campaign with the recipients that were staged; there must be so many.

    Raises StagingEnded, and what `launch_campaign` does; then the transaction must not be
    committed.
    """
    staged = lock_staging(s, of, StagingState.STAGING)
    launched = launch_campaign(
        s,
        of.tenant,
        definition,
        source_text,
        now=now,
        again=again,
        requester=of.requester,
        author=author,
    ).record
    if (launched.id, launched.launch) != (of.campaign_id, of.row_launch):
        raise StagingEnded(of.campaign, "another launch of it has ended meanwhile; send it again")
    _require_all(staged, recipients)
    _take_over_roster(s, launched)
    end_staging(s, of, now=now)
    return launched


def _take_over_roster(s: Session, record: CampaignRecord) -> None:
    """Positions go on behind those staged. All are enrolled, unless appointments are left."""
    of_launch = recipient.c.campaign_id == record.id, recipient.c.launch == record.launch
    chunks = roster_chunk.c.campaign_id == record.id, roster_chunk.c.launch == record.launch
    last = select(func.max(recipient.c.position)).where(*of_launch).scalar_subquery()
    last_chunk = select(func.max(roster_chunk.c.sequence)).where(*chunks).scalar_subquery()
    row = s.connection().execute(select(last.label("position"), last_chunk.label("chunk"))).one()
    s.connection().execute(
        update(roster)
        .where(roster.c.campaign_id == record.id, roster.c.launch == record.launch)
        .values(
            next_position=0 if row.position is None else row.position + 1,
            next_sequence=(row.chunk or 0) + 1,
            enrolled=row.chunk is None,
        )
    )


def add_at_once(
    s: Session, campaign_id: int, public_id: str, drafts: Sequence[LocatedDraft], *, now: datetime
) -> None:
    """Add a few recipients to a campaign's present launch in one transaction.

    Raises UnknownCampaign, and CampaignEnded when the campaign is over or stopping.
    """
    of = begin_addition(s, campaign_id, public_id, now=now)
    line = lock_campaign(s, campaign_id).plan.line
    write_chunk(s, of, line, drafts, ReadSoFar(len(drafts)), now=now)
    accept_addition(s, of, recipients=len(drafts), now=now)


def accept_addition(
    s: Session, of: StagingRecord, *, recipients: int, now: datetime
) -> StagingRecord:
    """Decide that all recipients of an addition become part of the launch; there must be so many.

    If they are few, they do at once. Raises StagingEnded, and CampaignEnded when the campaign is
    over, stopping or launched again; then the transaction must not be committed.
    """
    staged = lock_staging(s, of, StagingState.STAGING)
    assert of.campaign_id is not None, of
    require_open(lock_campaign(s, of.campaign_id), of.launch)
    _require_all(staged, recipients)
    moving = {"state": StagingState.MOVING.value, "updated_at": now}
    s.connection().execute(update(staging).where(staging.c.id == of.id).values(moving))
    if recipients <= MOVED_AT_ONCE:
        # Who is removed is not to be called under the revision that removes them.
        for _ in range(1 if staged.remove_from is None else 2):
            move_some(s, of, now=now, limit=MOVED_AT_ONCE)
    return of.model_copy(update=moving)


def _require_all(staged: StagingRecord, recipients: int) -> None:
    if staged.recipients != recipients:
        reason = f"{staged.recipients} are stored of {recipients} that were read; send it again"
        raise StagingEnded(staged.campaign, reason)


def moving_additions(s: Session, campaign_id: int) -> list[StagingRecord]:
    """Accepted additions to a campaign of which recipients are left to be moved."""
    query = select(*without_problems).where(
        staging.c.campaign_id == campaign_id,
        is_unfinished_staging,
        staging.c.state == StagingState.MOVING.value,
    )
    return [staging_record(row) for row in s.connection().execute(query).mappings()]


def move_some(
    s: Session,
    of: StagingRecord,
    *,
    now: datetime,
    by_workflow: bool = False,
    limit: int = MOVED_AT_ONCE,
) -> int:
    """Give the next recipients of an accepted addition to its launch; how many, 0 when none are
    left.

    A number that is on the launch's roster already is refused; in an addition of a revision, the
    person gets the values of its row, and before that those whom it does not have are removed.
    Everybody is canceled when the campaign was stopped, or launched again, meanwhile. Whoever does
    it, the addition ends when the campaign's workflow has looked: until then a sweeper wakes that,
    should nobody have told it.
    """
    try:
        moving = lock_staging(s, of, StagingState.MOVING)
    except StagingEnded:
        return 0
    assert moving.campaign_id is not None, moving
    if moving.merges:
        lock_claim_state(s, moving.campaign_id)
    record = lock_campaign(s, moving.campaign_id)
    if moving.remove_from is not None and _is_open(record, moving):
        position = remove_missing(s, record, moving, moving.remove_from, limit)
        note_removed_to(s, moving, position, now=now)
        return limit  # there may be more to do
    here = recipient.c.campaign_id == record.id, recipient.c.launch == moving.row_launch
    step = (
        select(recipient.c.position).where(*here).order_by(recipient.c.position).limit(limit)
    ).subquery()
    last, taken = (
        s.connection().execute(select(func.max(step.c.position), func.count(step.c.position))).one()
    )
    if last is not None:
        if moving.merges:
            _merge(s, moving, record, last)
        else:
            _refuse_taken(s, moving, last)
        _cancel_if_over(s, moving, record, last)
        s.connection().execute(
            update(recipient)
            .where(*here, recipient.c.position <= last)
            .values(launch=moving.launch, line=record.plan.line)
        )
    if taken < limit:
        if _move_drafts(s, moving, record):
            return max(int(taken), 1)  # there may be more to do
        if by_workflow:
            forget_counts(s, of)
            end_staging(s, of, now=now)
    return int(taken)


def _move_drafts(s: Session, of: StagingRecord, record: CampaignRecord) -> bool:
    """Give the launch the drafts that are left to be enrolled; whether there may be more."""
    if of.merges:
        return move_new_drafts(s, record, of)
    s.connection().execute(
        update(roster_chunk)
        .where(roster_chunk.c.campaign_id == record.id, roster_chunk.c.launch == of.row_launch)
        .values(launch=of.launch)
    )
    return False


def _merge(s: Session, of: StagingRecord, record: CampaignRecord, last: int) -> None:
    if _is_open(record, of):
        merge_rows(s, record, of, last)
    else:  # a launch that is over is not changed
        delete_rows_to(s, record, of, last)


def _is_open(record: CampaignRecord, of: StagingRecord) -> bool:
    running = (CampaignState.RUNNING, CampaignState.PAUSED)
    return record.launch == of.launch and record.state in running


def _refuse_taken(s: Session, of: StagingRecord, last: int) -> None:
    """End those of the step who are on the roster already or come a second time."""
    present, earlier = recipient.alias("present"), recipient.alias("earlier")
    waiting = _waiting(of, last)
    taken = exists().where(
        present.c.campaign_id == recipient.c.campaign_id,
        present.c.launch == of.launch,
        present.c.phone == recipient.c.phone,
        or_(
            present.c.state != _DONE,
            present.c.outcome.is_(None),
            present.c.outcome != OUTCOME_REFUSED,
        ),
    )
    repeated = exists().where(
        earlier.c.campaign_id == recipient.c.campaign_id,
        earlier.c.launch == of.row_launch,
        earlier.c.phone == recipient.c.phone,
        earlier.c.position < recipient.c.position,
        earlier.c.state == _WAITING,
    )
    s.connection().execute(
        update(recipient)
        .where(and_(*waiting, or_(taken, repeated)))
        .values(state=_DONE, outcome=OUTCOME_REFUSED, reason=DUPLICATE)
    )


def _cancel_if_over(s: Session, of: StagingRecord, record: CampaignRecord, last: int) -> None:
    """After a stop, everybody is ended."""
    if not _is_open(record, of):
        s.connection().execute(
            update(recipient)
            .where(*_waiting(of, last))
            .values(state=_DONE, outcome=OUTCOME_CANCELED, reason=STOPPED)
        )


def _waiting(of: StagingRecord, last: int) -> tuple[ColumnElement[bool], ...]:
    return (
        recipient.c.campaign_id == of.campaign_id,
        recipient.c.launch == of.row_launch,
        recipient.c.position <= last,
        recipient.c.state == _WAITING,
    )
