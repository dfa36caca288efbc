"""The budget of a campaign at one of its claims: how many calls it admits, and their holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session

from outdial.domain.definition.budget import Budget
from outdial.domain.endpoint import EventType
from outdial.domain.line.capacity import Allowance
from outdial.domain.money.price import LinePrice
from outdial.domain.money.spending import (
    BUDGET_RETRY,
    BudgetAllowance,
    BudgetUse,
    PersonBudget,
    budget_allowance,
    budget_day,
)
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.budget.holds import used_by_people
from outdial.store.budget.totals import Change, add_to_totals, read_use, totals_of
from outdial.store.claims.state import save_claim_state
from outdial.store.db.bulk import NewRows
from outdial.store.db.tables import budget_hold, line, recipient
from outdial.store.lines.lines import line_price
from outdial.store.webhooks.outbox import publish_campaign

_PRICES = select(
    line.c.name,
    line.c.currency,
    line.c.cost_per_minute,
    line.c.cost_per_call,
    line.c.billing_increment,
).where(
    line.c.tenant == bindparam("of_tenant"),
    line.c.name.in_(bindparam("names", expanding=True)),
)
_WAITS = (
    select(recipient.c.id)
    .where(
        recipient.c.campaign_id == bindparam("campaign_id"),
        recipient.c.launch == bindparam("of_launch"),
        recipient.c.state.in_([RecipientState.WAITING.value, RecipientState.READY.value]),
    )
    .limit(1)
)
_SAME = frozenset({"campaign_id", "launch", "day", "currency"})


@dataclass(slots=True)
class CampaignBudget:
    """What is left for a campaign, with what the claim has reserved so far."""

    record: CampaignRecord
    budget: Budget
    day: str
    use: BudgetUse
    prices: Mapping[str, LinePrice]
    """Of its lines, by name."""
    highest: int
    """The most that a call can cost, on the dearest of its lines; millionths."""
    unpriced: str | None
    """Why the cost of a call is not known."""
    now: datetime

    def allowance(self) -> BudgetAllowance:
        """How many more calls may start."""
        if self.unpriced is not None:
            return BudgetAllowance(0, "unpriced", self.unpriced, self.now + BUDGET_RETRY)
        return budget_allowance(self.budget, self.use, self.highest, self.now)

    def narrow(self, allowance: Allowance) -> Allowance:
        """The campaign's own allowance within its budget."""
        return self.allowance().narrow(allowance)

    def hold(self, calls: Sequence[Mapping[str, Any]]) -> NewRows:
        """Reserve the highest cost of new calls; the rows that say so."""
        rows = [self._row(values) for values in calls]
        for row in rows:
            self.use = self.use.reserving(row["highest"])
        return NewRows(budget_hold, rows, _SAME)

    def _row(self, call: Mapping[str, Any]) -> dict[str, Any]:
        price = self.prices[call["line"]]
        return {
            "call_id": call["id"],
            "campaign_id": call["campaign_id"],
            "launch": call["launch"],
            "day": self.day,
            "recipient_id": call["recipient_id"],
            "highest": price.highest(self.record.plan.max_duration),
            "currency": price.currency,
            "cost_per_minute": price.per_minute,
            "cost_per_call": price.per_call,
            "billing_increment": price.increment,
        }


def read_budget(s: Session, record: CampaignRecord, now: datetime) -> CampaignBudget | None:
    """The budget of a campaign, and what is used of it; None: it has none."""
    budget, plan = record.plan.budget, record.plan
    if budget is None:
        return None
    day, day_ends_at = budget_day(plan, now)
    launch_use, day_use = read_use(s, record.id, record.launch, day, budget.currency)
    all_prices = _prices(s, record)
    prices = {name: price for name, price in all_prices.items() if price is not None}
    return CampaignBudget(
        record=record,
        budget=budget,
        day=day,
        use=BudgetUse(launch_use, day_use, day_ends_at),
        prices=prices,
        highest=_highest(record, all_prices),
        unpriced=_unpriced(budget, all_prices),
        now=now,
    )


def _prices(s: Session, record: CampaignRecord) -> dict[str, LinePrice | None]:
    """The prices of a campaign's lines, as far as these are configured."""
    return prices_of(s, record.tenant, [share.name for share in record.plan.shares])


def prices_of(s: Session, tenant: str, names: Sequence[str]) -> dict[str, LinePrice | None]:
    """The prices of lines, as far as these are configured."""
    rows = s.connection().execute(_PRICES, {"of_tenant": tenant, "names": list(names)})
    return {row["name"]: line_price(row) for row in rows.mappings()}


def _highest(record: CampaignRecord, prices: Mapping[str, LinePrice | None]) -> int:
    longest = record.plan.max_duration
    return max((price.highest(longest) for price in prices.values() if price), default=0)


def _unpriced(budget: Budget, prices: Mapping[str, LinePrice | None]) -> str | None:
    for name, price in sorted(prices.items()):
        if price is None:
            return f"line {name} has no price any more, and the campaign has a budget"
        if price.currency != budget.currency:
            return f"line {name} is priced in {price.currency}, the budget in {budget.currency}"
    return None


def reserve_holds(s: Session, budget: CampaignBudget, holds: NewRows) -> None:
    """Count what is reserved for new calls in the totals."""
    record = budget.record
    keys = totals_of(record.id, record.launch, budget.day, budget.budget.currency)
    add_to_totals(s, keys, Change(reserved=sum(row["highest"] for row in holds.rows)))


def budgets_of_people(
    s: Session, record: CampaignRecord, recipients: Mapping[int, int]
) -> dict[int, PersonBudget]:
    """What is left for recipients; none where the campaign limits nothing by person.

    `recipients` are how many calls were made to each.
    """
    limit = None if record.plan.budget is None else record.plan.budget.per_person
    if limit is None or not recipients:
        return {}
    highest = _highest(record, _prices(s, record))
    called = [key for key, calls in recipients.items() if calls]
    used = used_by_people(s, called, limit.currency)
    return {key: PersonBudget(limit, used.get(key, 0), highest) for key in recipients}


def publish_exhaustion(s: Session, budget: CampaignBudget, stored: str | None) -> None:
    """Publish that the budget admits no more calls to those who wait, once for each launch or day
    and amount of the limit; `stored` is what an earlier claim has saved.

    Saved are the limit that admits none now, and after each `|` one that was published: near a
    limit, calls that end cheaper make room for another one again and again.
    """
    record, allowance = budget.record, budget.allowance()
    before, *published = (stored or "").split("|")
    limits = {name: f"{_of(budget, name)} {limit}" for name, limit in budget.budget.limits.items()}
    published = [each for each in published if each in limits.values()]
    exhausted = allowance.exhausted
    current = "" if exhausted is None else _of(budget, exhausted)
    if exhausted is not None:
        key = limits.get(exhausted)
        new = current != before if key is None else key not in published
        launch = {"campaign_id": record.id, "of_launch": record.launch}
        changed = new or current != before
        if changed and s.connection().execute(_WAITS, launch).first() is None:
            return
        if new:
            publish_campaign(
                s,
                record,
                EventType.CAMPAIGN_BUDGET_EXHAUSTED,
                now=budget.now,
                reason=allowance.reason,
                limit=exhausted,
            )
            published += [] if key is None else [key]
    kept = "|".join([current, *published]) or None
    if kept != stored:
        save_claim_state(s, record.id, budget_exhausted=kept)


def _of(budget: CampaignBudget, limit: str) -> str:
    return f"{limit} {budget.day if limit == 'per_day' else budget.record.launch}"
