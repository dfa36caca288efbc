"""Rosters: staged in chunks as they are read, then enrolled, each position once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import delete, exists, insert, select, tuple_, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import OUTCOME_CANCELED, STOPPED
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.call.requests import enroll_request
from outdial.store.campaign.campaigns import lock_campaign
from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import CampaignEnded
from outdial.store.db.tables import EPOCH, campaign, recipient, roster, roster_chunk
from outdial.store.roster.recipients import (
    EnrollRow,
    RecipientResult,
    StagedChunk,
    list_recipients,
    recipient_result,
)

REFUSED_OUTCOME = "refused"
DUPLICATE = "duplicate: the number is on this roster already"


def stage_roster(
    s: Session,
    campaign_id: int,
    launch: int,
    drafts: Iterable[RecipientDraft],
    chunk: int = 500,
) -> int:
    """Keep drafts until they are enrolled, `chunk` of them to a row; how many there were.

    The drafts keep their positions: staging a source a second time enrolls nobody twice.
    """
    next_position, next_sequence = _lock_roster(s, campaign_id, launch)
    staged = 0
    for part in _chunks(drafts, chunk):
        s.connection().execute(
            insert(roster_chunk).values(
                campaign_id=campaign_id,
                launch=launch,
                sequence=next_sequence,
                drafts=[draft.model_dump(mode="json", exclude_defaults=True) for draft in part],
            )
        )
        staged += len(part)
        next_sequence += 1
        next_position = max(next_position, *(draft.position + 1 for draft in part))
    _move_roster(s, campaign_id, launch, next_position, next_sequence)
    return staged


def staged_chunks(
    s: Session, campaign_id: int, launch: int, after_sequence: int
) -> StagedChunk | None:
    """The first staged chunk after a sequence number (0: the first of all)."""
    found = (
        select(roster_chunk.c.sequence, roster_chunk.c.drafts)
        .where(
            roster_chunk.c.campaign_id == campaign_id,
            roster_chunk.c.launch == launch,
            roster_chunk.c.sequence > after_sequence,
        )
        .order_by(roster_chunk.c.sequence)
        .limit(1)
    )
    row = s.connection().execute(found).first()
    if row is None:
        return None
    drafts = tuple(RecipientDraft.model_validate(draft) for draft in row.drafts)
    return StagedChunk(row.sequence, drafts)


def has_staged(s: Session, campaign_id: int) -> bool:
    """Whether rows of a campaign's present launch are staged that nobody has enrolled."""
    found = select(
        exists().where(
            campaign.c.id == campaign_id,
            roster_chunk.c.campaign_id == campaign.c.id,
            roster_chunk.c.launch == campaign.c.launch,
        )
    )
    return bool(s.connection().execute(found).scalar_one())


def enroll_chunk(
    s: Session, campaign_id: int, launch: int, sequence: int, rows: Sequence[EnrollRow]
) -> int:
    """Make recipients of a staged chunk, and drop the chunk; how many rows are new.

    Each position becomes a recipient once. Who is refused, or has a number that this launch's
    roster has already, is done at once, with the reason; so is everybody when the campaign
    was stopped meanwhile. Raises UnknownCampaign.
    """
    record = lock_campaign(s, campaign_id)
    next_position, next_sequence = _lock_roster(s, campaign_id, launch)
    last = max((row.draft.position for row in rows), default=-1)
    if last >= next_position:
        _move_roster(s, campaign_id, launch, last + 1, next_sequence)
    known = _known_positions(s, campaign_id, launch, rows)
    new = [row for row in rows if row.draft.position not in known]
    phones = _known_phones(s, campaign_id, launch, new)
    values = [_recipient(record, launch, row, phones) for row in new]
    if values:
        s.connection().execute(insert(recipient), values)
    s.connection().execute(
        delete(roster_chunk).where(
            roster_chunk.c.campaign_id == campaign_id,
            roster_chunk.c.launch == launch,
            roster_chunk.c.sequence == sequence,
        )
    )
    return len(values)


def mark_enrolled(s: Session, campaign_id: int, launch: int) -> None:
    """Say that the source was read to its end; before that a campaign cannot finish."""
    s.connection().execute(
        update(roster)
        .where(roster.c.campaign_id == campaign_id, roster.c.launch == launch)
        .values(enrolled=True)
    )


def add_recipients(
    s: Session, campaign_id: int, drafts: Iterable[RecipientDraft], chunk: int = 500
) -> int:
    """Stage more recipients for the current launch, at positions of their own.

    Raises UnknownCampaign, and CampaignEnded when the campaign is over or stopping.
    """
    record = lock_campaign(s, campaign_id)
    if record.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
        raise CampaignEnded(record)
    first, _sequence = _lock_roster(s, campaign_id, record.launch)
    moved = (
        draft.model_copy(update={"position": position})
        for position, draft in enumerate(drafts, start=first)
    )
    return stage_roster(s, campaign_id, record.launch, moved, chunk)


def _lock_roster(s: Session, campaign_id: int, launch: int) -> tuple[int, int]:
    """The next position and sequence number; nobody else gives out any until the end."""
    found = select(roster.c.next_position, roster.c.next_sequence).where(
        roster.c.campaign_id == campaign_id, roster.c.launch == launch
    )
    row = s.connection().execute(lock_rows(found, exclusive=[roster])).one()
    return row.next_position, row.next_sequence


def _move_roster(
    s: Session, campaign_id: int, launch: int, next_position: int, next_sequence: int
) -> None:
    s.connection().execute(
        update(roster)
        .where(roster.c.campaign_id == campaign_id, roster.c.launch == launch)
        .values(next_position=next_position, next_sequence=next_sequence)
    )


def _chunks(drafts: Iterable[RecipientDraft], size: int) -> Iterator[list[RecipientDraft]]:
    remaining = iter(drafts)
    while part := list(islice(remaining, size)):
        yield part


def _known_positions(
    s: Session, campaign_id: int, launch: int, rows: Sequence[EnrollRow]
) -> set[int]:
    found = select(recipient.c.position).where(
        recipient.c.campaign_id == campaign_id,
        recipient.c.launch == launch,
        recipient.c.position.in_([row.draft.position for row in rows]),
    )
    return set(s.connection().execute(found).scalars())


def _known_phones(s: Session, campaign_id: int, launch: int, rows: Sequence[EnrollRow]) -> set[str]:
    refused = (RecipientState.DONE.value, REFUSED_OUTCOME)
    found = select(recipient.c.phone).where(
        recipient.c.campaign_id == campaign_id,
        recipient.c.launch == launch,
        recipient.c.phone.in_([row.draft.phone for row in rows]),
        tuple_(recipient.c.state, recipient.c.outcome).is_distinct_from(refused),
    )
    return set(s.connection().execute(found).scalars())


def _recipient(
    record: CampaignRecord, launch: int, row: EnrollRow, phones: set[str]
) -> dict[str, Any]:
    draft = row.draft
    refused = row.refused
    if refused is None and draft.phone in phones:
        refused = DUPLICATE
    elif refused is None and row.zones is None:
        refused = "no time zone is known"
    if refused is None:
        phones.add(draft.phone)
    stopped = record.launch != launch or record.state in _STOPPED
    outcome, reason = (None, None) if not stopped else (OUTCOME_CANCELED, STOPPED)
    if refused is not None:
        outcome, reason = REFUSED_OUTCOME, refused
    state = RecipientState.WAITING if outcome is None else RecipientState.DONE
    return {
        "campaign_id": record.id,
        "launch": launch,
        "position": draft.position,
        "phone": draft.phone,
        "alternate_phones": list(draft.alternate_phones),
        "zones": None if row.zones is None else row.zones.model_dump_json(exclude_none=True),
        "consent": None if draft.consent is None else draft.consent.model_dump_json(),
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


_STOPPED = (CampaignState.STOPPING, CampaignState.STOPPED, CampaignState.FINISHED)

__all__ = [
    "EnrollRow",
    "RecipientResult",
    "StagedChunk",
    "add_recipients",
    "enroll_chunk",
    "enroll_request",
    "has_staged",
    "list_recipients",
    "mark_enrolled",
    "recipient_result",
    "stage_roster",
    "staged_chunks",
]
