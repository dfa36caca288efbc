"""The most that a planned campaign can cost: what its launch has spent already, and what its calls
would reserve, if all of them were made and lasted as long as they may."""

from __future__ import annotations

from dataclasses import dataclass

from outdial.domain.money.amount import Money
from outdial.domain.money.price import LinePrice
from outdial.domain.money.spending import EarlierSpending
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.services.campaigns.planning import CampaignPlan, PlanGroup


@dataclass(frozen=True, slots=True)
class HighestCost:
    """The most that calls can cost, within the budget."""

    total: Money
    """With what the launch that goes on has spent already."""
    per_person: Money
    by_budget: bool
    """The budget keeps the total below what all calls could cost."""


def highest_cost(plan: CampaignPlan) -> HighestCost | None:
    """None: some line has no price, or they are in several currencies."""
    prices = _prices(plan.rehearsal)
    if prices is None:
        return None
    of_call = max(price.highest(plan.rehearsal.plan.max_duration) for price in prices)
    currency, attempts = prices[0].currency, plan.rehearsal.plan.retry.max_attempts
    enrolled = plan.rehearsal.enrolled
    people = {
        each.position: attempts
        - (enrolled[each.position].attempts if each.position in enrolled else 0)
        for each in plan.recipients
        if each.group in (PlanGroup.NOW, PlanGroup.LATER)
    }
    before = plan.rehearsal.before.spending
    same_currency = before.currency == currency
    if not same_currency:
        before = EarlierSpending()
    budget = plan.rehearsal.plan.budget
    per_person = _within(of_call * attempts, None if budget is None else budget.per_person)
    under_way = sum(
        each.spending.reserved
        for position, each in enrolled.items()
        if same_currency and not each.done and position not in people
    )
    used = before.launch + under_way
    total = used + sum(
        min(max(0, per_person - before.people.get(position, 0)), of_call * max(0, left))
        for position, left in people.items()
    )
    most = max(used, _within(total, None if budget is None else budget.most))
    return HighestCost(Money(most, currency), Money(per_person, currency), most < total)


def _prices(rehearsal: Rehearsal) -> list[LinePrice] | None:
    prices = [line.price for line in rehearsal.lines if line.price is not None]
    same_currency = len({price.currency for price in prices}) == 1
    return prices if same_currency and len(prices) == len(rehearsal.lines) else None


def _within(amount: int, limit: Money | None) -> int:
    return amount if limit is None else min(amount, limit.amount)
