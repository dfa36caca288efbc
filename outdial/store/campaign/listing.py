"""Lists of campaigns: by page, newest first, and around a name."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import literal, select, union_all
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import CampaignRecord
from outdial.store.campaign.campaigns import IS_LAUNCHED, campaign_record
from outdial.store.db.ranges import read_in_order
from outdial.store.db.tables import campaign


def list_campaigns(
    s: Session,
    tenant: str,
    *,
    state: CampaignState | None = None,
    limit: int | None = None,
    after: int = 0,
) -> list[CampaignRecord]:
    """Campaigns of a tenant, those over included, by id; `after` is the last one of the page
    before."""
    query = select(campaign).where(campaign.c.tenant == tenant, campaign.c.id > after, IS_LAUNCHED)
    if state is not None:
        query = query.where(campaign.c.state == state.value)
    query = query.order_by(campaign.c.id).limit(limit)
    return [campaign_record(row) for row in s.connection().execute(query).mappings()]


def list_newest(
    s: Session, tenant: str, *, limit: int, after: CampaignRecord | None = None
) -> list[CampaignRecord]:
    """Campaigns of a tenant, newest first: those that are open, then those that are over.

    `after` is the last one of the page before. One range of an index is read for each state.
    """
    ranges = []
    for state in CampaignState:
        first = select(campaign.c.id, literal(state.over).label("over")).where(
            campaign.c.tenant == tenant, campaign.c.state == state.value, IS_LAUNCHED
        )
        if after is not None and state.over == after.state.over:
            first = first.where(campaign.c.id < after.id)
        if after is None or state.over >= after.state.over:
            ranges.append(first.order_by(campaign.c.id.desc()).limit(limit).subquery())
    listed = union_all(*map(select, ranges)).subquery()
    query = select(campaign).join(listed, listed.c.id == campaign.c.id)
    query = query.order_by(listed.c.over, listed.c.id.desc()).limit(limit)
    return [campaign_record(row) for row in s.connection().execute(query).mappings()]


def names_beside(s: Session, tenant: str, name: str, *, limit: int) -> tuple[list[str], bool]:
    """Names of a tenant's campaigns in the order of the alphabet, around one that has none; and
    whether these are all of them."""
    names = select(campaign.c.name).where(campaign.c.tenant == tenant, IS_LAUNCHED)
    before = names.where(campaign.c.name < name).order_by(campaign.c.name.desc())
    behind = names.where(campaign.c.name > name).order_by(campaign.c.name)
    lower, upper = (
        list(read_in_order(s, side.limit(limit + 1)).scalars()) for side in (before, behind)
    )
    return choose_beside(lower, upper, limit)


def choose_beside(lower: Sequence[str], upper: Sequence[str], limit: int) -> tuple[list[str], bool]:
    """Of names below and above one, both nearest first, the nearest in the order of the alphabet;
    and whether these are all of them. Both are read up to one more than the limit."""
    most_lower = max(limit // 2, limit - len(upper))
    below = lower[:most_lower]
    above = upper[: limit - len(below)]
    return [*below[::-1], *above], len(lower) + len(upper) <= limit
