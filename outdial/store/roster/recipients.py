"""Recipients as values: what enters a roster, and what is read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select
from sqlmodel import Session

from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.record import CallRecord, RecipientRecord, RecipientState
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.db.tables import call, recipient
from outdial.store.records import call_record, recipient_record


@dataclass(frozen=True, slots=True)
class StagedChunk:
    sequence: int
    drafts: tuple[RecipientDraft, ...]


@dataclass(frozen=True, slots=True)
class EnrollRow:
    """A draft with its zones, or with the reason why it is refused."""

    draft: RecipientDraft
    zones: ZoneEvidence | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class RecipientResult:
    recipient: RecipientRecord
    call: CallRecord | None
    """The last call, when there is one."""
    context: dict[str, Any]
    """What the request for the call carried along; empty for others."""


def recipient_result(s: Session, recipient_id: int) -> RecipientResult | None:
    """A recipient with its last call."""
    found = select(recipient).where(recipient.c.id == recipient_id)
    row = s.connection().execute(found).mappings().first()
    if row is None:
        return None
    last = (
        select(call)
        .where(call.c.recipient_id == recipient_id)
        .order_by(call.c.number.desc())
        .limit(1)
    )
    called = s.connection().execute(last).mappings().first()
    return RecipientResult(
        recipient=recipient_record(row),
        call=None if called is None else call_record(called),
        context=row["context"] or {},
    )


def last_calls(s: Session, recipient_ids: Sequence[int]) -> dict[int, CallRecord]:
    """The last call of each recipient that has any."""
    if not recipient_ids:
        return {}
    found = (
        select(call)
        .join_from(
            recipient,
            call,
            and_(call.c.recipient_id == recipient.c.id, call.c.number == recipient.c.calls),
        )
        .where(recipient.c.id.in_(recipient_ids))
    )
    records = [call_record(row) for row in s.connection().execute(found).mappings()]
    return {record.recipient_id: record for record in records}


def list_recipients(
    s: Session,
    campaign_id: int,
    *,
    launch: int | None = None,
    state: RecipientState | None = None,
    limit: int = 100,
    after: int = 0,
) -> list[RecipientRecord]:
    """Recipients by id; `after` is the last id of the page before."""
    found = select(recipient).where(recipient.c.campaign_id == campaign_id, recipient.c.id > after)
    if launch is not None:
        found = found.where(recipient.c.launch == launch)
    if state is not None:
        found = found.where(recipient.c.state == state.value)
    rows = s.connection().execute(found.order_by(recipient.c.id).limit(limit)).mappings()
    return [recipient_record(row) for row in rows]
