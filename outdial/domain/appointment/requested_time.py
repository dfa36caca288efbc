"""Reads a time that a person asked for: exactly, or not at all.

A time without an offset is read in the zones given. It is unclear, and not guessed, where they
disagree, and in an hour that the clocks skip or repeat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, cast

import pytz

from outdial.domain.clocks import load_zone
from outdial.domain.definition.fields import describe_value
from outdial.domain.instants import EARLIEST, LATEST

LONGEST_TEXT = 64
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?"
    r"\s*([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_RIGHT = "say a date and a time, such as 2030-01-31T15:00"


@dataclass(frozen=True, slots=True)
class RequestedTime:
    """An instant (UTC) that was asked for, beyond doubt."""

    at: datetime


@dataclass(frozen=True, slots=True)
class UnclearTime:
    """A text that gives no single instant."""

    reason: str
    candidates: tuple[datetime, ...] = ()
    """The instants it may mean, if it means some."""


def read_time(value: object, zones: Sequence[str]) -> RequestedTime | UnclearTime:
    """Read ISO 8601. `zones` are those of the person, at least one."""
    read = parse_time(value)
    if isinstance(read, UnclearTime):
        return read
    if read.tzinfo is not None:
        return RequestedTime(read)
    try:
        return _in_zones(read, zones)
    except (ValueError, OverflowError):
        return UnclearTime(f"found {describe_value(value)}, which is in no calendar; {_RIGHT}")


def parse_time(value: object) -> datetime | UnclearTime:
    """The same without zones: an instant in UTC, or a time on clocks that are still to be named."""
    if not isinstance(value, str):
        return UnclearTime(f"found {describe_value(value)}; {_RIGHT}")
    text = value.strip()
    if not text or len(text) > LONGEST_TEXT:
        return UnclearTime(f"found {describe_value(value)}; {_RIGHT}")
    parts = _TIME.fullmatch(text)
    if parts is None:
        return UnclearTime(f"found {describe_value(value)}, which names no date and time; {_RIGHT}")
    *numbers, offset = parts.groups()
    try:
        if not EARLIEST.year <= int(numbers[0]) <= LATEST.year:
            return UnclearTime(
                f"found {describe_value(value)}, which is too long ago or too far ahead"
            )
        wall = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]  # noqa: DTZ001
        return wall if offset is None else _with_offset(wall, offset)
    except (ValueError, OverflowError):
        return UnclearTime(f"found {describe_value(value)}, which is in no calendar; {_RIGHT}")


def _with_offset(wall: datetime, offset: str) -> datetime:
    text = "+00:00" if offset in "Zz" else offset
    return datetime.fromisoformat(f"{wall.isoformat()}{text}").astimezone(UTC)


def _in_zones(wall: datetime, zones: Sequence[str]) -> RequestedTime | UnclearTime:
    if not zones:
        return UnclearTime("no time zone is known in which to read it")
    possible: set[datetime] = set()
    for name in zones:
        instants = _instants(wall, load_zone(name))
        if not instants:
            return UnclearTime(f"the clocks in {name} skip {wall:%H:%M} on that day")
        possible.update(instants)
    candidates = tuple(sorted(possible))
    if len(candidates) == 1:
        return RequestedTime(candidates[0])
    if len(zones) == 1:
        return UnclearTime(f"the clocks in {zones[0]} show {wall:%H:%M} twice that day", candidates)
    return UnclearTime(f"it is another instant in each of {', '.join(sorted(zones))}", candidates)


def _instants(wall: datetime, zone: tzinfo) -> set[datetime]:
    located = cast("Any", zone)
    try:
        return {located.localize(wall, is_dst=None).astimezone(UTC)}
    except pytz.NonExistentTimeError:
        return set()
    except pytz.AmbiguousTimeError:
        return {located.localize(wall, is_dst=dst).astimezone(UTC) for dst in (True, False)}
