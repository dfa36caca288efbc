"""A campaign as a claim reads it when it begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, exists, func, select
from sqlmodel import Session

from outdial.domain.record import CampaignRecord
from outdial.store.campaign.campaigns import campaign_record
from outdial.store.claims.wakeup import SETTLEMENT
from outdial.store.db.errors import UnknownCampaign
from outdial.store.db.tables import call, campaign, lease

_OF_CAMPAIGN: BindParameter[int] = bindparam("campaign_id")
_SNAPSHOT = select(
    campaign,
    select(func.count())
    .where(lease.c.campaign_id == _OF_CAMPAIGN)
    .scalar_subquery()
    .label("in_flight"),
    exists()
    .where(call.c.campaign_id == _OF_CAMPAIGN, call.c.claim_key == bindparam("key"))
    .label("claimed"),
    SETTLEMENT.scalar_subquery().label("settles_at"),
).where(campaign.c.id == _OF_CAMPAIGN)


@dataclass(frozen=True, slots=True)
class CampaignSnapshot:
    """A campaign as it is when a claim begins.

    Its claim state is locked, and so nobody stops, edits or launches it meanwhile. It may be
    paused: then what is claimed is not dialed, because the fence re-checks the state.
    """

    record: CampaignRecord
    in_flight: int
    """Slots that its calls hold. The lock keeps other claims out; a call that was given up and is
    reported later takes its slot again without it, and limits may be exceeded by such calls."""
    claimed: bool
    """A claim with this key was made before."""
    settles_at: datetime | None
    """When the next ended call is settled without its analysis."""


def read_snapshot(s: Session, campaign_id: int, key: str) -> CampaignSnapshot:
    """Raises UnknownCampaign."""
    values = {"campaign_id": campaign_id, "key": key}
    row = s.connection().execute(_SNAPSHOT, values).mappings().first()
    if row is None:
        raise UnknownCampaign(campaign_id)
    return CampaignSnapshot(
        record=campaign_record(row),
        in_flight=row["in_flight"],
        claimed=row["claimed"],
        settles_at=row["settles_at"],
    )
