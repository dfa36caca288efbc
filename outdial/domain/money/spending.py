"""What a budget still admits: how many calls may start, and whether one person may get another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from outdial.domain.call.plan import CallPlan
from outdial.domain.clocks import load_zone, next_local_day
from outdial.domain.definition.budget import Budget
from outdial.domain.line.capacity import Allowance
from outdial.domain.money.amount import Money, format_amount

BUDGET_RETRY = timedelta(hours=1)
"""When a campaign without money looks again: a price that was reported late may have left some.
One whose budget is raised is woken."""
MANY = 1_000_000_000
"""Calls that a budget admits if a call costs nothing."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What calls have cost, and what is reserved for those that are not settled; millionths."""

    spent: int = 0
    reserved: int = 0
    raised: int = 0
    """By how much prices that came after a settlement were higher than what it had counted."""
    excess: int = 0
    """What is reported beyond the highest cost of calls; it is not counted."""

    @property
    def used(self) -> int:
        return self.spent + self.reserved

    def reserving(self, amount: int) -> Spending:
        return replace(self, reserved=self.reserved + amount)


NOTHING_SPENT = Spending()


@dataclass(frozen=True, slots=True)
class EarlierSpending:
    """What the calls of a campaign have used of its budget before it is rehearsed.

    What is reserved for calls under way to rehearsed recipients is left out: these calls are
    rehearsed as ones that are still to be made.
    """

    currency: str = ""
    launch: int = 0
    """Of the launch that goes on, in millionths."""
    day: str = ""
    """The day of the budget on which the rehearsal starts."""
    of_day: int = 0
    """Of that day, other launches of the campaign included."""
    people: Mapping[int, int] = field(default_factory=dict)
    """Of the calls to each recipient, by position."""


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What has been used of a campaign's budget."""

    launch: Spending
    day: Spending
    day_ends_at: datetime

    def reserving(self, amount: int) -> BudgetUse:
        launch, day = self.launch.reserving(amount), self.day.reserving(amount)
        return replace(self, launch=launch, day=day)


@dataclass(frozen=True, slots=True)
class BudgetAllowance:
    """How many calls a budget admits; when it admits none, also why."""

    calls: int
    code: str = ""
    """Of a reason."""
    reason: str = ""
    again_at: datetime | None = None
    """None: when a call is settled."""
    exhausted: str | None = None
    """The key of the limit that admits no call even if all that is reserved were released."""

    def narrow(self, allowance: Allowance) -> Allowance:
        """A campaign's own allowance within its budget."""
        if self.calls >= allowance.free:
            return allowance
        return Allowance(self.calls, self.reason, self.again_at)


def budget_allowance(
    budget: Budget, use: BudgetUse, highest: int, now: datetime
) -> BudgetAllowance:
    """How many calls may start that cost `highest` at most."""
    soon = now + BUDGET_RETRY
    allowances = [BudgetAllowance(MANY)]
    if budget.most is not None:
        allowances.append(_within("most", budget.most, use.launch, highest, soon))
    if budget.per_day is not None:
        soon = min(soon, use.day_ends_at)
        day = _within("per_day", budget.per_day, use.day, highest, soon)
        if day.exhausted:
            reason = f"{day.reason}; again at {use.day_ends_at:%Y-%m-%d %H:%MZ}"
            day = replace(day, reason=reason, again_at=use.day_ends_at)
        allowances.append(day)
    # Of two that admit none, the one that no end of a call lifts; of those, the launch's.
    return min(allowances, key=lambda each: (each.calls, each.exhausted is None))


def _within(
    key: str, limit: Money, spending: Spending, highest: int, again_at: datetime
) -> BudgetAllowance:
    code, of_day = ("budget_per_day", " of the day") if key == "per_day" else ("budget", "")
    left = limit.amount - spending.used
    calls = max(0, left // highest) if highest > 0 else MANY * (left >= 0)
    spent = format_amount(spending.spent, limit.currency)
    most = format_amount(highest, limit.currency)
    if limit.amount - spending.spent < highest:
        reason = f"the budget{of_day} is spent: {spent} of {limit}, and a call may cost {most}"
        return BudgetAllowance(calls, code, reason, again_at, exhausted=key)
    reserved = format_amount(spending.reserved, limit.currency)
    reason = (
        f"the budget{of_day} is reserved for calls under way: {spent} of {limit} spent, "
        f"{reserved} reserved, and a call may cost {most}"
    )
    return BudgetAllowance(calls, code, reason, again_at)


@dataclass(frozen=True, slots=True)
class PersonBudget:
    """What is left of `per_person` for one recipient."""

    limit: Money
    used: int
    """Spent and reserved, in millionths."""
    highest: int
    """The most that the next call can cost."""

    @property
    def objection(self) -> str | None:
        """Why no call to the recipient is within the budget; None when one is."""
        if self.used + self.highest <= self.limit.amount:
            return None
        spent = format_amount(self.used, self.limit.currency)
        most = format_amount(self.highest, self.limit.currency)
        return (
            f"the calls to this person have cost {spent} of {self.limit}, and another one may cost "
            f"{most}"
        )


def budget_zone(plan: CallPlan) -> str:
    """The time zone of the days of a budget."""
    calendar = plan.calendar
    return plan.schedule.time_zone or (calendar.time_zone if calendar else None) or "UTC"


def budget_day(plan: CallPlan, now: datetime) -> tuple[str, datetime]:
    """The day of a budget at an instant, and when it ends."""
    zone = budget_zone(plan)
    day = now.astimezone(load_zone(zone)).date().isoformat()
    return day, next_local_day((zone,), now)
