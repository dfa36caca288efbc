"""What campaigns have used of their budgets, for people."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from outdial.domain.definition.budget import Budget
from outdial.domain.money.amount import Money
from outdial.domain.money.spending import Spending
from outdial.domain.record import BudgetProgress, CampaignRecord
from outdial.store.budget.totals import Scope, read_totals, spending_of


def read_budgets(s: Session, campaigns: Sequence[CampaignRecord]) -> dict[int, BudgetProgress]:
    """By campaign, of those that have a budget: of the present launch, and of its last day."""
    budgets = {record.id: record.plan.budget for record in campaigns if record.plan.budget}
    if not budgets:
        return {}
    spending: dict[tuple[int, str], Spending] = {}
    days: dict[int, str] = {}
    for row in read_totals(s, sorted(budgets)):
        campaign_id, scope = row["campaign_id"], row["scope"]
        if row["currency"] != budgets[campaign_id].currency:
            continue
        spending[campaign_id, scope] = spending_of(row)
        if scope == Scope.DAY:
            days[campaign_id] = row["key"]
    return {
        key: _progress(
            budget,
            spending.get((key, Scope.LAUNCH), Spending()),
            days.get(key),
            spending.get((key, Scope.DAY), Spending()),
        )
        for key, budget in budgets.items()
    }


def _progress(
    budget: Budget, launch: Spending, day: str | None, of_day: Spending
) -> BudgetProgress:
    def money(amount: int) -> Money:
        return Money(amount, budget.currency)

    def left(limit: Money | None, spending: Spending) -> Money | None:
        return None if limit is None else money(max(0, limit.amount - spending.used))

    return BudgetProgress(
        most=budget.most,
        per_day=budget.per_day,
        per_person=budget.per_person,
        spent=money(launch.spent),
        reserved=money(launch.reserved),
        left=left(budget.most, launch),
        day=day,
        spent_of_day=money(of_day.spent),
        reserved_of_day=money(of_day.reserved),
        left_of_day=left(budget.per_day, of_day),
        raised=money(launch.raised),
        excess=money(launch.excess),
    )
