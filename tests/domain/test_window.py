"""Calling windows on the wall clock of every candidate zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.clocks import named_instant, next_local_day
from outdial.domain.decision.conditions import HORIZON, is_open, next_opening
from outdial.domain.definition.schedule import WeeklyHours, parse_span, weekly_spans

ZONES = (
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Europe/Dublin",
    "Pacific/Apia",
    "Asia/Kathmandu",
)


def hours(*spans: str, days: tuple[int, ...] = tuple(range(7)), off: str = "") -> WeeklyHours:
    excluded = frozenset(date.fromisoformat(day) for day in off.split())
    week = weekly_spans((day, [parse_span(span) for span in spans]) for day in days)
    return WeeklyHours(week, excluded)


def opening_from(
    week: WeeklyHours, zones: Sequence[str], now: datetime, horizon: timedelta = HORIZON
) -> tuple[datetime, datetime] | None:
    return next_opening([(week, zone) for zone in zones], now, horizon=horizon)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("week", "zones", "now", "expected"),
    [
        # 08:00 EST exactly: the start belongs to the window, the end does not.
        (hours("08:00-21:00"), ("America/New_York",), "2026-01-15 13:00", "2026-01-15 13:00"),
        (hours("08:00-21:00"), ("America/New_York",), "2026-01-16 02:00", "2026-01-16 13:00"),
        # The clock went back in the night: 07:30 is still too early.
        (hours("08:00-21:00"), ("America/New_York",), "2026-11-01 12:30", "2026-11-01 13:00"),
        # 02:30 does not exist in New York on 8 March 2026: the window opens when 03:00 does.
        (hours("02:30-02:45"), ("America/New_York",), "2026-03-08 06:00", "2026-03-09 06:30"),
        (hours("02:30-03:30"), ("America/New_York",), "2026-03-08 06:00", "2026-03-08 07:00"),
        # Half an hour of daylight saving at Lord Howe.
        (hours("09:00-10:00"), ("Australia/Lord_Howe",), "2026-04-04 00:00", "2026-04-04 22:30"),
        # Two zones: open only where both are.
        (
            hours("09:00-18:00"),
            ("America/New_York", "America/Los_Angeles"),
            "2026-07-01 13:00",
            "2026-07-01 16:00",
        ),
        # Crossing midnight belongs to the day it starts on.
        (hours("22:00-02:00", days=(4,)), ("UTC",), "2026-07-03 00:30", "2026-07-03 22:00"),
        (hours("22:00-02:00", days=(4,)), ("UTC",), "2026-07-04 01:59", "2026-07-04 01:59"),
        # An excluded date is a local one.
        (hours("09:00-18:00", off="2026-12-25"), ("UTC",), "2026-12-25 10:00", "2026-12-26 09:00"),
        (hours("00:00-24:00"), ("UTC",), "2026-07-04 01:59", "2026-07-04 01:59"),
    ],
)
def test_next_opening(week: WeeklyHours, zones: tuple[str, ...], now: str, expected: str) -> None:
    opening = opening_from(week, zones, utc(now))
    assert opening is not None
    assert opening[0] == utc(expected)


def test_windows_that_never_meet_never_open() -> None:
    week = hours("09:00-10:00")
    assert opening_from(week, ("Asia/Tokyo", "America/New_York"), utc("2026-07-01 00:00")) is None


def test_it_closes_when_the_first_zone_does() -> None:
    opening = opening_from(
        hours("09:00-18:00"), ("America/New_York", "America/Los_Angeles"), utc("2026-07-01 16:00")
    )
    assert opening is not None
    assert opening[1] == utc("2026-07-01 22:00")


def test_next_local_day_waits_for_the_last_zone() -> None:
    day = next_local_day(("America/New_York", "America/Los_Angeles"), utc("2026-07-01 20:00"))
    assert day == utc("2026-07-02 07:00")


def test_next_local_day_where_a_day_was_skipped() -> None:
    # Samoa had no 30 December 2011.
    assert next_local_day(("Pacific/Apia",), utc("2011-12-30 09:00")) == utc("2011-12-30 10:00")


spans = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] != pair[1])
instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC, microsecond=0)
)


@given(
    st.lists(spans, min_size=1, max_size=3),
    st.sets(st.integers(0, 6), min_size=1),
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    instants,
)
def test_an_opening_is_open_and_the_first_one(
    chosen: list[tuple[int, int]], days: set[int], zones: list[str], now: datetime
) -> None:
    week = hours(*(f"{a:02}:00-{b:02}:00" for a, b in chosen), days=tuple(sorted(days)))
    opening = opening_from(week, zones, now, timedelta(days=20))
    step = timedelta(minutes=15)
    limit = now + timedelta(days=20) if opening is None else opening[0]
    probe = now
    while probe < limit:
        assert not is_open(week, tuple(zones), probe)
        probe += step * 4
    if opening is None:
        return
    assert is_open(week, tuple(zones), opening[0])
    if opening[0] > now:
        assert not is_open(week, tuple(zones), opening[0] - timedelta(seconds=1))
    assert is_open(week, tuple(zones), opening[1] - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("local", "zones", "expected"),
    [
        ("2026-03-05 15:00", ("America/New_York",), "2026-03-05 20:00"),
        # Three in Chicago is the later one.
        ("2026-03-05 15:00", ("America/Chicago", "America/New_York"), "2026-03-05 21:00"),
        # An hour that comes twice: the first of them. One that is left out: an hour later.
        ("2026-11-01 01:30", ("America/New_York",), "2026-11-01 05:30"),
        ("2026-03-08 02:30", ("America/New_York",), "2026-03-08 07:30"),
        ("2026-10-04 02:15", ("Australia/Lord_Howe",), "2026-10-03 15:45"),
        ("0001-01-01 00:00", ("Australia/Lord_Howe",), None),
        ("9999-12-31 23:00", ("America/New_York",), None),
    ],
)
def test_a_time_that_somebody_names(
    local: str, zones: tuple[str, ...], expected: str | None
) -> None:
    instant = named_instant(zones, datetime.fromisoformat(local))
    assert instant == (None if expected is None else utc(expected))
