"""Field types of a campaign definition: durations, clock times, instants, zones, lists.

Each refuses bad input with a sentence of the form "what was found; what would be right".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

import pytz
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue

from outdial.domain.definition.frozen import Frozen as Frozen
from outdial.domain.hints import Hint
from outdial.domain.instants import EARLIEST, LATEST, in_calendar
from outdial.domain.rules.zone import NoPlacesZone, require_zone, zone_names

_LONGEST_SHOWN = 60


def describe_value(value: object) -> str:
    """How an error message shows what was found: short, and quoted when it is a text."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…")
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return f"a {type(value).__name__}"


# --- lists that may be written as one value -----------------------------------------------------


class AlsoOne:
    """JSON Schema for editors: a list may be written as one value."""

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(core_schema)
        return {"anyOf": [many["items"], many]}


def _as_many(value: Any) -> Any:
    return value if value is None or isinstance(value, list | tuple | Mapping) else (value,)


Item = TypeVar("Item")
OneOrMany = Annotated[tuple[Item, ...], BeforeValidator(_as_many), AlsoOne()]
"""A list, or the one value it would hold."""


# --- durations ----------------------------------------------------------------------------------

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])", re.IGNORECASE)
_DURATION_HELP = "write a number and a unit, such as 45s, 10m, 2h, 1d or 1h30m"
_YEAR = timedelta(days=366)


def parse_duration(value: Any) -> timedelta:
    """Read `45s`, `10m`, `2h`, `1d`, `1w` or a sum such as `1h30m`, up to a year.

    Raises ValueError for anything else, a bare number included: it has no unit.
    """
    return _read_duration(value, _DURATION_HELP)


def _read_duration(value: Any, right: str) -> timedelta:
    if isinstance(value, timedelta):
        return value
    parts = _PART.findall(value) if isinstance(value, str) else []
    if not parts or _PART.sub("", value).strip():
        raise ValueError(f"found {describe_value(value)}; {right}")
    total = timedelta()
    try:
        for number, unit in parts:
            total += timedelta(**{_UNITS[unit.lower()]: float(number)})
    except OverflowError:
        total = timedelta.max
    if total > _YEAR:
        raise ValueError(f"found {describe_value(value)}, which is longer than a year; write less")
    return total


def format_duration(value: timedelta) -> str:
    """Write a duration as `parse_duration` reads it."""
    if value.microseconds:
        return f"{value.total_seconds():.6f}".rstrip("0") + "s"
    rest, text = int(value.total_seconds()), ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


_DURATION_PATTERN = r"([0-9]+(\.[0-9]+)?\s*[smhdwSMHDW]\s*)+"

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    Hint("write a duration, such as 30s or 10m"),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^\s*{_DURATION_PATTERN}$",
            "examples": ["45s", "10m", "2h", "1d", "1h30m"],
        }
    ),
]


def parse_delay(value: Any) -> timedelta | Literal["next_day"]:
    """A duration, or `next_day`: the callee's next calendar day."""
    if value == "next_day":
        return "next_day"
    return _read_duration(value, f"{_DURATION_HELP}, or next_day")


def _write_delay(value: timedelta | str) -> str:
    return value if isinstance(value, str) else format_duration(value)


Delay = Annotated[
    timedelta | Literal["next_day"],
    BeforeValidator(parse_delay),
    PlainSerializer(_write_delay, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^(next_day|\s*{_DURATION_PATTERN})$",
            "examples": ["10m", "2h", "next_day"],
        }
    ),
]


# --- instants, dates and zones ------------------------------------------------------------------

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)\s*([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_INSTANT_HELP = "write a date, a time and an offset, such as 2030-01-31T09:00:00+01:00"
INSTANT = Hint(_INSTANT_HELP)
ZONE = Hint("write an IANA time zone, such as America/New_York")
DATES = Hint("write a date such as 2030-12-25, or a list of them")


def parse_instant(value: Any) -> datetime:
    """Read an ISO 8601 date and time with an offset; the result is in UTC.

    Raises ValueError without an offset, since nothing would say which instant is meant.
    """
    if isinstance(value, datetime):
        instant = value
    else:
        parts = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
        if parts is None:
            raise ValueError(f"found {describe_value(value)}; {_INSTANT_HELP}")
        day, clock, offset = parts.groups()
        try:
            instant = datetime.fromisoformat(f"{day}T{clock or '00:00'}{(offset or '').upper()}")
        except ValueError as error:
            raise ValueError(
                f"found {describe_value(value)}, which is in no calendar; {_INSTANT_HELP}"
            ) from error
    if instant.tzinfo is None:
        written = describe_value(value) if isinstance(value, str) else instant.isoformat()
        raise ValueError(
            f"found {written} without an offset; write one, such as {instant.isoformat()}+00:00"
        )
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"found {describe_value(value)}, which is in no calendar") from error


Instant = Annotated[
    datetime,
    BeforeValidator(parse_instant),
    INSTANT,
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2030-01-31T09:00:00+01:00"]}
    ),
]


def computable(at: datetime) -> datetime:
    """In UTC. Raises ValueError for an instant that is out of bounds."""
    if not in_calendar(at):
        raise ValueError(
            f"found {at.isoformat()}; write a year from {EARLIEST.year} to {LATEST.year}"
        )
    return at.astimezone(UTC)


Timestamp = Annotated[AwareDatetime, AfterValidator(computable)]
"""An instant of a request, which goes to the database and to date arithmetic."""


def parse_date(value: Any) -> date:
    """Read `2030-12-25`. Raises ValueError for anything else."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError as error:
            raise ValueError(
                f"found {describe_value(value)}, which is in no calendar; "
                "write a date such as 2030-12-25"
            ) from error
    raise ValueError(f"found {describe_value(value)}; write a date such as 2030-12-25")


CalendarDate = Annotated[date, BeforeValidator(parse_date)]


STORED = {"stored": True}
"""Validation context of stored values: what a newer version refuses, such as the zone EST, must not
keep a running campaign from being read."""


def definition_zone(name: str, info: ValidationInfo) -> str:
    """`parse_zone`, and in what is STORED every name that pytz knows."""
    if info.context == STORED and name in pytz.all_timezones_set:
        return name
    return parse_zone(name)


def parse_zone(name: str) -> str:
    """The name of an IANA time zone, as pytz knows it. Raises ValueError with a suggestion."""
    try:
        return require_zone(name)
    except NoPlacesZone:
        raise
    except ValueError as error:
        near = get_close_matches(name, zone_names(), n=1, cutoff=0.75)
        if not near:
            raise
        raise ValueError(
            f"found {describe_value(name)}, which is no IANA time zone; did you mean {near[0]}?"
        ) from error
