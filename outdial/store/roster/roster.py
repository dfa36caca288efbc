"""Rosters: recipients that were staged as drafts are enrolled, each position once; and all are read
again as records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, exists, or_, select, tuple_, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import OUTCOME_CANCELED, OUTCOME_REFUSED, STOPPED
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.record import (
    CallRecord,
    CampaignRecord,
    RecipientRecord,
    RecipientState,
    StagingState,
)
from outdial.domain.rules.location import LocatedDraft, locate
from outdial.store.appointments.roster import enter_existing
from outdial.store.campaign.campaigns import lock_campaign
from outdial.store.db.bulk import NewRows, insert_all
from outdial.store.db.database import Database
from outdial.store.db.dialect import lock_rows
from outdial.store.db.tables import (
    EPOCH,
    call,
    campaign,
    is_unfinished_staging,
    recipient,
    roster,
    roster_chunk,
    staging,
)
from outdial.store.records import call_record, recipient_record

DUPLICATE = "duplicate: the number is on this roster already"
HAS_STAGED = or_(
    exists().where(
        roster_chunk.c.campaign_id == campaign.c.id, roster_chunk.c.launch == campaign.c.launch
    ),
    exists().where(
        staging.c.campaign_id == campaign.c.id,
        is_unfinished_staging,
        staging.c.state == StagingState.MOVING.value,
    ),
)
"""Of a campaign in a statement: rows of its present launch are staged and not enrolled yet, in
chunks, or of an addition that is accepted."""
_STOPPED = (CampaignState.STOPPING, CampaignState.STOPPED, CampaignState.FINISHED)


@dataclass(frozen=True, slots=True)
class RecipientResult:
    recipient: RecipientRecord
    call: CallRecord | None
    """The last call, when there is one."""
    context: dict[str, Any]
    """What the request for the call carried along; empty for others."""


async def enroll_next(
    database: Database, record: CampaignRecord, launch: int, after: int, *, now: datetime
) -> tuple[int, int] | None:
    """Enrol the first staged chunk behind a sequence number; None when there is none.

    Its sequence number, and how many of its recipients are new: those that a launch wrote are
    here for their appointments. Time zones are resolved between two transactions: that takes
    longer than both of them.
    """

    def read(s: Session) -> tuple[int, list[RecipientDraft], set[int]] | None:
        chunk = read_chunk(s, record.id, launch, after)
        return chunk and (*chunk, _enrolled_positions(s, record.id, launch, chunk[1]))

    chunk = await database.read(read)
    if chunk is None:
        return None
    sequence, drafts, enrolled = chunk
    new = [draft for draft in drafts if draft.position not in enrolled]
    zone = record.plan.schedule.time_zone
    located = [each for each, _ in await asyncio.to_thread(locate, new, zone)]

    def work(s: Session) -> int:
        new = enroll_chunk(s, record.id, launch, sequence, located)
        enter_existing(s, record, launch, drafts, now=now)
        return new

    return sequence, await database.write(work)


def read_chunk(
    s: Session, campaign_id: int, launch: int, after: int
) -> tuple[int, list[RecipientDraft]] | None:
    """The first staged chunk after a sequence number (0: the first of all), with its own."""
    statement = (
        select(roster_chunk.c.sequence, roster_chunk.c.drafts)
        .where(
            roster_chunk.c.campaign_id == campaign_id,
            roster_chunk.c.launch == launch,
            roster_chunk.c.sequence > after,
        )
        .order_by(roster_chunk.c.sequence)
        .limit(1)
    )
    row = s.connection().execute(statement).first()
    if row is None:
        return None
    return row.sequence, [RecipientDraft.model_validate(draft) for draft in row.drafts]


def has_staged(s: Session, campaign_id: int) -> bool:
    """Whether rows of a campaign's present launch are staged and not enrolled yet."""
    statement = select(HAS_STAGED).select_from(campaign).where(campaign.c.id == campaign_id)
    return bool(s.connection().execute(statement).scalar_one_or_none())


def enroll_chunk(
    s: Session, campaign_id: int, launch: int, sequence: int, located: Sequence[LocatedDraft]
) -> int:
    """Make recipients of a staged chunk, and drop the chunk; how many rows are new.

    Each position becomes a recipient once. A recipient that is refused, or has a number that this
    launch's roster has already, is done at once, with the reason; so are all of them when the
    campaign was stopped meanwhile. Raises UnknownCampaign.
    """
    record = lock_campaign(s, campaign_id)
    next_position, next_sequence = lock_roster(s, campaign_id, launch)
    last = max((draft.position for draft in located), default=-1)
    if last >= next_position:
        move_roster(s, campaign_id, launch, last + 1, next_sequence)
    enrolled = _enrolled_positions(s, campaign_id, launch, located)
    new = [draft for draft in located if draft.position not in enrolled]
    phones = _enrolled_phones(s, campaign_id, launch, new)
    values = [_recipient(record, launch, draft, phones) for draft in new]
    insert_all(s, [NewRows(recipient, values)])
    s.connection().execute(
        delete(roster_chunk).where(
            roster_chunk.c.campaign_id == campaign_id,
            roster_chunk.c.launch == launch,
            roster_chunk.c.sequence == sequence,
        )
    )
    return len(values)


def mark_enrolled(s: Session, campaign_id: int, launch: int) -> None:
    """Mark that the source was read to its end; before that a campaign cannot finish."""
    s.connection().execute(
        update(roster)
        .where(roster.c.campaign_id == campaign_id, roster.c.launch == launch)
        .values(enrolled=True)
    )


def recipient_result(s: Session, recipient_id: int) -> RecipientResult | None:
    """A recipient with its last call."""
    statement = select(recipient).where(recipient.c.id == recipient_id)
    row = s.connection().execute(statement).mappings().first()
    if row is None:
        return None
    last = (
        select(call)
        .where(call.c.recipient_id == recipient_id)
        .order_by(call.c.number.desc())
        .limit(1)
    )
    last_call = s.connection().execute(last).mappings().first()
    return RecipientResult(
        recipient=recipient_record(row),
        call=None if last_call is None else call_record(last_call),
        context=row["context"] or {},
    )


def last_calls(s: Session, recipient_ids: Sequence[int]) -> dict[int, CallRecord]:
    """The last call of each recipient that has any."""
    if not recipient_ids:
        return {}
    statement = (
        select(call)
        .join_from(
            recipient,
            call,
            and_(call.c.recipient_id == recipient.c.id, call.c.number == recipient.c.calls),
        )
        .where(recipient.c.id.in_(recipient_ids))
    )
    records = [call_record(row) for row in s.connection().execute(statement).mappings()]
    return {record.recipient_id: record for record in records}


def list_recipients(
    s: Session,
    campaign_id: int,
    *,
    launch: int,
    limit: int = 100,
    after: int | None = None,
) -> list[RecipientRecord]:
    """Recipients of a launch by their positions; `after` is the last one of the page before."""
    statement = select(recipient).where(
        recipient.c.campaign_id == campaign_id, recipient.c.launch == launch
    )
    if after is not None:
        statement = statement.where(recipient.c.position > after)
    statement = statement.order_by(recipient.c.position).limit(limit)
    rows = s.connection().execute(statement).mappings()
    return [recipient_record(row) for row in rows]


def lock_roster(s: Session, campaign_id: int, launch: int) -> tuple[int, int]:
    """The next position and sequence number; no other transaction gives out any meanwhile."""
    statement = select(roster.c.next_position, roster.c.next_sequence).where(
        roster.c.campaign_id == campaign_id, roster.c.launch == launch
    )
    row = s.connection().execute(lock_rows(statement, exclusive=[roster])).one()
    return row.next_position, row.next_sequence


def move_roster(
    s: Session, campaign_id: int, launch: int, next_position: int, next_sequence: int
) -> None:
    s.connection().execute(
        update(roster)
        .where(roster.c.campaign_id == campaign_id, roster.c.launch == launch)
        .values(next_position=next_position, next_sequence=next_sequence)
    )


def _enrolled_positions(
    s: Session, campaign_id: int, launch: int, drafts: Sequence[RecipientDraft | LocatedDraft]
) -> set[int]:
    statement = select(recipient.c.position).where(
        recipient.c.campaign_id == campaign_id,
        recipient.c.launch == launch,
        recipient.c.position.in_([draft.position for draft in drafts]),
    )
    return set(s.connection().execute(statement).scalars())


def _enrolled_phones(
    s: Session, campaign_id: int, launch: int, drafts: Sequence[LocatedDraft]
) -> set[str]:
    refused = (RecipientState.DONE.value, OUTCOME_REFUSED)
    statement = select(recipient.c.phone).where(
        recipient.c.campaign_id == campaign_id,
        recipient.c.launch == launch,
        recipient.c.phone.in_([draft.phone for draft in drafts]),
        tuple_(recipient.c.state, recipient.c.outcome).is_distinct_from(refused),
    )
    return set(s.connection().execute(statement).scalars())


def _recipient(
    record: CampaignRecord, launch: int, draft: LocatedDraft, phones: set[str]
) -> dict[str, Any]:
    """The row of a new recipient; its number is added to those of the roster."""
    refused = draft.refusal
    if refused is None and draft.phone in phones:
        refused = DUPLICATE
    if refused is None:
        phones.add(draft.phone)
    stopped = record.launch != launch or record.state in _STOPPED
    outcome, reason = (None, None) if not stopped else (OUTCOME_CANCELED, STOPPED)
    if refused is not None:
        outcome, reason = OUTCOME_REFUSED, refused
    state = RecipientState.WAITING if outcome is None else RecipientState.DONE
    return {
        "campaign_id": record.id,
        "launch": launch,
        "position": draft.position,
        "phone": draft.phone,
        "alternate_phones": list(draft.alternate_phones),
        "zones": draft.zones,
        "consent": draft.consent,
        "variables": draft.variables,
        "line": record.plan.line,
        "line_marks": {},
        "state": state.value,
        "attempts": 0,
        "calls": 0,
        "outcome": outcome,
        "reason": reason,
        "due_at": EPOCH,
        "turn": 1,
        "withdrawn": False,
    }
