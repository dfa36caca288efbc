"""Confidence intervals hold what they promise."""

from __future__ import annotations

import random
from statistics import median

import pytest

from outdial.domain.intervals import mean_interval, median_interval, wilson


@pytest.mark.parametrize(
    ("count", "t"),
    [(2, 12.7062), (3, 4.3027), (10, 2.2622), (31, 2.0423), (32, 2.0395), (101, 1.984)],
)
def test_a_mean_is_as_certain_as_student_says(count: int, t: float) -> None:
    """Half of the values are 0 and half are 1, or one more is 0."""
    values = [float(at % 2) for at in range(count)]
    mean = sum(values) / count
    deviation = (sum((value - mean) ** 2 for value in values) / (count - 1)) ** 0.5
    interval = mean_interval(values)
    assert interval is not None
    spread = t * deviation / count**0.5
    assert interval == pytest.approx((mean - spread, mean + spread), abs=1e-4)


def test_one_value_is_as_certain_as_none() -> None:
    assert mean_interval([1.0]) is None
    assert median_interval([1.0] * 5) is None


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    chance = random.Random(1)
    held = {"wilson": 0, "mean": 0, "median": 0}
    rounds = 400
    for _ in range(rounds):
        values = sorted(chance.gauss(3, 2) for _ in range(12))
        share = sum(chance.random() < 0.3 for _ in range(50))
        low, high = wilson(share, 50)
        held["wilson"] += low <= 0.3 <= high
        for name, interval in (
            ("mean", mean_interval(values)),
            ("median", median_interval(values)),
        ):
            assert interval is not None
            held[name] += interval.low <= 3 <= interval.high
            assert interval.low <= median(values) <= interval.high or name == "mean"
    for name, count in held.items():
        assert count / rounds > 0.92, name
