"""What a budget admits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.decision import Candidate, Dial, Ledger, Never
from outdial.domain.decision.planner import decide
from outdial.domain.definition.budget import Budget
from outdial.domain.line.capacity import Allowance
from outdial.domain.money.amount import Money
from outdial.domain.money.spending import (
    MANY,
    BudgetUse,
    PersonBudget,
    Spending,
    budget_allowance,
    budget_day,
)
from tests.builders import definition

NOW = datetime(2030, 1, 31, 15, tzinfo=UTC)
MIDNIGHT = datetime(2030, 2, 1, tzinfo=UTC)
SUMS = st.integers(0, 1000)
LIMITS = st.none() | st.integers(1, 1000)


def budget_of(**limits: int | None) -> Budget:
    """Limits in millionths."""
    named = {key: Money(value, "USD") for key, value in limits.items() if value is not None}
    return Budget.model_validate(named)


@given(LIMITS, LIMITS, SUMS, SUMS, SUMS, SUMS, st.integers(1, 300))
def test_admitted_calls_fit_into_every_limit_and_one_more_does_not(
    most: int | None,
    per_day: int | None,
    spent: int,
    reserved: int,
    day_spent: int,
    day_reserved: int,
    highest: int,
) -> None:
    assume(most or per_day)
    use = BudgetUse(Spending(spent, reserved), Spending(day_spent, day_reserved), MIDNIGHT)
    allowance = budget_allowance(budget_of(most=most, per_day=per_day), use, highest, NOW)
    left = [
        limit - used
        for limit, used in ((most, spent + reserved), (per_day, day_spent + day_reserved))
        if limit is not None
    ]
    if allowance.calls:
        assert allowance.calls * highest <= min(left)
    assert (allowance.calls + 1) * highest > min(left)
    if allowance.calls == 0:
        assert allowance.reason
        assert allowance.again_at is not None
        assert NOW < allowance.again_at <= MIDNIGHT


@given(SUMS, SUMS, st.integers(1, 300), st.integers(1, 1000))
def test_what_is_reserved_exhausts_no_budget(
    spent: int, reserved: int, highest: int, most: int
) -> None:
    use = BudgetUse(Spending(spent, reserved), Spending(), MIDNIGHT)
    allowance = budget_allowance(budget_of(most=most), use, highest, NOW)
    assert (allowance.exhausted == "most") == (most - spent < highest)


def test_calls_that_cost_nothing_are_not_limited() -> None:
    use = BudgetUse(Spending(5, 0), Spending(), MIDNIGHT)
    assert budget_allowance(budget_of(most=5), use, 0, NOW).calls == MANY
    assert budget_allowance(budget_of(most=4), use, 0, NOW).exhausted == "most"


def test_a_spent_day_opens_again_when_it_ends() -> None:
    use = BudgetUse(Spending(), Spending(3_000_000, 0), MIDNIGHT)
    allowance = budget_allowance(budget_of(per_day=3_000_000), use, 10_000, NOW)
    assert (allowance.exhausted, allowance.again_at) == ("per_day", MIDNIGHT)
    assert allowance.reason == (
        "the budget of the day is spent: 3 USD of 3 USD, and a call may cost 0.01 USD; again at "
        "2030-02-01 00:00Z"
    )


def test_the_narrower_of_two_allowances_counts() -> None:
    use = BudgetUse(Spending(), Spending(), MIDNIGHT)
    allowance = budget_allowance(budget_of(most=100), use, 30, NOW)
    assert allowance.narrow(Allowance(2, "pace")) == Allowance(2, "pace")
    assert allowance.narrow(Allowance(9)).free == 3


@pytest.mark.parametrize(
    ("values", "zone", "day", "ends"),
    [
        ({}, "UTC", "2030-01-31", datetime(2030, 2, 1, tzinfo=UTC)),
        (
            {"schedule": {"time_zone": "Asia/Tokyo"}},
            "Asia/Tokyo",
            "2030-02-01",
            datetime(2030, 2, 1, 15, tzinfo=UTC),
        ),
    ],
)
def test_days_are_those_of_the_campaigns_zone(
    values: dict[str, Any], zone: str, day: str, ends: datetime
) -> None:
    plan = CallPlan.of(definition(**values))
    assert budget_day(plan, NOW) == (day, ends), zone


@pytest.mark.parametrize(
    ("limits", "where"),
    [
        ({}, ()),
        ({"most": "5 USD", "per_day": "3 EUR"}, ("per_day",)),
        ({"most": "0 USD"}, ("most",)),
        ({"per_person": 5}, ("per_person",)),
        ({"per_week": "5 USD"}, ("per_week",)),
    ],
)
def test_a_budget_that_means_nothing_is_refused(
    limits: dict[str, Any], where: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        Budget.model_validate(limits)
    (error,) = refused.value.errors()
    assert error["loc"] == where


@pytest.mark.parametrize(("used", "admitted"), [(0, True), (1_100_000, True), (1_100_001, False)])
def test_nobody_is_called_beyond_the_budget_of_a_person(used: int, admitted: bool) -> None:
    plan = CallPlan.of(definition(schedule={"hours": "00:00-24:00"}))
    budget = PersonBudget(Money(2_000_000, "USD"), used, 900_000)
    decision = decide(Candidate(("UTC",)), plan, Ledger(budget=budget), NOW)
    assert isinstance(decision, Dial if admitted else Never)
    if isinstance(decision, Never):
        assert decision.reason.code == "budget_per_person"


def test_a_stored_plan_keeps_its_budget() -> None:
    plan = CallPlan.of(definition(budget={"most": "500 USD", "per_person": "2.50 USD"}))
    assert CallPlan.model_validate_json(plan.model_dump_json()) == plan
    assert timedelta(minutes=10) == plan.max_duration
