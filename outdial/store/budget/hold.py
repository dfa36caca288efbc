"""The hold of a call, as it is read together with the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Label, Row

from outdial.domain.call.request import CallBudget
from outdial.domain.money.amount import Money
from outdial.domain.money.cost import CostSource
from outdial.domain.money.price import LinePrice
from outdial.store.db.tables import budget_hold


@dataclass(frozen=True, slots=True)
class BudgetHold:
    """The money of a call of a campaign with a budget."""

    day: str
    highest: int
    """The most that it can cost, in millionths."""
    price: LinePrice
    """By which it was claimed."""
    cost: int | None
    """None: it is not settled, and `highest` is reserved."""
    source: CostSource | None
    excess: int

    @property
    def view(self) -> CallBudget:
        """As people see it."""
        currency = self.price.currency
        return CallBudget(
            reserved=Money(self.highest, currency),
            cost=None if self.cost is None else Money(self.cost, currency),
            source=self.source,
            excess=Money(self.excess, currency),
        )


HOLD_COLUMNS: tuple[Label[Any], ...] = tuple(
    budget_hold.c[name].label(f"hold_{name}")
    for name in (
        "day", "highest", "currency", "cost_per_minute", "cost_per_call", "billing_increment",
        "cost", "cost_source", "excess",
    )
)  # fmt: skip


def read_hold(row: Row[Any]) -> BudgetHold | None:
    """The hold in a row with HOLD_COLUMNS."""
    if row.hold_highest is None:
        return None
    source = row.hold_cost_source
    return BudgetHold(
        day=row.hold_day,
        highest=row.hold_highest,
        price=LinePrice(
            row.hold_currency,
            row.hold_cost_per_minute,
            row.hold_cost_per_call,
            row.hold_billing_increment,
        ),
        cost=row.hold_cost,
        source=None if source is None else CostSource(source),
        excess=row.hold_excess,
    )
