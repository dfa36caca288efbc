"""Rows as an earlier version staged them: drafts in chunks, which the workflow enrols."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from sqlalchemy import func, insert, select
from sqlmodel import Session

from outdial.domain.definition.recipient import RecipientDraft
from outdial.store.db.tables import roster_chunk


def stage_drafts(
    s: Session, campaign_id: int, launch: int, drafts: Iterable[RecipientDraft], chunk: int = 500
) -> int:
    """How many were staged."""
    staged, remaining = 0, iter(drafts)
    of_launch = roster_chunk.c.campaign_id == campaign_id, roster_chunk.c.launch == launch
    while part := list(islice(remaining, chunk)):
        last = select(func.coalesce(func.max(roster_chunk.c.sequence), 0)).where(*of_launch)
        s.connection().execute(
            insert(roster_chunk).values(
                campaign_id=campaign_id,
                launch=launch,
                sequence=s.connection().execute(last).scalar_one() + 1,
                drafts=[draft.model_dump(mode="json", exclude_defaults=True) for draft in part],
            )
        )
        staged += len(part)
    return staged
