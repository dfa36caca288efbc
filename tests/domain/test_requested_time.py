"""A time is read exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from outdial.domain.appointment.requested_time import RequestedTime, UnclearTime, read_time

NEW_YORK = ("America/New_York",)
SPLIT = ("America/Chicago", "America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2030-06-04T15:00", utc(2030, 6, 4, 19)),
        ("2030-06-04 15:00:30", utc(2030, 6, 4, 19, 0, 30)),
        (" 2030-06-04t15:00 ", utc(2030, 6, 4, 19)),
        ("2030-06-04T15:00Z", utc(2030, 6, 4, 15)),
        ("2030-06-04T15:00:00.000Z", utc(2030, 6, 4, 15)),
        ("2030-06-04T15:00+02:00", utc(2030, 6, 4, 13)),
        ("2030-06-04T15:00-0500", utc(2030, 6, 4, 20)),
        ("2030-12-04T15:00", utc(2030, 12, 4, 20)),
    ],
)
def test_what_is_beyond_doubt(value: str, instant: datetime) -> None:
    assert read_time(value, NEW_YORK) == RequestedTime(instant)


@pytest.mark.parametrize(
    "value",
    [
        None, True, 1900000000, 1.5, [], {}, ["2030-06-04T15:00"], "", "  ", "tomorrow at three",
        "2030-06-04", "15:00", "06/04/2030 15:00", "2030-02-30T10:00", "2030-06-04T25:00",
        "2030-06-04T15:00+99:99", "0000-01-01T00:00", "9999-12-31T23:59", "2030-06-04T15:00 EST",
        "٢٠٣٠-٠٦-٠٤T15:00", "2030-06-04T15:00" + " " * 100 + "x", "2030-06-04T15:00\x00",
        "'; DROP TABLE appointment; --", "{{ 7 * 7 }}", "NaN", "0001-01-01T00:00+23:59",
    ],
)  # fmt: skip
def test_what_is_no_time(value: Any) -> None:
    read = read_time(value, NEW_YORK)
    assert isinstance(read, UnclearTime)
    assert read.reason
    assert read.candidates == ()


def test_zones_that_disagree_are_not_guessed_between() -> None:
    read = read_time("2030-06-04T15:00", SPLIT)
    assert isinstance(read, UnclearTime)
    assert read.candidates == (utc(2030, 6, 4, 19), utc(2030, 6, 4, 20))
    assert read_time("2030-06-04T15:00-04:00", SPLIT) == RequestedTime(utc(2030, 6, 4, 19))
    assert read_time("2030-06-04T15:00", ("America/New_York", "America/Detroit")) == RequestedTime(
        utc(2030, 6, 4, 19)
    )


def test_hours_that_the_clock_skips_or_repeats() -> None:
    skipped = read_time("2026-03-08T02:30", NEW_YORK)
    assert skipped == UnclearTime("the clocks in America/New_York skip 02:30 on that day")
    repeated = read_time("2026-11-01T01:30", NEW_YORK)
    assert isinstance(repeated, UnclearTime)
    assert repeated.candidates == (utc(2026, 11, 1, 5, 30), utc(2026, 11, 1, 6, 30))


def test_without_a_zone_nothing_is_read() -> None:
    assert isinstance(read_time("2030-06-04T15:00", ()), UnclearTime)
