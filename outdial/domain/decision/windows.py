"""When telephones may ring in the days to come, by the hours of a definition and of all rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise

from outdial.domain.clocks import load_zone, named_instant
from outdial.domain.decision.conditions import Conditions, Interval
from outdial.domain.definition.schedule import DAY_MINUTES, Spans

DAYS = 7
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOTHING = "closed"


@dataclass(frozen=True, slots=True)
class DayWindow:
    """The open hours of one local day."""

    day: date
    spans: Spans
    """In minutes from midnight, as the clocks show them."""

    @property
    def hours(self) -> tuple[str, ...]:
        """Such as `09:00-18:00`; none when it is closed."""
        return tuple(f"{_clock(start)}-{_clock(end)}" for start, end in self.spans)

    @property
    def weekday(self) -> str:
        return _NAMES[self.day.weekday()]


@dataclass(frozen=True, slots=True)
class WeekWindows:
    """The open hours of seven days in a row."""

    days: tuple[DayWindow, ...]
    open_time: timedelta
    """How long telephones may ring in these days, all together."""

    def __str__(self) -> str:
        """`mon-fri 09:00-18:00, sat 10:00-17:00, sun closed`, from Monday on."""
        week = sorted(self.days, key=lambda each: each.day.weekday())
        parts = []
        for hours, days in groupby(week, key=lambda each: each.hours):
            names = [each.weekday for each in days]
            some = names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
            some = "daily" if len(names) == DAYS else some
            parts.append(f"{some} {' '.join(hours) or _NOTHING}")
        return ", ".join(parts)


def week_windows(conditions: Conditions, start: datetime, zone: str) -> WeekWindows:
    """The open hours of the seven days that begin with the local day of `start`, as the clocks of
    `zone` show them. All zones of the conditions have to be open, and no block may be in force."""
    first = start.astimezone(load_zone(zone)).date()
    midnights = [_midnight(zone, first + timedelta(days=day)) for day in range(DAYS + 1)]
    begin = max([midnights[0], *(block.until for block in conditions.blocks)])
    intervals = tuple(_openings(conditions, begin, midnights[-1]))
    days = tuple(
        DayWindow(first + timedelta(days=day), tuple(_spans(intervals, begin, end, zone)))
        for day, (begin, end) in enumerate(pairwise(midnights))
    )
    return WeekWindows(days, sum((end - begin for begin, end in intervals), timedelta()))


def _openings(conditions: Conditions, begin: datetime, end: datetime) -> Iterator[Interval]:
    at = begin
    while at < end:
        opening = conditions.opening(at)
        if opening is None or opening[0] >= end:
            return
        opens, at = opening
        yield opens, min(at, end)


def _spans(
    intervals: Sequence[Interval], begin: datetime, end: datetime, zone: str
) -> Iterator[tuple[int, int]]:
    """The parts of intervals that lie within a local day."""
    for opens, closes in intervals:
        start, stop = max(opens, begin), min(closes, end)
        if start < stop:
            yield _minute(start, zone), DAY_MINUTES if stop == end else _minute(stop, zone)


def _minute(at: datetime, zone: str) -> int:
    local = at.astimezone(load_zone(zone))
    return local.hour * 60 + local.minute


def _midnight(zone: str, day: date) -> datetime:
    at = named_instant((zone,), datetime.combine(day, datetime.min.time()))
    return at if at is not None else datetime.combine(day, datetime.min.time(), UTC)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
