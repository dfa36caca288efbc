"""A rehearsal keeps to every limit of its campaign, and its figures add up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.domain.clocks import load_zone
from outdial.domain.money.price import LinePrice
from outdial.rehearsal.fate import Modeled
from outdial.rehearsal.loop import Attempt
from outdial.rehearsal.memory import Before
from outdial.rehearsal.outcome import Outcome, band
from outdial.rehearsal.people import GUESSES, Endings
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.rehearsal.waits import Trace
from tests.builders import NOW, ZONE, phone
from tests.rehearsal.campaigns import calls, rehearsal


def in_flight(made: list[Attempt]) -> int:
    """The most calls at one time."""
    changes = [(one.placed_at, 1) for one in made if one.placed_at is not None]
    changes += [(one.ended_at, -1) for one in made]
    most = count = 0
    for _, change in sorted(changes):
        count += change
        most = max(most, count)
    return most


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.none() | st.integers(1, 20), st.integers(0, 99))
def test_limits_hold(most: int, on_line: int, per_minute: int | None, seed: int) -> None:
    pacing: dict[str, Any] = {"max_concurrent": most}
    if per_minute is not None:
        pacing["per_minute"] = per_minute
    made = calls(rehearsal(30, on_line, pacing=pacing, schedule={"hours": "09:00-18:00"}), seed)
    assert in_flight(made) <= min(most, on_line)
    assert Counter(one.position for one in made).most_common(1)[0][1] <= 3
    zone = load_zone(ZONE)
    for one in made:
        assert one.placed_at is not None
        assert 9 <= one.placed_at.astimezone(zone).hour < 18
    if per_minute is not None:
        times = sorted(one.placed_at for one in made if one.placed_at is not None)
        for first, later in zip(times, times[per_minute:], strict=False):
            assert later - first >= timedelta(seconds=59)


def test_the_same_seed_makes_the_same_calls() -> None:
    assert calls(rehearsal(), 5) == calls(rehearsal(), 5)
    assert calls(rehearsal(), 5) != calls(rehearsal(), 6)


def test_common_random_numbers() -> None:
    """With fewer slots the same people's first calls end in the same way, only later."""
    wide, narrow = (calls(rehearsal(60, most), 2) for most in (25, 2))
    firsts = [
        {one.position: (one.outcome, one.talk_seconds) for one in made if one.attempt == 1}
        for made in (wide, narrow)
    ]
    assert firsts[0] == firsts[1]
    assert max(one.ended_at for one in wide) <= max(one.ended_at for one in narrow)


def test_a_suppressed_number_is_never_called_and_earlier_calls_count() -> None:
    before = Before(
        suppressed={phone(0): "asked"}, attempts={phone(1): (NOW - timedelta(hours=1),)}
    )
    given_caps = rehearsal(3, caps=[{"calls": 1, "within": "24h"}])
    made = calls(Rehearsal(**{**vars(given_caps), "before": before}))
    by_position = {position: [] for position in range(3)}  # type: dict[int, list[Attempt]]
    for one in made:
        by_position[one.position].append(one)
    assert by_position[0] == []
    first = by_position[1][0].placed_at
    assert first is not None
    assert first >= NOW + timedelta(hours=23)


def test_an_opt_out_ends_the_recipient() -> None:
    of = rehearsal(40)
    model = GUESSES.model_copy(
        update={"endings": Endings(answer=1), "dispositions": {"opted_out": 1.0}, "hang_up": 0.0}
    )
    made = calls(Rehearsal(**{**vars(of), "people": Modeled(model)}))
    last = {one.position: one.outcome for one in made}
    assert Counter(last.values())["opted_out"] > 20


def test_figures_add_up() -> None:
    of = rehearsal(80)
    made = calls(of, 4)
    run = of.run(4)
    assert run.finished
    assert run.calls == len(made) == run.calls_by_outcome.total()
    assert run.recipients == 80 == run.by_outcome.total() == run.attempts_per_person.total()
    assert run.reached == len({one.position for one in made if one.reached})
    assert run.reached == run.reached_by_hour.total()
    assert run.calls_by_hour_and_zone.total() == run.calls
    used = sum((one.ended_at - (one.placed_at or NOW)).total_seconds() for one in made)
    assert sum(run.slot_seconds_by_hour.values()) == pytest.approx(used)
    assert run.most_in_flight >= in_flight(made)
    assert run.ended_at >= max(one.ended_at for one in made)


def test_bands_over_runs() -> None:
    of = rehearsal(50)
    outcome = Outcome(tuple(of.run(seed) for seed in range(5)))
    low, middle, high = outcome.finish()
    assert NOW < low <= middle <= high
    curve = [point.band for point in outcome.reached_over_time()]
    for earlier, later in pairwise(curve):
        assert earlier.low <= later.low
        assert earlier.high <= later.high
    assert curve[-1].middle == outcome.band_of(lambda run: run.reached_share).middle
    assert sum(outcome.attempts_per_person().values()) == pytest.approx(50)
    assert outcome.cost() is None
    assert "retry" in outcome.waits()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_a_band_lies_within_its_values(values: list[float]) -> None:
    low, middle, high = band(values)
    assert min(values) <= low <= middle <= high <= max(values)


PRICE = LinePrice("USD", per_minute=90_000, per_call=100_000)


def priced(**budget: str) -> Rehearsal:
    of = rehearsal(30, budget=budget)
    return replace(of, lines=tuple(replace(line, price=PRICE) for line in of.lines))


def cost(made: Iterable[Attempt]) -> int:
    seconds = (one.talk_seconds for one in made if one.placed_at is not None)
    return sum(PRICE.cost(each) for each in seconds)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 12), st.integers(0, 99))
def test_a_budget_is_kept_and_the_run_ends_when_it_is_spent(most: int, seed: int) -> None:
    of = priced(most=f"{most} USD")
    made, run = calls(of, seed), of.run(seed)
    assert run.cost == cost(made)
    assert cost(made) <= most * 1_000_000
    assert run.calls == len(made)
    if not run.finished:
        assert (most * 1_000_000 - cost(made)) < PRICE.highest(of.plan.max_duration)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99))
def test_a_day_and_a_person_have_their_own_limits(seed: int) -> None:
    of = priced(per_day="3 USD", per_person="1.20 USD")
    made = calls(of, seed)
    by_day, by_person = defaultdict(list), defaultdict(list)
    for one in made:
        assert one.placed_at is not None
        by_day[one.placed_at.date()].append(one)
        by_person[one.position].append(one)
    assert len(by_day) > 1
    assert all(cost(each) <= 3_000_000 for each in by_day.values())
    assert all(cost(each) <= 1_200_000 for each in by_person.values())
    assert of.run(seed).finished


def test_prices_are_added_up() -> None:
    of = priced(most="1000 USD")
    runs = (of.run(1), of.run(2))
    assert runs[0].cost == cost(calls(of, 1))
    assert Outcome(runs).cost() == band([run.cost or 0 for run in runs])


def test_every_step_of_one_recipient() -> None:
    of = rehearsal(20)
    trace = Trace(position=3)
    of.run(1, trace=trace)
    mine = [one for one in calls(of, 1) if one.position == 3]
    what = [step.what for step in trace.steps]
    assert what.count("placed") == len(mine)
    assert what[:2] == ["reserved", "placed"]
    assert what[-1] == "closed"
    assert [step.at for step in trace.steps] == sorted(step.at for step in trace.steps)
