"""Which time zones show the same time: zones are compared by their clocks, not by their names.

Europe/Busingen and Europe/Berlin are two names of one clock; a person who may be in either is
called by one. What counts is from the year of the zone data on: history calls nobody.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytz

_ERA = datetime(int(pytz.VERSION.partition(".")[0]), 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""The year of the zone data; zones that differed before are alike today."""

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
