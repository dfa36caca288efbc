"""Revisions of a campaign: what it was at each launch and after each applied edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session

from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.record import CampaignRecord
from outdial.store.campaign.campaign_rows import change_campaign, lock_campaign, write_lines
from outdial.store.campaign.gate import shut_gates
from outdial.store.claims.cursor import lock_cursor, move_cursor
from outdial.store.db.errors import CampaignEnded, NameChanged, PurposeChanged, UnknownLine
from outdial.store.db.tables import campaign_revision
from outdial.store.lines.lines import line_names
from outdial.store.roster.everybody import decide_some_anew


def settings_of(definition: CampaignDefinition) -> dict[str, Any]:
    """The columns of a campaign that its definition sets. Raises ValueError without a line."""
    plan = CallPlan.of(definition)
    return {
        "purpose": definition.purpose.value,
        "line": plan.line,
        "max_concurrent": definition.pacing.max_concurrent,
        "per_minute": definition.pacing.per_minute,
        "plan": plan.model_dump_json(),
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

    A definition that names no line leaves the campaign on those it has. Calls under way go on as
    they were claimed. The roster stays: recipients are added by
    `add_recipients`. Raises UnknownCampaign, CampaignEnded, NameChanged, PurposeChanged,
    UnknownLine; then nothing changed.
    """
    lock_cursor(s, campaign_id)
    shut_gates(s, [campaign_id])
    record = lock_campaign(s, campaign_id)
    if record.state.over:
        raise CampaignEnded(record)
    if definition.name != record.name:
        raise NameChanged(record, definition.name)
    if definition.purpose is not record.purpose:
        raise PurposeChanged(record, definition.purpose)
    if not definition.lines:
        definition = definition.model_copy(update={"line": record.plan.shares})
    known = line_names(s, record.tenant)
    for name in definition.lines:
        if name not in known:
            raise UnknownLine(name, known)
    values = settings_of(definition) | {"revision": record.revision + 1}
    changed = change_campaign(s, campaign_id, values)
    write_lines(s, changed)
    keep_revision(s, changed, definition, source_text, now)
    move_cursor(s, campaign_id, anew_from=decide_some_anew(s, changed))
    return changed


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
