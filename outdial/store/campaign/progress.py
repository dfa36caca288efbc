"""Progress of campaigns: as many statements for one as for a page of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, func, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import BudgetProgress, CampaignRecord, Progress
from outdial.store.budget.progress import read_budgets
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.campaign.counts import LaunchCounts, read_counts
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import claim_state, lease
from outdial.store.lines.kinds import simulated_among

_CLAIM_STATES = Lookup(
    select(
        claim_state.c.campaign_id,
        claim_state.c.wake_at,
        claim_state.c.reason,
        claim_state.c.next_call_at,
        claim_state.c.next_call_zone,
        claim_state.c.budget_exhausted,
        select(func.count())
        .where(lease.c.campaign_id == claim_state.c.campaign_id)
        .scalar_subquery()
        .label("in_flight"),
    ),
    claim_state.c.campaign_id,
    "ids",
)


def read_progress(s: Session, campaign_id: int) -> Progress:
    """Figures of the current launch. Raises UnknownCampaign."""
    [progress] = progress_of(s, [require_campaign(s, campaign_id)])
    return progress


def progress_of(s: Session, campaigns: Sequence[CampaignRecord]) -> list[Progress]:
    """Figures of the current launches of campaigns, all of one tenant."""
    if not campaigns:
        return []
    ids = [record.id for record in campaigns]
    states = {row.campaign_id: row._mapping for row in _CLAIM_STATES.execute(s, {"ids": ids})}
    lines = sorted({share.name for record in campaigns for share in record.plan.shares})
    simulated = simulated_among(s, campaigns[0].tenant, lines)
    counts = read_counts(s, campaigns)
    budgets = read_budgets(s, campaigns)
    return [
        _progress(record, counts[record.id], states[record.id], simulated, budgets.get(record.id))
        for record in campaigns
    ]


def _progress(
    record: CampaignRecord,
    counts: LaunchCounts,
    claims: RowMapping,
    simulated: frozenset[str],
    budget: BudgetProgress | None,
) -> Progress:
    names = tuple(share.name for share in record.plan.shares)
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
        in_flight=claims["in_flight"],
        lines=names,
        simulated=tuple(name for name in names if name in simulated),
        wake_at=claims["wake_at"] if runs else None,
        reason=claims["reason"] if runs else record.reason,
        next_call_at=claims["next_call_at"] if runs else None,
        next_call_zone=claims["next_call_zone"] if runs else None,
        budget=None
        if budget is None
        else _with_exhaustion(record, budget, claims["budget_exhausted"]),
        launched_at=record.launched_at,
        finished_at=record.finished_at,
    )


def _with_exhaustion(
    record: CampaignRecord, budget: BudgetProgress | None, stored: str | None
) -> BudgetProgress | None:
    """With the limit that a claim has found to admit no more, if one of this launch did."""
    limit, _, of = (stored or "").partition("|")[0].partition(" ")
    if budget is None or not limit or (limit == "most" and of != str(record.launch)):
        return budget
    return budget.model_copy(update={"exhausted": limit})
