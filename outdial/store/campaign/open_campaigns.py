"""Open campaigns, as the sweep reads them before it asks Temporal for their workflows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select, union_all
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import CampaignRecord
from outdial.store.campaign.campaigns import IS_LAUNCHED, campaign_record
from outdial.store.db.tables import campaign, is_open, lease
from outdial.store.roster.roster import HAS_STAGED


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    record: CampaignRecord
    staged: bool
    """Rows of its present launch are staged and not enrolled yet."""
    calling: bool
    """A call that it claimed lately is in flight."""


def list_open_campaigns(
    s: Session, *, calling_since: datetime, limit: int, after: int = 0
) -> list[OpenCampaign]:
    """Campaigns of all tenants that are not over, by id, direct ones left out: they never are.

    `after` is the id of the last one of the page before.
    """
    calling = exists().where(
        lease.c.campaign_id == campaign.c.id, lease.c.acquired_at >= calling_since
    )
    # A range for each state: by what it is not, PostgreSQL without statistics expects most.
    ranges = (
        select(campaign.c.id)
        .where(
            is_open,
            campaign.c.state == state.value,
            ~campaign.c.direct,
            IS_LAUNCHED,
            campaign.c.id > after,
        )
        .order_by(campaign.c.id)
        .limit(limit)
        .subquery()
        for state in CampaignState
        if not state.over
    )
    listed = union_all(*map(select, ranges)).subquery()
    ids = list(
        s.connection().execute(select(listed.c.id).order_by(listed.c.id).limit(limit)).scalars()
    )
    if not ids:
        return []
    query = select(campaign, HAS_STAGED.label("staged"), calling.label("calling")).where(
        campaign.c.id.in_(ids)
    )
    rows = s.connection().execute(query.order_by(campaign.c.id)).mappings()
    return [
        OpenCampaign(campaign_record(row), bool(row["staged"]), bool(row["calling"]))
        for row in rows
    ]
