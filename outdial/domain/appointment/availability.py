"""Free times of a calendar: pure functions of its rules and what is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

import pytz

from outdial.domain.appointment.calendar import TICK, CalendarRules
from outdial.domain.clocks import load_zone
from outdial.domain.definition.schedule import WeeklyHours, weekly_spans

OFFERED = 3
"""Alternatives that are offered: as many as a person can remember on the telephone."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Refusal(StrEnum):
    """Why there is no appointment at an instant."""

    PAST = "past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    CLOSED = "closed"
    OFF_GRID = "off_grid"
    FULL = "full"

    @property
    def text(self) -> str:
        return _WORDS[self]


_WORDS = {
    Refusal.PAST: "that time has passed",
    Refusal.TOO_SOON: "that is too soon",
    Refusal.TOO_FAR: "that is too far ahead",
    Refusal.CLOSED: "that is outside the opening hours",
    Refusal.OFF_GRID: "no appointment starts at that time",
    Refusal.FULL: "that time is taken",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """Taken seats of a calendar, by tick."""

    seats: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """Seats that our own appointments hold."""
    others: Mapping[int, int] = field(default_factory=dict)
    """Number of other people's appointments."""


NOTHING_TAKEN = Taken()


def tick_of(instant: datetime) -> int:
    return (instant - _EPOCH) // TICK


def ticks(rules: CalendarRules, start: datetime) -> range:
    """Ticks that an appointment occupies, buffers included."""
    last = start + rules.duration + rules.buffer_after
    return occupied(start - rules.buffer_before, last)


def occupied(start: datetime, end: datetime) -> range:
    """Every tick that a span touches."""
    return range(tick_of(start), tick_of(end - timedelta(microseconds=1)) + 1)


def others_of(spans: Iterable[tuple[datetime, datetime]]) -> dict[int, int]:
    """Other people's appointments by tick."""
    counted: dict[int, int] = {}
    for start, end in spans:
        for tick in occupied(start, end):
            counted[tick] = counted.get(tick, 0) + 1
    return counted


def free_seat(rules: CalendarRules, taken: Taken, start: datetime) -> int | None:
    """The first seat that is free for all of an appointment; None when it is full."""
    occupied = ticks(rules, start)
    held = [taken.seats.get(tick, frozenset()) for tick in occupied]
    for tick, seats in zip(occupied, held, strict=True):
        if len(seats) + taken.others.get(tick, 0) >= rules.capacity:
            return None
    used = frozenset[int]().union(*held)
    return next((seat for seat in range(rules.capacity) if seat not in used), None)


def refusal(rules: CalendarRules, taken: Taken, start: datetime, now: datetime) -> Refusal | None:
    """Why no appointment can start then; None when one can."""
    if start <= now:
        return Refusal.PAST
    if start < now + rules.notice:
        return Refusal.TOO_SOON
    if start > now + rules.horizon:
        return Refusal.TOO_FAR
    local = start.astimezone(load_zone(rules.time_zone))
    if start not in openings_on(rules, local.date()):
        return Refusal.OFF_GRID if _inside(rules, local) else Refusal.CLOSED
    if free_seat(rules, taken, start) is None:
        return Refusal.FULL
    return None


def alternatives(
    rules: CalendarRules, taken: Taken, near: datetime, now: datetime, count: int = OFFERED
) -> tuple[datetime, ...]:
    """The free starts nearest to an instant, in the order of time."""
    first, last = now + rules.notice, now + rules.horizon
    near = min(max(near, first), last)
    zone = load_zone(rules.time_zone)
    centre = near.astimezone(zone).date()
    free: list[datetime] = []
    enough_at: int | None = None
    for distance in range(rules.horizon.days + 2):
        for day in {centre + timedelta(days=distance), centre - timedelta(days=distance)}:
            free += [
                start
                for start in openings_on(rules, day)
                if first <= start <= last
                and start > now
                and free_seat(rules, taken, start) is not None
            ]
        if enough_at is not None:
            break
        if len(free) >= count:
            # One day more: what is nearest may lie just beyond midnight.
            enough_at = distance
    return tuple(sorted(sorted(free, key=lambda start: abs(start - near))[:count]))


@lru_cache(maxsize=4096)
def openings_on(rules: CalendarRules, day: date) -> tuple[datetime, ...]:
    """Every start on a local date, in UTC. A skipped or repeated hour has none."""
    zone = cast("Any", load_zone(rules.time_zone))
    step, length = rules.step // timedelta(minutes=1), rules.duration // timedelta(minutes=1)
    starts: list[datetime] = []
    for opens, closes in _hours(rules).spans_on(day):
        for minute in range(opens, closes - length + 1, step):
            wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001
            try:
                starts.append(zone.localize(wall, is_dst=None).astimezone(UTC))
            except pytz.InvalidTimeError:
                continue
    return tuple(starts)


@lru_cache(maxsize=256)
def _hours(rules: CalendarRules) -> WeeklyHours:
    week = weekly_spans((day.number, rules.hours) for day in rules.days)
    return WeeklyHours(week, frozenset(rules.excluded_dates))


def _inside(rules: CalendarRules, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    end = minute + rules.duration // timedelta(minutes=1)
    return any(
        opens <= minute and end <= closes for opens, closes in _hours(rules).spans_on(local.date())
    )
