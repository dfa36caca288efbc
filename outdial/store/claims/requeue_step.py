"""One step of a requeue: recipients who wait are put back, and drawn if a canary runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import RowMapping
from sqlmodel import Session

from outdial.domain.record import CampaignRecord
from outdial.store.campaign.canaries import draw_arms
from outdial.store.claims.state import save_claim_state
from outdial.store.roster.requeue import requeue_some


def requeue_step(s: Session, record: CampaignRecord, state: RowMapping, now: datetime) -> bool:
    """Requeue the next recipients, if there are any to be; whether more of them are left."""
    position = state["requeue_from"]
    if position is None:
        return False
    if state["canary_id"] is not None:  # first: the hours of an arm are its own
        draw_arms(s, record, state["canary_id"], position)
    following = requeue_some(s, record, position, now=now)
    save_claim_state(s, record.id, requeue_from=following)
    return following is not None
