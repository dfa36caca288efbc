"""A campaign at a glance: the counts of its launch are read, not counted."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, cast, func, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import CampaignRecord, Progress, RecipientState
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.db.tables import claim_state, lease, progress_count
from outdial.store.lines.kinds import simulated_among

_KEPT = (
    select(
        progress_count.c.subject,
        progress_count.c.value,
        progress_count.c.detail,
        cast(func.sum(progress_count.c.total), BigInteger),
    )
    .where(
        progress_count.c.campaign_id == bindparam("campaign_id"),
        progress_count.c.launch == bindparam("launch"),
    )
    .group_by(progress_count.c.subject, progress_count.c.value, progress_count.c.detail)
    .having(func.sum(progress_count.c.total) > 0)
)


@dataclass(slots=True)
class _Counts:
    by_state: dict[str, int]
    by_outcome: dict[str, int]
    calls: dict[str, int]
    attempts: int = 0


def read_progress(s: Session, campaign_id: int) -> Progress:
    """Counts of the current launch. Raises UnknownCampaign."""
    record = require_campaign(s, campaign_id)
    counts = _counts(s, record)
    state = (
        s.connection()
        .execute(
            select(
                claim_state.c.wake_at,
                claim_state.c.reason,
                select(func.count())
                .where(lease.c.campaign_id == campaign_id)
                .scalar_subquery()
                .label("in_flight"),
            ).where(claim_state.c.campaign_id == campaign_id)
        )
        .one()
    )
    names = [share.name for share in record.plan.shares]
    simulated = simulated_among(s, record.tenant, names)
    runs = record.state is CampaignState.RUNNING
    return Progress(
        campaign=record.name,
        tenant=record.tenant,
        state=record.state,
        launch=record.launch,
        recipients=sum(counts.by_state.values()),
        by_state=counts.by_state,
        by_outcome=counts.by_outcome,
        calls=counts.calls,
        attempts=counts.attempts,
        in_flight=state.in_flight,
        lines=tuple(names),
        simulated=tuple(name for name in names if name in simulated),
        wake_at=state.wake_at if runs else None,
        reason=state.reason if runs else record.reason,
        launched_at=record.launched_at,
        finished_at=record.finished_at,
    )


def _counts(s: Session, record: CampaignRecord) -> _Counts:
    counts = _Counts({state.value: 0 for state in RecipientState}, {}, {})
    of_launch = {"campaign_id": record.id, "launch": record.launch}
    for subject, value, detail, total in s.connection().execute(_KEPT, of_launch):
        if subject == "call":
            counts.calls[value] = counts.calls.get(value, 0) + total
            counts.attempts += total if detail else 0
        else:
            counts.by_state[value] += total
            if value == RecipientState.DONE:
                counts.by_outcome[detail] = total
    return counts
