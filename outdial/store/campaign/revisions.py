"""Revisions of a campaign's definition: kept with who made each, when and why, and read again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, func, insert, select
from sqlmodel import Session

from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.record import CampaignRecord, RevisionRecord
from outdial.store.db.tables import campaign_revision

_FIELDS = tuple(RevisionRecord.model_fields)
_COLUMNS = [campaign_revision.c[name] for name in _FIELDS]


@dataclass(frozen=True, slots=True)
class RevisionNote:
    """What is kept of a revision besides its definition."""

    author: str | None = None
    reason: str | None = None
    restores: int | None = None
    """The earlier revision whose definition it has again."""
    added: int = 0
    removed: int = 0
    """How many recipients come and go with it."""
    proposal: str | None = None
    """The id of the proposal it is made of."""
    canary_share: float | None = None
    """It is given to this share of the recipients alone."""


NO_NOTE = RevisionNote()


def keep_revision(
    s: Session,
    record: CampaignRecord,
    definition: CampaignDefinition,
    source_text: str,
    now: datetime,
    note: RevisionNote = NO_NOTE,
) -> None:
    s.connection().execute(
        insert(campaign_revision).values(
            campaign_id=record.id,
            revision=record.revision,
            launch=record.launch,
            definition=definition.model_dump_json(),
            source_text=source_text,
            created_at=now,
            author=note.author,
            reason=note.reason,
            restores=note.restores,
            added=note.added,
            removed=note.removed,
            proposal=note.proposal,
            canary_share=note.canary_share,
        )
    )


def list_revisions(
    s: Session, campaign_id: int, *, limit: int, before: int | None = None
) -> list[RevisionRecord]:
    """The newest first; `before` is the last one of the page before."""
    query = select(*_COLUMNS).where(campaign_revision.c.campaign_id == campaign_id)
    if before is not None:
        query = query.where(campaign_revision.c.revision < before)
    query = query.order_by(campaign_revision.c.revision.desc()).limit(limit)
    return [_record(row) for row in s.connection().execute(query).mappings()]


def revision_of_proposal(s: Session, campaign_id: int, proposal: str) -> RevisionRecord | None:
    """The revision that a proposal became; None if it was not applied."""
    query = select(*_COLUMNS).where(
        campaign_revision.c.campaign_id == campaign_id, campaign_revision.c.proposal == proposal
    )
    row = s.connection().execute(query).mappings().first()
    return None if row is None else _record(row)


def next_revision(s: Session, record: CampaignRecord) -> int:
    """The number of a campaign's next revision; that of a canary is above the campaign's."""
    newest = select(func.max(campaign_revision.c.revision)).where(
        campaign_revision.c.campaign_id == record.id
    )
    return max(record.revision, s.connection().execute(newest).scalar() or 0) + 1


def revision_before(s: Session, record: CampaignRecord) -> int | None:
    """The last one before the present, in its launch, that all recipients had."""
    query = select(func.max(campaign_revision.c.revision)).where(
        campaign_revision.c.campaign_id == record.id,
        campaign_revision.c.launch == record.launch,
        campaign_revision.c.revision < record.revision,
        campaign_revision.c.canary_share.is_(None),
    )
    revision: int | None = s.connection().execute(query).scalar()
    return revision


def definition_at(s: Session, campaign_id: int, revision: int) -> CampaignDefinition | None:
    """The definition as it was at a revision."""
    text = _column(s, campaign_id, revision, "definition")
    return None if text is None else read_definition(text)


def source_at(s: Session, campaign_id: int, revision: int) -> str | None:
    """The text of the file that a revision was made of."""
    return _column(s, campaign_id, revision, "source_text")


def plan_at(s: Session, campaign_id: int, revision: int) -> CallPlan | None:
    """How calls are made under a revision."""
    definition = definition_at(s, campaign_id, revision)
    return None if definition is None or not definition.line else CallPlan.of(definition)


def _column(s: Session, campaign_id: int, revision: int, name: str) -> str | None:
    query = select(campaign_revision.c[name]).where(
        campaign_revision.c.campaign_id == campaign_id, campaign_revision.c.revision == revision
    )
    text: str | None = s.connection().execute(query).scalar_one_or_none()
    return text


def read_definition(text: str) -> CampaignDefinition:
    """A stored definition, without keys that definitions had in an earlier version."""
    keys = CampaignDefinition.model_fields
    stored = {key: value for key, value in json.loads(text).items() if key in keys}
    return CampaignDefinition.model_validate_json(json.dumps(stored))


def _record(row: RowMapping) -> RevisionRecord:
    return RevisionRecord.model_validate(dict(row))
