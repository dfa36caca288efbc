"""A campaign at a glance, in four queries that read few rows."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import Progress
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.campaign.counts import read_counts
from outdial.store.db.tables import claim_state, lease
from outdial.store.lines.kinds import simulated_among

_WAKEUP = select(
    claim_state.c.wake_at,
    claim_state.c.reason,
    select(func.count())
    .where(lease.c.campaign_id == bindparam("campaign_id"))
    .scalar_subquery()
    .label("in_flight"),
).where(claim_state.c.campaign_id == bindparam("campaign_id"))


def read_progress(s: Session, campaign_id: int) -> Progress:
    """Counts of the current launch. Raises UnknownCampaign."""
    record = require_campaign(s, campaign_id)
    counts = read_counts(s, record.id, record.launch)
    wakeup = s.connection().execute(_WAKEUP, {"campaign_id": campaign_id}).one()
    names = [share.name for share in record.plan.shares]
    simulated = simulated_among(s, record.tenant, names)
    runs = record.state is CampaignState.RUNNING
    return Progress(
        campaign=record.name,
        tenant=record.tenant,
        state=record.state,
        launch=record.launch,
        recipients=counts.recipients,
        by_state=counts.by_state,
        by_outcome=counts.by_outcome,
        calls=counts.calls,
        attempts=counts.attempts,
        in_flight=wakeup.in_flight,
        lines=tuple(names),
        simulated=tuple(name for name in names if name in simulated),
        wake_at=wakeup.wake_at if runs else None,
        reason=wakeup.reason if runs else record.reason,
        launched_at=record.launched_at,
        finished_at=record.finished_at,
    )
