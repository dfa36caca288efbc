"""Budgets in the model: lines with prices, campaigns with limits, and what must hold of both."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import select

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.definition.budget import Budget
from outdial.domain.money.cost import BilledCall, cost_of
from outdial.domain.money.price import LinePrice
from outdial.store.db.tables import budget_hold, budget_total, call, event
from outdial.store.lines.lines import LineLimits
from tests.databases import InThread

BUDGETS: tuple[dict[str, str] | None, ...] = (
    None,
    {"most": "2 USD", "per_day": "0.80 USD"},
    {"most": "1 USD", "per_day": "1.30 USD", "per_person": "0.90 USD"},
)
"""A call costs 0.70 USD at most, so that one is admitted at a time where pacing admits two."""
RAISED = {"most": "1000 USD", "per_day": "1000 USD", "per_person": "1000 USD"}
COSTS = (None, 0.05, 0.7, 40.0)
"""What providers report: nothing, prices, and one that no call can have."""
PRICE = LinePrice("USD", per_minute=60_000, per_call=100_000)
HIGHEST = 700_000
NO_LIMIT = 10**15
_REPORTS = select(event.c.call_id, event.c.payload).where(event.c.call_id.is_not(None))
_CALLS = select(budget_hold, call).join_from(budget_hold, call, call.c.id == budget_hold.c.call_id)


def priced(name: str, provider: str, most: int) -> LineLimits:
    return LineLimits(
        name=name, provider=provider, max_concurrent=most, per_second=1000, price=PRICE
    )


def price_of(number: str) -> float | None:
    """What is reported for calls to a number: the same in every run of a history."""
    return COSTS[int(number[-1]) % len(COSTS)]


class Money:
    """What must hold of budgets after each step."""

    database: InThread
    limits: dict[int, dict[str, int]]
    """The highest limits that a campaign has had, in millionths."""
    never_arrived: set[str]
    """Calls that were taken for never placed: attempts only because they were reported later."""
    _money_read_at = -1

    def _note_limits(self, campaign_id: int, budget: Budget | None) -> None:
        highest = self.limits.setdefault(campaign_id, {})
        if budget is None:
            return
        for name in ("most", "per_day", "per_person"):
            limit = budget.limits.get(name)
            amount = NO_LIMIT if limit is None else limit.amount
            highest[name] = max(highest.get(name, 0), amount)

    def _nothing_is_overspent(self) -> None:
        if self._money_read_at == self.database.changes:
            return
        self._money_read_at = self.database.changes
        holds, totals, reports = self.database.read_sync(
            lambda s: (
                s.connection().execute(_CALLS).mappings().all(),
                s.connection().execute(select(budget_total)).mappings().all(),
                s.connection().execute(_REPORTS).all(),
            )
        )
        ended = {call_id for call_id, payload in reports if _reports_an_end(payload)}
        for row in holds:
            self._is_settled_to_its_price(row, ended=row["call_id"] in ended)
        assert {_key(row): _sums(row) for row in totals} == _summed(holds)
        for row in totals:
            limit = self.limits[row["campaign_id"]][
                "most" if row["scope"] == "launch" else "per_day"
            ]
            assert row["spent"] + row["reserved"] <= limit + row["raised"], dict(row)
        raised = {_key(row): row["raised"] for row in totals}
        for (campaign_id, launch, recipient_id), used in _by_person(holds).items():
            limit = self.limits[campaign_id]["per_person"]
            assert used <= limit + raised[campaign_id, "launch", str(launch)], recipient_id

    def _is_settled_to_its_price(self, row: Any, *, ended: bool) -> None:
        """`ended`: its provider has reported an end."""
        if row["settled_at"] is None:
            assert (row[budget_hold.c.cost], row["highest"]) == (None, HIGHEST)
            return
        failure = row["failure"]
        billed = BilledCall(
            dialed=row["is_attempt"],
            status=CallStatus(row["status"]),
            failure=None if failure is None else FailureClass(failure),
            reported=row[call.c.cost],
            seconds=row["duration_seconds"],
            answered_at=row["answered_at"],
            ended_at=row["ended_at"],
            rings_again=row["is_attempt"] and row["call_id"] in self.never_arrived and not ended,
        )
        cost = cost_of(billed, PRICE, HIGHEST)
        kept = (row[budget_hold.c.cost], row["cost_source"], row["excess"])
        assert kept == (cost.amount, cost.source.value, cost.excess)


def _reports_an_end(payload: str) -> bool:
    status = CallEvent.model_validate_json(payload).status
    return status is not None and status.terminal


def _by_person(holds: Any) -> Counter[tuple[int, int, int]]:
    """What the calls of a launch to each recipient have cost, with what is reserved for them."""
    used = Counter[tuple[int, int, int]]()
    for row in holds:
        cost, hold = row[budget_hold.c.cost], budget_hold.c
        key = row[hold.campaign_id], row[hold.launch], row[hold.recipient_id]
        used[key] += row["highest"] if cost is None else cost
    return used


def _summed(holds: Any) -> dict[tuple[int, str, str], tuple[int, int]]:
    """What totals have to be, of the rows of holds."""
    spent, reserved = Counter[tuple[int, str, str]](), Counter[tuple[int, str, str]]()
    keys = set()
    for row in holds:
        cost = row[budget_hold.c.cost]
        campaign_id = row[budget_hold.c.campaign_id]
        launch = str(row[budget_hold.c.launch])
        for key in ((campaign_id, "launch", launch), (campaign_id, "day", row["day"])):
            keys.add(key)
            spent[key] += cost or 0
            reserved[key] += row["highest"] if cost is None else 0
    return {key: (spent[key], reserved[key]) for key in keys}


def _key(row: Any) -> tuple[int, str, str]:
    return row["campaign_id"], row["scope"], row["key"]


def _sums(row: Any) -> tuple[int, int]:
    return row["spent"], row["reserved"]
