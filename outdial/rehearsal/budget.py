"""The budget of a rehearsed campaign, as `store.budget` keeps it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.status import CallStatus
from outdial.domain.money.cost import BilledCall, cost_of
from outdial.domain.money.spending import (
    BudgetAllowance,
    BudgetUse,
    EarlierSpending,
    PersonBudget,
    Spending,
    budget_allowance,
    budget_day,
)
from outdial.rehearsal.engine import CallReport, ReservedCall
from outdial.rehearsal.lines import LineSetup


class RehearsedBudget:
    """What the calls of a campaign cost, and may cost, in millionths of its currency."""

    def __init__(
        self, plan: CallPlan, lines: Iterable[LineSetup], before: EarlierSpending | None = None
    ) -> None:
        """`before`: what is used of it already."""
        before = before or EarlierSpending()
        self._plan = plan
        self._budget = plan.budget
        self._prices = {line.name: line.price for line in lines if line.price is not None}
        longest = plan.max_duration
        self._most = {name: price.highest(longest) for name, price in self._prices.items()}
        self._highest = max(self._most.values(), default=0)
        self._launch = Spending(before.launch)
        self._days: dict[str, Spending] = defaultdict(
            Spending, {before.day: Spending(before.of_day)}
        )
        self._people: dict[int, int] = defaultdict(int, before.people)
        self._day_of: dict[int, str] = {}
        """The day of each call that is not settled."""
        self._today = ""
        self._day_ends_at: datetime | None = None

    def allowance(self, now: datetime) -> BudgetAllowance | None:
        """How many more calls may start; None: there is no budget."""
        if self._budget is None:
            return None
        day, day_ends_at = self._day(now)
        use = BudgetUse(self._launch, self._days[day], day_ends_at)
        return budget_allowance(self._budget, use, self._highest, now)

    def _day(self, now: datetime) -> tuple[str, datetime]:
        """The day of the budget, which is looked up once; time only moves on."""
        if self._day_ends_at is None or now >= self._day_ends_at:
            self._today, self._day_ends_at = budget_day(self._plan, now)
        return self._today, self._day_ends_at

    def of_person(self, position: int) -> PersonBudget | None:
        """What is left for a recipient; None: nothing is limited by person."""
        limit = None if self._budget is None else self._budget.per_person
        if limit is None:
            return None
        return PersonBudget(limit, self._people[position], self._highest)

    def reserve(self, call: ReservedCall, now: datetime) -> None:
        """Hold the highest cost of a call."""
        if self._budget is None:
            return
        day, _ = self._day(now)
        self._day_of[call.id] = day
        highest = self._most[call.line]
        self._launch = self._launch.reserving(highest)
        self._days[day] = self._days[day].reserving(highest)
        self._people[call.position] += highest

    def settle(self, call: ReservedCall, report: CallReport) -> None:
        """Release what is held for a call to what it has cost."""
        day = self._day_of.pop(call.id, None)
        if day is None:
            return
        highest = self._most[call.line]
        cost = cost_of(_billed(report), self._prices[call.line], highest).amount
        self._launch = _settled(self._launch, highest, cost)
        self._days[day] = _settled(self._days[day], highest, cost)
        self._people[call.position] += cost - highest


def _billed(report: CallReport) -> BilledCall:
    completed = report.status is CallStatus.COMPLETED
    return BilledCall(
        dialed=report.may_have_rung,
        status=report.status,
        failure=report.failure,
        seconds=report.talk_seconds if completed else None,
    )


def _settled(spending: Spending, highest: int, cost: int) -> Spending:
    spent, reserved = spending.spent + cost, spending.reserved - highest
    return replace(spending, spent=spent, reserved=reserved)
