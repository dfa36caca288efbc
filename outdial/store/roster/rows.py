"""Writes the recipients of a launch or an addition in bulk, as they were read and located."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlmodel import Session

from outdial.domain.call.status import OUTCOME_REFUSED
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.record import RecipientState, StagingKind, StagingRecord, StagingState
from outdial.domain.rules.location import LocatedDraft
from outdial.store.db.bulk import load_rows
from outdial.store.db.tables import EPOCH, recipient, roster_chunk, staging
from outdial.store.db.tables.columns import json_text
from outdial.store.roster.roster import lock_roster, move_roster
from outdial.store.roster.staging import ended

_COLUMNS = (
    "position",
    "phone",
    "alternate_phones",
    "zones",
    "consent",
    "variables",
    "state",
    "outcome",
    "reason",
)
_STAGING = StagingState.STAGING.value
_WAITING, _DONE = RecipientState.WAITING.value, RecipientState.DONE.value
_NO_NUMBERS = json_text([])


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """What was read so far, besides recipients."""

    rows: int = 0
    """How many rows, those with problems included."""
    problems: Sequence[dict[str, Any]] | None = None
    """Those kept so far; None when there are no new ones."""
    problem_count: int = 0


def at_once(_zones: str) -> datetime:
    """When a recipient is due who need not wait."""
    return EPOCH


def write_chunk(
    s: Session,
    of: StagingRecord,
    line: str,
    drafts: Sequence[LocatedDraft],
    so_far: ReadSoFar,
    *,
    now: datetime,
    first_due: Callable[[str], datetime] = at_once,
) -> None:
    """Write the next recipients, on a campaign's (first) line; `first_due` says when they are due,
    by their zones.

    Of an addition, they get positions on the launch's roster. Raises StagingEnded.
    """
    note_progress(s, of, so_far, now=now, written=len(drafts))
    assert of.campaign_id is not None, of
    sequence = None
    if of.kind is StagingKind.ADDITION:
        first, sequence = lock_roster(s, of.campaign_id, of.launch)
        move_roster(s, of.campaign_id, of.launch, first + len(drafts), sequence + 1)
        drafts = [draft._replace(position=first + at) for at, draft in enumerate(drafts)]
    insert_recipients(s, of.campaign_id, of.row_launch, line, drafts, first_due)
    _keep_appointments(s, of, drafts, sequence)


def note_progress(
    s: Session, of: StagingRecord, so_far: ReadSoFar, *, now: datetime, written: int = 0
) -> None:
    """Show that its writer is at work, and how far it is. Raises StagingEnded."""
    values: dict[str, Any] = {
        "rows_read": so_far.rows,
        "recipients": staging.c.recipients + written,
        "problem_count": so_far.problem_count,
        "updated_at": now,
    }
    if so_far.problems is not None:
        values["problems"] = list(so_far.problems)
    noted = s.connection().execute(
        update(staging).where(staging.c.id == of.id, staging.c.state == _STAGING).values(values)
    )
    if not noted.rowcount:
        raise ended(s, of)


def _keep_appointments(
    s: Session, of: StagingRecord, drafts: Sequence[LocatedDraft], sequence: int | None
) -> None:
    """Keep the drafts of people who have an appointment already: it is entered by the enrolment
    after the launch, so that a refused one enters none."""
    having = [
        RecipientDraft(
            position=draft.position,
            phone=draft.phone,
            appointment_at=draft.appointment_at,
            appointment_uid=draft.appointment_uid,
            appointment_title=draft.appointment_title,
        )
        for draft in drafts
        if draft.appointment_at is not None
    ]
    if not having:
        return
    if sequence is None:
        last = select(func.coalesce(func.max(roster_chunk.c.sequence), 0)).where(
            roster_chunk.c.campaign_id == of.campaign_id, roster_chunk.c.launch == of.row_launch
        )
        sequence = int(s.connection().execute(last).scalar_one()) + 1
    s.connection().execute(
        insert(roster_chunk).values(
            campaign_id=of.campaign_id,
            launch=of.row_launch,
            sequence=sequence,
            drafts=[each.model_dump(mode="json", exclude_defaults=True) for each in having],
        )
    )


def insert_recipients(
    s: Session,
    campaign_id: int,
    launch: int,
    line: str,
    drafts: Sequence[LocatedDraft],
    first_due: Callable[[str], datetime] = at_once,
) -> None:
    """Write recipients under a launch number. Who is refused is done at once, with the reason.

    `first_due` says by a recipient's zones when it is due: by default at once.
    """
    same = {
        "campaign_id": campaign_id,
        "launch": launch,
        "line": line,
        "attempts": 0,
        "calls": 0,
        "turn": 1,
        "withdrawn": False,
    }
    rows: dict[datetime, list[tuple[Any, ...]]] = defaultdict(list)
    for draft in drafts:
        due = EPOCH if draft.zones is None else first_due(draft.zones)
        rows[due].append(_values(draft))
    for due, alike in rows.items():
        load_rows(s, recipient, same | {"due_at": due}, _COLUMNS, alike)


def _values(draft: LocatedDraft) -> tuple[Any, ...]:
    refused = draft.refusal is not None
    return (
        draft.position,
        draft.phone,
        json_text(list(draft.alternate_phones)) if draft.alternate_phones else _NO_NUMBERS,
        draft.zones,
        draft.consent,
        json_text(draft.variables),
        _DONE if refused else _WAITING,
        OUTCOME_REFUSED if refused else None,
        draft.refusal,
    )
