"""When an appointment can be had."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.appointment.availability import (
    NOTHING_TAKEN,
    Refusal,
    Taken,
    alternatives,
    free_seat,
    openings_on,
    others_of,
    refusal,
    ticks,
)
from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.clocks import load_zone

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
"""A Wednesday; 10:00 in New York."""


def rules(**changes: Any) -> CalendarRules:
    values: dict[str, Any] = {"name": "clinic", "time_zone": "America/New_York"}
    return CalendarRules.model_validate(values | changes)


def new_york(day: int, hour: int, minute: int = 0) -> datetime:
    zone: Any = load_zone("America/New_York")
    wall = datetime(2026, 3, day, hour, minute)
    return zone.localize(wall).astimezone(UTC)  # type: ignore[no-any-return]


def taken(of: CalendarRules, *starts: datetime, seat: int = 0) -> Taken:
    return Taken({tick: frozenset({seat}) for start in starts for tick in ticks(of, start)})


def test_starts_of_a_day() -> None:
    clinic = rules(hours=["09:00-10:30", "13:00-14:00"], duration="30m")
    assert openings_on(clinic, date(2026, 3, 5)) == tuple(
        new_york(5, hour, minute) for hour, minute in ((9, 0), (9, 30), (10, 0), (13, 0), (13, 30))
    )
    assert openings_on(clinic, date(2026, 3, 7)) == ()  # a Saturday


def test_a_start_leaves_room_for_the_whole_appointment() -> None:
    clinic = rules(hours="09:00-10:00", duration="45m", every="15m")
    assert openings_on(clinic, date(2026, 3, 5)) == (new_york(5, 9), new_york(5, 9, 15))


def test_hours_that_the_clock_skips_or_repeats_have_none() -> None:
    night = rules(days="sun", hours="01:00-04:00", duration="1h")
    spring, autumn = date(2026, 3, 8), date(2026, 11, 1)
    assert [start.hour for start in openings_on(night, spring)] == [6, 7]  # 01:00 and 03:00
    assert [start.hour for start in openings_on(night, autumn)] == [7, 8]  # 02:00 and 03:00


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (new_york(4, 9), Refusal.PAST),
        (NOW, Refusal.PAST),
        (new_york(4, 10, 30), Refusal.TOO_SOON),
        (NOW + timedelta(days=70), Refusal.TOO_FAR),
        (new_york(5, 20), Refusal.CLOSED),
        (new_york(7, 10), Refusal.CLOSED),
        (new_york(5, 16, 45), Refusal.CLOSED),
        (new_york(5, 10, 7), Refusal.OFF_GRID),
        (new_york(5, 10), None),
    ],
)
def test_why_there_is_none(start: datetime, reason: Refusal | None) -> None:
    assert refusal(rules(notice="1h"), NOTHING_TAKEN, start, NOW) is reason


def test_a_full_start() -> None:
    clinic, start = rules(capacity=2), new_york(5, 10)
    one = taken(clinic, start)
    assert free_seat(clinic, one, start) == 1
    assert refusal(clinic, one, start, NOW) is None
    with_stranger = Taken(one.seats, others_of([(start, start + timedelta(minutes=1))]))
    assert refusal(clinic, with_stranger, start, NOW) is Refusal.FULL


def test_buffers_keep_neighbours_away() -> None:
    clinic = rules(duration="30m", every="10m", buffer_before="10m", buffer_after="20m")
    booked = taken(clinic, new_york(5, 12))
    assert refusal(clinic, booked, new_york(5, 12, 50), NOW) is Refusal.FULL
    assert refusal(clinic, booked, new_york(5, 13), NOW) is None
    assert refusal(clinic, booked, new_york(5, 11), NOW) is None
    assert refusal(clinic, booked, new_york(5, 11, 10), NOW) is Refusal.FULL


def test_one_seat_serves_all_of_an_appointment() -> None:
    """Two half-free seats are no seat."""
    clinic, start = rules(capacity=2), new_york(5, 10)
    early, late = list(ticks(clinic, start))[:3], list(ticks(clinic, start))[3:]
    halves = Taken({**dict.fromkeys(early, frozenset({0})), **dict.fromkeys(late, frozenset({1}))})
    assert free_seat(clinic, halves, start) is None


def test_alternatives_are_the_nearest() -> None:
    clinic, expected = rules(), new_york(5, 10)
    booked = taken(clinic, expected, new_york(5, 9, 30))
    assert alternatives(clinic, booked, expected, NOW) == (
        new_york(5, 9),
        new_york(5, 10, 30),
        new_york(5, 11),
    )


def test_alternatives_to_a_time_out_of_hours() -> None:
    assert alternatives(rules(), NOTHING_TAKEN, new_york(7, 10), NOW, 2) == (
        new_york(6, 16),
        new_york(6, 16, 30),
    )
    assert alternatives(rules(), NOTHING_TAKEN, new_york(1, 10), NOW, 1) == (new_york(4, 10, 30),)


def test_none_are_left() -> None:
    clinic = rules(horizon="2d")
    starts = [s for day in (4, 5, 6) for s in openings_on(clinic, date(2026, 3, day))]
    assert alternatives(clinic, taken(clinic, *starts), NOW, NOW) == ()


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.sampled_from(["Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu", "UTC"]),
    st.integers(1, 12).map(lambda n: f"{5 * n}m"),
)
def test_whatever_is_offered_can_be_had(naive: datetime, zone: str, duration: str) -> None:
    clinic = rules(time_zone=zone, duration=duration)
    now = naive.replace(tzinfo=UTC)
    for start in alternatives(clinic, NOTHING_TAKEN, now + timedelta(days=3), now):
        assert refusal(clinic, NOTHING_TAKEN, start, now) is None
        assert start.astimezone(load_zone(zone)).hour in range(9, 17)
