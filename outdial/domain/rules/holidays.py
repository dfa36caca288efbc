"""Public holidays by jurisdiction: a seed with a reviewed table laid over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from outdial.domain.rules.data import table


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    dates: frozenset[date]
    years: frozenset[int]
    """Other years are not known."""

    def closed_on(self, day: date) -> bool:
        """Whether it is a holiday, or in a year without reviewed data: then no call is made."""
        return day in self.dates or day.year not in self.years


@cache
def calendar_names() -> tuple[str, ...]:
    return tuple(table("holidays_seed")["calendars"])


@cache
def holidays_of(name: str) -> HolidayCalendar:
    """The calendar of a jurisdiction. Raises KeyError for one that we do not have."""
    seed: dict[str, str] = table("holidays_seed")["calendars"][name]
    dates = {
        date.fromisoformat(f"{year}-{day}") for year, days in seed.items() for day in days.split()
    }
    for change in table("holidays_reviewed")["changes"]:
        if change["calendar"] == name:
            dates |= _dates(change.get("add"), seed)
            dates -= _dates(change.get("remove"), seed)
    return HolidayCalendar(frozenset(dates), frozenset(map(int, seed)))


def _dates(written: str | None, years: Sequence[str] | dict[str, str]) -> set[date]:
    """A date, or a day of every year written `01-08`."""
    if written is None:
        return set()
    if len(written) > len("01-08"):
        return {date.fromisoformat(written)}
    return {date.fromisoformat(f"{year}-{written}") for year in years}


@cache
def calendars_of(jurisdictions: tuple[str, ...]) -> tuple[str, ...]:
    """The calendars we have of places and the countries they are in."""
    calendars = set(calendar_names())
    codes = {code for place in jurisdictions for code in (place, place.partition("-")[0])}
    return tuple(sorted(codes & calendars))
