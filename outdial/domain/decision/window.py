"""Calling windows: when a telephone may ring.

A window is tested on the wall time of an instant in every candidate zone, never by
arithmetic on local times, so that gaps and repeated hours need no special case. Spans are
half-open. An opening is looked for over stretches of constant UTC offset.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol, cast

from outdial.domain.definition.fields import Span
from outdial.domain.definition.schedule import Schedule
from outdial.domain.rules.zone import load_zone

HORIZON = timedelta(days=400)
"""How far ahead an opening is looked for; beyond it the answer is `never`."""

_MIDNIGHT = time()
_AROUND = (timedelta(days=-1), timedelta(days=1))
"""Far enough from a change of the clocks to see both offsets."""
_DAY_MINUTES = 24 * 60

Spans = tuple[tuple[int, int], ...]
"""Parts of one day in minutes from midnight: half-open, sorted, disjoint."""
WHOLE_DAY: Spans = ((0, _DAY_MINUTES),)


class DayHours(Protocol):
    """Anything that says when a local day is open."""

    def spans_on(self, day: date) -> Spans: ...


Layer = tuple[DayHours, str]
"""Hours, and the zone in which they are read."""


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Open spans of each weekday (0 is Monday), in minutes, sorted, disjoint; and days off."""

    by_weekday: tuple[Spans, ...]
    excluded_dates: frozenset[date] = frozenset()

    @classmethod
    def of(cls, schedule: Schedule) -> WeeklyHours:
        return cls.per_day(
            [(day.number, window.hours) for window in schedule.week() for day in window.days],
            frozenset(schedule.excluded_dates),
        )

    @classmethod
    def build(
        cls, weekdays: tuple[int, ...], hours: tuple[Span, ...], excluded: frozenset[date]
    ) -> WeeklyHours:
        """The same hours on several days."""
        return cls.per_day([(day, hours) for day in weekdays], excluded)

    @classmethod
    def per_day(
        cls, days: Sequence[tuple[int, tuple[Span, ...]]], excluded: frozenset[date] = frozenset()
    ) -> WeeklyHours:
        """Spans that cross midnight belong to the day they start on."""
        spans: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        for day, hours in days:
            for span in hours:
                if span.end > span.start:
                    spans[day].append((span.start, span.end))
                else:
                    spans[day].append((span.start, _DAY_MINUTES))
                    if span.end:
                        spans[(day + 1) % 7].append((0, span.end))
        return cls(tuple(_merge(day) for day in spans), excluded)

    def spans_on(self, day: date) -> Spans:
        return () if day in self.excluded_dates else self.by_weekday[day.weekday()]

    def open_at(self, local: datetime) -> bool:
        return open_at(self, local)


class AllOf:
    """Open where all parts are; days are remembered, since many people ask about few."""

    def __init__(self, parts: Sequence[DayHours]) -> None:
        self._parts = tuple(parts)
        self._known: dict[date, Spans] = {}

    def spans_on(self, day: date) -> Spans:
        known = self._known.get(day)
        if known is None:
            known = WHOLE_DAY
            for part in self._parts:
                known = intersect(known, part.spans_on(day))
            self._known[day] = known
        return known


def intersect(one: Spans, other: Spans) -> Spans:
    found = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return tuple((start, end) for start, end in found if start < end)


def open_at(hours: DayHours, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in hours.spans_on(local.date()))


def _merge(spans: list[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class Opening:
    """An instant at which every zone is open, and when the first of them closes."""

    at: datetime
    closes_at: datetime


def is_open(hours: DayHours, zones: tuple[str, ...], instant: datetime) -> bool:
    return all(open_at(hours, instant.astimezone(load_zone(zone))) for zone in zones)


def next_opening(
    hours: DayHours, zones: tuple[str, ...], after: datetime, horizon: timedelta = HORIZON
) -> Opening | None:
    """The first instant from `after` on that is open in all zones; None within the horizon."""
    return next_common_opening([(hours, zone) for zone in zones], after, horizon=horizon)


def next_common_opening(
    layers: Sequence[Layer],
    after: datetime,
    *,
    guard: timedelta = timedelta(0),
    horizon: timedelta = HORIZON,
) -> Opening | None:
    """The first instant from `after` on at which all layers are open, and stay so for `guard`.

    None when there is none within the horizon.
    """
    limit = after + horizon
    instant = after
    while instant <= limit:
        intervals = [_interval_from(hours, zone, instant, limit) for hours, zone in layers]
        if any(interval is None for interval in intervals):
            return None
        found = cast("list[tuple[datetime, datetime]]", intervals)
        latest = max(start for start, _ in found)
        if latest <= instant:
            closes_at = min(end for _, end in found)
            if closes_at - instant >= guard:
                return Opening(instant, closes_at)
            latest = closes_at
        instant = latest
    return None


def next_local_day(zones: tuple[str, ...], after: datetime) -> datetime:
    """The first instant at which it is a later date than at `after`, in every zone (UTC)."""
    found = after
    for zone_name in zones:
        zone = load_zone(zone_name)
        today = after.astimezone(zone).date()
        found = max(found, _first_instant_of(zone, today + timedelta(days=1), after))
    return found


def named_instant(zones: tuple[str, ...], local: datetime) -> datetime | None:
    """The instant (UTC) at which clocks show `local`, a datetime without a zone; where zones
    differ, the last of them, so that nobody is called before the time they named.

    None for a time that no calendar has, or without a zone.
    """
    try:
        return max(_wall_instant(load_zone(zone), local) for zone in zones)
    except (OverflowError, ValueError):
        return None


def _wall_instant(zone: tzinfo, local: datetime) -> datetime:
    """The first of two such instants; for a time that a change of clocks leaves out, as much
    later as the change is long."""
    offsets = [(local.replace(tzinfo=UTC) + day).astimezone(zone).utcoffset() for day in _AROUND]
    found = [local.replace(tzinfo=UTC) - (offset or timedelta()) for offset in offsets]
    right = [at for at in found if at.astimezone(zone).replace(tzinfo=None) == local]
    return min(right) if right else max(found)


def _interval_from(
    hours: DayHours, zone_name: str, after: datetime, limit: datetime
) -> tuple[datetime, datetime] | None:
    """The open interval that holds `after` (start clipped to it), or else the next one."""
    current: tuple[datetime, datetime] | None = None
    for start, end in _intervals(hours, load_zone(zone_name), after, limit):
        if end <= after:
            continue
        if current is None:
            current = (max(start, after), end)
        elif start <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            break
        if current[1] - current[0] >= timedelta(days=8):
            break  # open around the clock; nobody needs to know for how much longer
    return current


def _intervals(
    hours: DayHours, zone: tzinfo, after: datetime, limit: datetime
) -> Iterator[tuple[datetime, datetime]]:
    for begin, finish in _constant_offset(zone, after - timedelta(days=1), limit):
        offset = begin.astimezone(zone).utcoffset() or timedelta()
        day = (begin + offset).date()
        last = (finish + offset).date()
        while day <= last:
            midnight = datetime.combine(day, _MIDNIGHT, UTC) - offset
            for start, end in hours.spans_on(day):
                opens = max(midnight + timedelta(minutes=start), begin)
                closes = min(midnight + timedelta(minutes=end), finish)
                if opens < closes:
                    yield opens, closes
            day += timedelta(days=1)


def _constant_offset(
    zone: tzinfo, begin: datetime, finish: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Stretches between the zone's transitions; pytz offers no public list of them."""
    transitions: list[datetime] = getattr(zone, "_utc_transition_times", [])
    position = bisect_right(transitions, begin.astimezone(UTC).replace(tzinfo=None))
    while begin < finish:
        if position < len(transitions):
            edge = min(transitions[position].replace(tzinfo=UTC), finish)
        else:
            edge = finish
        yield begin, edge
        begin = edge
        position += 1


def _first_instant_of(zone: tzinfo, day: date, after: datetime) -> datetime:
    every_minute = WeeklyHours((WHOLE_DAY,) * 7)
    for start, end in _intervals(every_minute, zone, after, after + timedelta(days=4)):
        if start.astimezone(zone).date() >= day and end > after:
            return max(start, after)
    return after + timedelta(days=1)
