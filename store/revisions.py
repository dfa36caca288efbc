"""Revisions of a campaign: what it was at each launch and after each applied edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import case, func, insert, or_, select, update
from sqlmodel import Session

from domain.definition import CampaignDefinition
from domain.plan import CallPlan
from domain.record import CampaignRecord, RecipientState
from store.campaign_rows import change_campaign, lock_campaign
from store.errors import CampaignEnded, NameChanged, PurposeChanged, UnknownLine
from store.lines import line_names
from store.tables import EPOCH, campaign_revision, recipient


def settings_of(definition: CampaignDefinition) -> dict[str, Any]:
    """The columns of a campaign that its definition sets."""
    return {
        "purpose": definition.purpose.value,
        "line": definition.line,
        "max_concurrent": definition.pacing.max_concurrent,
        "per_minute": definition.pacing.per_minute,
        "plan": CallPlan.of(definition).model_dump_json(),
    }


def keep_revision(
    s: Session,
    record: CampaignRecord,
    definition: CampaignDefinition,
    source_text: str,
    now: datetime,
) -> None:
    s.connection().execute(
        insert(campaign_revision).values(
            campaign_id=record.id,
            revision=record.revision,
            launch=record.launch,
            definition=definition.model_dump_json(),
            source_text=source_text,
            created_at=now,
        )
    )


def apply_definition(
    s: Session,
    campaign_id: int,
    definition: CampaignDefinition,
    source_text: str,
    *,
    now: datetime,
) -> CampaignRecord:
    """Give a campaign that is not over a new revision; everybody who waits is decided anew.

    Calls under way go on as they were claimed. The roster stays: recipients are added by
    `add_recipients`. Raises UnknownCampaign, CampaignEnded, NameChanged, PurposeChanged,
    UnknownLine; then nothing changed.
    """
    record = lock_campaign(s, campaign_id)
    if record.state.over:
        raise CampaignEnded(record)
    if definition.name != record.name:
        raise NameChanged(record, definition.name)
    if definition.purpose is not record.purpose:
        raise PurposeChanged(record, definition.purpose)
    known = line_names(s, record.tenant)
    if definition.line not in known:
        raise UnknownLine(definition.line, known)
    values = settings_of(definition) | {"revision": record.revision + 1}
    changed = change_campaign(s, campaign_id, values)
    keep_revision(s, changed, definition, source_text, now)
    _decide_anew(s, changed)
    return changed


def _decide_anew(s: Session, record: CampaignRecord) -> None:
    """Put back everybody whom a look has moved; who was not looked at yet stays untouched."""
    own_time = func.coalesce(recipient.c.not_before, EPOCH)
    own_line = case((recipient.c.plan.is_(None), record.plan.line), else_=recipient.c.line)
    waiting, ready = RecipientState.WAITING.value, RecipientState.READY.value
    s.connection().execute(
        update(recipient)
        .where(
            recipient.c.campaign_id == record.id,
            recipient.c.launch == record.launch,
            recipient.c.state.in_((waiting, ready)),
            or_(
                recipient.c.state == ready,
                recipient.c.due_at != own_time,
                recipient.c.line != own_line,
            ),
        )
        .values(state=waiting, due_at=own_time, line=own_line)
    )


def definition_at(s: Session, campaign_id: int, revision: int) -> CampaignDefinition | None:
    """The definition as it was at a revision."""
    text = (
        s.connection()
        .execute(
            select(campaign_revision.c.definition).where(
                campaign_revision.c.campaign_id == campaign_id,
                campaign_revision.c.revision == revision,
            )
        )
        .scalar_one_or_none()
    )
    return None if text is None else CampaignDefinition.model_validate_json(text)
