"""Two campaigns rehearsed with the same seeds."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import Any

import pytest

from outdial.domain.money.price import LinePrice
from outdial.rehearsal.comparison import Comparison, same_recipients, shared_currency
from outdial.rehearsal.outcome import Outcome
from outdial.rehearsal.rehearsal import Rehearsal
from tests.builders import NOW
from tests.rehearsal.campaigns import rehearsal

SEEDS = range(6)
ONCE: dict[str, Any] = {"retry": {"max_attempts": 1}}
"""Without retries it is over when everybody's turn has come."""
NARROW, WIDE = rehearsal(40, 2, **ONCE), rehearsal(40, 8, **ONCE)


def outcome(of: Rehearsal) -> Outcome:
    return Outcome(tuple(of.run(seed) for seed in SEEDS))


def test_nothing_differs_between_a_campaign_and_itself() -> None:
    both = Comparison(outcome(NARROW), outcome(NARROW))
    for figure in ("seconds", "calls", "reached", "talk_seconds"):
        difference = both.difference(attrgetter(figure))
        assert (difference.mean, difference.interval) == (0.0, (0.0, 0.0)), figure
        assert not difference.certain


def test_more_slots_are_certainly_sooner_by_few_runs() -> None:
    """Each pair of runs has the same people: their differences are much alike."""
    both = Comparison(outcome(NARROW), outcome(WIDE))
    finish = both.finish_difference()
    assert finish is not None
    assert finish.interval is not None
    assert finish.certain
    assert finish.interval.low < finish.mean < finish.interval.high < 0
    assert both.cost_difference() is None, "no line has a price"


def test_a_difference_is_the_mean_over_pairs() -> None:
    both = Comparison(outcome(NARROW), outcome(WIDE))
    back = Comparison(both.second, both.first).difference(attrgetter("seconds"))
    there = both.difference(attrgetter("seconds"))
    assert there.mean == -back.mean
    one_by_one = [WIDE.run(seed).seconds - NARROW.run(seed).seconds for seed in SEEDS]
    assert there.mean == pytest.approx(sum(one_by_one) / len(one_by_one))


def test_prices_are_compared() -> None:
    price = LinePrice("USD", per_minute=0, per_call=2_000_000)
    lines = [tuple(replace(line, price=price) for line in of.lines) for of in (NARROW, WIDE)]
    priced = [
        replace(of, lines=of_lines) for of, of_lines in zip((NARROW, WIDE), lines, strict=True)
    ]
    narrow, wide = priced
    both = Comparison(outcome(narrow), outcome(wide), shared_currency(narrow, wide))
    cost = both.cost_difference()
    assert cost is not None
    assert cost.mean == 2_000_000 * both.difference(attrgetter("calls")).mean


def test_costs_in_two_currencies_are_not_compared() -> None:
    dollars, euros = (
        replace(NARROW, lines=tuple(replace(line, price=price) for line in NARROW.lines))
        for price in (LinePrice("USD", per_call=1), LinePrice("EUR", per_call=1))
    )
    assert (dollars.currency, euros.currency, NARROW.currency) == ("USD", "EUR", None)
    assert shared_currency(dollars, dollars) == "USD"
    assert shared_currency(dollars, euros) is None
    both = Comparison(outcome(dollars), outcome(euros), shared_currency(dollars, euros))
    assert both.cost_difference() is None


def test_one_pair_has_no_interval() -> None:
    both = Comparison(Outcome((NARROW.run(1),)), Outcome((WIDE.run(1),)))
    assert both.difference(attrgetter("seconds")).interval is None


def test_runs_that_did_not_end_have_no_finish() -> None:
    endless = Outcome(tuple(replace(run, finished=False) for run in outcome(NARROW).runs))
    assert Comparison(endless, outcome(WIDE)).finish_difference() is None


def test_the_same_recipients_are_those_with_the_same_numbers_in_the_same_places() -> None:
    assert same_recipients(NARROW, WIDE)
    assert not same_recipients(NARROW, rehearsal(39, 2, **ONCE))
    turned = replace(NARROW, drafts=NARROW.drafts[::-1])
    assert not same_recipients(NARROW, turned)
    assert NARROW.start == NOW
