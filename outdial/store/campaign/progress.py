"""A campaign at a glance, in five queries."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import CampaignRecord, Progress, RecipientState
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.db.tables import call, claim_state, lease, recipient
from outdial.store.lines.kinds import simulated_among


def read_progress(s: Session, campaign_id: int) -> Progress:
    """Counts of the current launch. Raises UnknownCampaign."""
    record = require_campaign(s, campaign_id)
    by_state, by_outcome = _recipients(s, record)
    calls, attempts = _calls(s, record)
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
        recipients=sum(by_state.values()),
        by_state=by_state,
        by_outcome=by_outcome,
        calls=calls,
        attempts=attempts,
        in_flight=state.in_flight,
        lines=tuple(names),
        simulated=tuple(name for name in names if name in simulated),
        wake_at=state.wake_at if runs else None,
        reason=state.reason if runs else record.reason,
        launched_at=record.launched_at,
        finished_at=record.finished_at,
    )


def _recipients(s: Session, record: CampaignRecord) -> tuple[dict[str, int], dict[str, int]]:
    counted = s.connection().execute(
        select(recipient.c.state, recipient.c.outcome, func.count())
        .where(recipient.c.campaign_id == record.id, recipient.c.launch == record.launch)
        .group_by(recipient.c.state, recipient.c.outcome)
    )
    by_state = {state.value: 0 for state in RecipientState}
    by_outcome: dict[str, int] = {}
    for state, outcome, count in counted:
        by_state[state] += count
        if state == RecipientState.DONE:
            by_outcome[outcome] = count
    return by_state, by_outcome


def _calls(s: Session, record: CampaignRecord) -> tuple[dict[str, int], int]:
    counted = s.connection().execute(
        select(call.c.status, call.c.is_attempt, func.count())
        .where(call.c.campaign_id == record.id, call.c.launch == record.launch)
        .group_by(call.c.status, call.c.is_attempt)
    )
    calls: dict[str, int] = {}
    attempts = 0
    for status, is_attempt, count in counted:
        calls[status] = calls.get(status, 0) + count
        attempts += count if is_attempt else 0
    return calls, attempts
