"""Enters the appointments that recipients have already, when they are enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.appointment.appointment import Party
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.record import CampaignRecord
from outdial.store.appointments.booking import enter
from outdial.store.db.tables import recipient


def enter_existing(
    s: Session,
    record: CampaignRecord,
    launch: int,
    drafts: Sequence[RecipientDraft],
    *,
    now: datetime,
) -> int:
    """How many were entered. Repeating it changes nothing."""
    calendar = record.plan.calendar
    if calendar is None:
        return 0
    having = [draft for draft in drafts if draft.appointment_at is not None]
    ids = _ids(s, record, launch, [draft.position for draft in having])
    entered = 0
    for draft in having:
        start = draft.appointment_at
        if start is None or draft.position not in ids:
            continue
        party = Party(
            tenant=record.tenant,
            phone=draft.phone,
            recipient_id=ids[draft.position],
            title=draft.appointment_title or "Appointment",
        )
        key = f"roster/{record.id}/{launch}/{draft.position}"
        made = enter(s, party, calendar, start, key=key, now=now, uid=draft.appointment_uid)
        entered += made.changed
    return entered


def _ids(
    s: Session, record: CampaignRecord, launch: int, positions: Sequence[int]
) -> dict[int, int]:
    query = select(recipient.c.position, recipient.c.id).where(
        recipient.c.campaign_id == record.id,
        recipient.c.launch == launch,
        recipient.c.position.in_(positions),
    )
    return {row.position: row.id for row in s.connection().execute(query)}
