"""The row of one campaign: found, locked, changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update
from sqlmodel import Session

from outdial.domain.record import CampaignRecord
from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import UnknownCampaign
from outdial.store.db.tables import campaign, campaign_line
from outdial.store.records import campaign_record

_BY_NAME = select(campaign).where(
    campaign.c.tenant == bindparam("of_tenant"), campaign.c.name == bindparam("of_name")
)
_LOCK = lock_rows(
    select(campaign).where(campaign.c.id == bindparam("campaign_id")), exclusive=[campaign]
)


def find_campaign(s: Session, tenant: str, name: str) -> CampaignRecord | None:
    row = (
        s.connection().execute(_BY_NAME, {"of_tenant": tenant, "of_name": name}).mappings().first()
    )
    return None if row is None else campaign_record(row)


def require_campaign(s: Session, campaign_id: int) -> CampaignRecord:
    """Raises UnknownCampaign."""
    found = select(campaign).where(campaign.c.id == campaign_id)
    return _record(s.connection().execute(found).mappings().first(), campaign_id)


def lock_campaign(s: Session, campaign_id: int) -> CampaignRecord:
    """For who changes it, and for who relies on it: it stays as it is until the transaction ends.

    Nobody holds it shared, for then who wants to change it could wait for ever: see
    `store.campaign.gate`.
    Raises UnknownCampaign.
    """
    held = s.connection().execute(_LOCK, {"campaign_id": campaign_id})
    return _record(held.mappings().first(), campaign_id)


def change_campaign(s: Session, campaign_id: int, values: dict[str, Any]) -> CampaignRecord:
    s.connection().execute(update(campaign).where(campaign.c.id == campaign_id).values(values))
    return require_campaign(s, campaign_id)


def write_lines(s: Session, record: CampaignRecord) -> None:
    """Note which lines the campaign's plan has, so that others on them know who waits."""
    s.connection().execute(delete(campaign_line).where(campaign_line.c.campaign_id == record.id))
    s.connection().execute(
        insert(campaign_line),
        [{"campaign_id": record.id, "name": share.name} for share in record.plan.shares],
    )


def _record(row: RowMapping | None, campaign_id: int) -> CampaignRecord:
    if row is None:
        raise UnknownCampaign(campaign_id)
    return campaign_record(row)
