"""Amounts of money, prices of lines, and what a call has cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.money.amount import MILLION, MOST, Money, format_amount, parse_money
from outdial.domain.money.cost import BilledCall, CostSource, cost_of
from outdial.domain.money.price import LinePrice

AMOUNTS = st.integers(0, MOST * MILLION)
PRICES = st.builds(
    LinePrice,
    currency=st.just("USD"),
    per_minute=st.integers(0, 10 * MILLION),
    per_call=st.integers(0, 10 * MILLION),
    increment=st.sampled_from((1, 6, 30, 60, 3600)),
)
SECONDS = st.floats(0, 14_400, allow_nan=False)
ANSWERED = datetime(2030, 1, 31, 9, tzinfo=UTC)


@given(AMOUNTS)
def test_what_is_written_is_read_as_it_was(amount: int) -> None:
    assert parse_money(format_amount(amount, "USD")) == Money(amount, "USD")


@pytest.mark.parametrize(
    ("written", "amount"),
    [("500 USD", 500_000_000), ("0.09 EUR", 90_000), (" 1.50USD ", 1_500_000)],
)
def test_an_amount_has_a_currency(written: str, amount: int) -> None:
    assert parse_money(written).amount == amount


@pytest.mark.parametrize(
    "written", [500, 0.09, True, None, "500", "USD 500", "500 usd", "-5 USD", "1e3 USD", "1,5 USD"]
)
def test_what_is_no_amount_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="write an amount and its currency, such as 500 USD"):
        parse_money(written)


@pytest.mark.parametrize("written", ["0.1234567 USD", "1000000001 USD"])
def test_an_amount_that_is_too_exact_or_too_large_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="write at most"):
        parse_money(written)


def test_a_started_increment_is_billed_in_full() -> None:
    price = LinePrice("USD", per_minute=90_000, per_call=10_000)
    assert price.cost(0) == 10_000
    assert price.cost(0.2) == price.cost(60) == 100_000
    assert price.cost(60.1) == 190_000


@given(PRICES, SECONDS, SECONDS)
def test_a_longer_call_costs_no_less(price: LinePrice, one: float, other: float) -> None:
    assert price.cost(min(one, other)) <= price.cost(max(one, other))


@given(
    PRICES,
    st.booleans(),
    st.sampled_from(CallStatus),
    st.none() | st.sampled_from(FailureClass),
    st.none() | st.floats(0, 1e6),
    st.none() | SECONDS,
    st.booleans(),
)
def test_no_call_counts_for_more_than_was_reserved(
    price: LinePrice,
    dialed: bool,
    status: CallStatus,
    failure: FailureClass | None,
    reported: float | None,
    seconds: float | None,
    rings_again: bool,
) -> None:
    highest = price.highest(timedelta(minutes=10))
    call = BilledCall(dialed, status, failure, reported, seconds, rings_again=rings_again)
    cost = cost_of(call, price, highest)
    assert 0 <= cost.amount <= highest
    if reported is not None:
        assert cost.source is CostSource.PROVIDER
        assert cost.amount + cost.excess == pytest.approx(reported * MILLION, abs=1)
    elif seconds is not None and dialed and not rings_again:
        assert cost.amount + cost.excess == price.cost(seconds)
    else:
        assert cost.excess == 0


PRICE = LinePrice("USD", per_minute=90_000, per_call=10_000)


@pytest.mark.parametrize(
    ("call", "amount", "source"),
    [
        (BilledCall(False, CallStatus.CANCELED), 0, CostSource.NOT_DIALED),
        (BilledCall(True, CallStatus.BUSY), 10_000, CostSource.COMPUTED),
        (BilledCall(True, CallStatus.COMPLETED, seconds=61), 190_000, CostSource.COMPUTED),
        (
            BilledCall(
                True,
                CallStatus.COMPLETED,
                answered_at=ANSWERED,
                ended_at=ANSWERED + timedelta(seconds=30),
            ),
            100_000,
            CostSource.COMPUTED,
        ),
        (BilledCall(True, CallStatus.COMPLETED), 910_000, CostSource.HIGHEST),
        (BilledCall(True, CallStatus.FAILED, FailureClass.UNKNOWN), 910_000, CostSource.HIGHEST),
        (BilledCall(True, CallStatus.BUSY, rings_again=True), 910_000, CostSource.HIGHEST),
        (BilledCall(True, CallStatus.COMPLETED, reported=0.0), 0, CostSource.PROVIDER),
        (BilledCall(True, CallStatus.COMPLETED, reported=0.07), 70_000, CostSource.PROVIDER),
    ],
)
def test_a_price_that_is_not_reported_is_computed(
    call: BilledCall, amount: int, source: CostSource
) -> None:
    cost = cost_of(call, PRICE, PRICE.highest(timedelta(minutes=10)))
    assert (cost.amount, cost.source) == (amount, source)


def test_a_price_beyond_the_highest_cost_is_noted_and_not_counted() -> None:
    call = BilledCall(True, CallStatus.COMPLETED, reported=1e6)
    cost = cost_of(call, PRICE, 910_000)
    assert (cost.amount, cost.excess) == (910_000, 1_000_000 * MILLION - 910_000)
