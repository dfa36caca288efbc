"""Arithmetic on wall clocks: which zones agree, and when a local date or time begins.

Zones are compared by their clocks, not by their names. Europe/Busingen and Europe/Berlin are two
names of one clock; of a person who may be in either, one is evaluated. What counts is from the year
of the zone data on: the past does not matter to calls.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import cast

import pytz

_ERA = datetime(int(pytz.VERSION.partition(".")[0]), 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""The year of the zone data: zones that differed only before it count as the same."""

_MIDNIGHT = time()
_AROUND = (timedelta(days=-1), timedelta(days=1))
"""Far enough from a change of the clocks to see both offsets."""

Clock = tuple[tuple[datetime, timedelta], ...]


@lru_cache(maxsize=1024)
def clock_of(zone_name: str) -> Clock:
    """Every offset of a zone from the era of the zone data on, each with its first instant."""
    zone = pytz.timezone(zone_name)
    transitions: list[datetime] = getattr(zone, "_utc_transition_times", [])
    ahead = transitions[bisect_right(transitions, _ERA) :]
    clock: list[tuple[datetime, timedelta]] = []
    for at in (_ERA, *ahead):
        offset = zone.fromutc(at).utcoffset() or timedelta(0)
        if not clock or clock[-1][1] != offset:
            clock.append((at, offset))
    return tuple(clock)


def distinct(zones: Iterable[str]) -> tuple[str, ...]:
    """One zone for each clock, the first of each; sorted by name."""
    by_clock: dict[Clock, str] = {}
    for zone in zones:
        by_clock.setdefault(clock_of(zone), zone)
    return tuple(sorted(by_clock.values()))


def lie_within(zones: Iterable[str], others: Iterable[str]) -> bool:
    """Whether each of `zones` shows the time of one of `others`."""
    return {clock_of(zone) for zone in zones} <= {clock_of(zone) for zone in others}


@lru_cache(maxsize=1024)
def load_zone(name: str) -> tzinfo:
    return cast("tzinfo", pytz.timezone(name))


def constant_offset(
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


def next_local_day(zones: tuple[str, ...], after: datetime) -> datetime:
    """The first instant at which it is a later date than at `after`, in every zone (UTC)."""
    first = after
    for zone_name in zones:
        zone = load_zone(zone_name)
        today = after.astimezone(zone).date()
        first = max(first, _first_instant_of(zone, today + timedelta(days=1), after))
    return first


def named_instant(zones: tuple[str, ...], local: datetime) -> datetime | None:
    """The instant (UTC) at which clocks show `local`, a datetime without a zone; where zones
    differ, the last of them, so that no call is made before the time that was named.

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
    instants = [local.replace(tzinfo=UTC) - (offset or timedelta()) for offset in offsets]
    right = [at for at in instants if at.astimezone(zone).replace(tzinfo=None) == local]
    return min(right) if right else max(instants)


def _first_instant_of(zone: tzinfo, day: date, after: datetime) -> datetime:
    """When a local date begins, or the next one that the zone has."""
    for begin, finish in constant_offset(
        zone, after - timedelta(days=1), after + timedelta(days=4)
    ):
        offset = begin.astimezone(zone).utcoffset() or timedelta()
        begins = max(datetime.combine(day, _MIDNIGHT, UTC) - offset, begin)
        if begins < finish and finish > after:
            return max(begins, after)
    return after + timedelta(days=1)
