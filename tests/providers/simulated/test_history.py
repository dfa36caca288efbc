from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outdial.providers.simulated.telephony.history import OpenHistory, mean_open

START = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _history(*changes: tuple[float, int]) -> OpenHistory:
    history = OpenHistory()
    for seconds, change in changes:
        history.add(change, _at(seconds))
    return history


def test_the_peak_is_the_most_that_were_open_at_once() -> None:
    history = _history((0, 1), (1, 1), (2, -1), (3, -1), (4, 1))
    assert (history.open, history.peak) == (1, 2)
    assert [number for _, number in history.changes] == [1, 2, 1, 0, 1]


@pytest.mark.parametrize(
    ("start", "end", "mean"),
    [
        (0, 10, 1.0),  # one for 3 s, two for 3 s, one for 1 s
        (2, 8, 1.5),
        (5, 8, 2.0),
        (8, 10, 0.5),
        (9, 20, 0.0),
        (-5, 2, 0.0),
        (6, 7, 2.0),
    ],
)
def test_the_mean_is_weighted_by_time(start: float, end: float, mean: float) -> None:
    changes = _history((2, 1), (5, 1), (8, -1), (9, -1)).changes
    assert mean_open(changes, _at(start), _at(end)) == pytest.approx(mean)


def test_nothing_ever_open_is_a_mean_of_zero() -> None:
    assert mean_open([], START, _at(1)) == 0


@pytest.mark.parametrize("end", [0, -1])
def test_an_interval_without_length_is_refused(end: float) -> None:
    with pytest.raises(ValueError, match="after the start"):
        mean_open([], START, _at(end))
