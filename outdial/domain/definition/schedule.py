"""The schedule of a definition: when people may be called, and its open minutes of each date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from outdial.domain.definition.fields import (
    DATES,
    ZONE,
    CalendarDate,
    Duration,
    Frozen,
    Instant,
    OneOrMany,
    definition_zone,
    describe_value,
    format_duration,
)
from outdial.domain.hints import Hint
from outdial.domain.rules.holidays import calendar_names

CALLEES_HOLIDAYS = "callee"
LONGEST_GUARD = timedelta(hours=1)
HOURS = Hint("write a span such as 09:00-18:00, or a list of them")


# --- hours of the day ---------------------------------------------------------------------------

_HOURS = re.compile(
    r"\s*([0-9]{1,2}):([0-9]{2})\s*(?:-|–|to)\s*([0-9]{1,2}):([0-9]{2})\s*",
)
_HOURS_HELP = "write a span such as 09:00-18:00 (24:00 is the end of the day)"
DAY_MINUTES = 1440


class Span(BaseModel):
    """Part of a day, half-open, in minutes from midnight; end before start crosses midnight."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"

    @property
    def start_time(self) -> time:
        return time(self.start // 60, self.start % 60)


def parse_span(value: Any) -> Span:
    """Read `09:00-18:00`. Raises ValueError when it is no span, or an empty one."""
    if isinstance(value, Span):
        return value
    match = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"found {describe_value(value)}; {_HOURS_HELP}")
    hour, minute, end_hour, end_minute = map(int, match.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
        raise ValueError(f"found {describe_value(value)}, which is no time of day; {_HOURS_HELP}")
    if start == end:
        raise ValueError(
            f"found {describe_value(value)}, which is empty; write 00:00-24:00 for the whole day"
        )
    return Span(start=start, end=end)


HourSpan = Annotated[
    Span,
    BeforeValidator(parse_span),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*[0-9]{1,2}:[0-9]{2}\s*(-|–|to)\s*[0-9]{1,2}:[0-9]{2}\s*$",
            "examples": ["09:00-18:00", "00:00-24:00"],
        }
    ),
]


# --- the hours of a week ------------------------------------------------------------------------

Spans = tuple[tuple[int, int], ...]
"""Parts of one day in minutes from midnight: half-open, sorted, disjoint."""
WHOLE_DAY: Spans = ((0, DAY_MINUTES),)


def weekly_spans(days: Iterable[tuple[int, Sequence[Span]]]) -> tuple[Spans, ...]:
    """The open minutes of each weekday (0 is Monday). Spans that cross midnight belong to the day
    they start on."""
    spans: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for day, hours in days:
        for span in hours:
            if span.end > span.start:
                spans[day].append((span.start, span.end))
            else:
                spans[day].append((span.start, DAY_MINUTES))
                if span.end:
                    spans[(day + 1) % 7].append((0, span.end))
    return tuple(_merge(day) for day in spans)


def intersect(one: Spans, other: Spans) -> Spans:
    """The minutes that are in both."""
    common = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return tuple((start, end) for start, end in common if start < end)


def _merge(spans: list[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The same hours in every week, but for some dates."""

    by_weekday: tuple[Spans, ...]
    """0 is Monday."""
    excluded_dates: frozenset[date] = frozenset()

    def spans_on(self, day: date) -> Spans:
        return () if day in self.excluded_dates else self.by_weekday[day.weekday()]


# --- the schedule -------------------------------------------------------------------------------


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @property
    def number(self) -> int:
        """0 for Monday, as `date.weekday` counts."""
        return list(Weekday).index(self)


class TimeZonePolicy(StrEnum):
    CALLEE = "callee"
    """Hours are read in the zone of each person called."""
    CAMPAIGN = "campaign"
    """Hours are read in `time_zone`, wherever the person is."""


_EVERY_DAY = tuple(Weekday)
_OFFICE_HOURS = (Span(start=9 * 60, end=18 * 60),)


class DayWindow(Frozen):
    """Hours that hold on some days of the week."""

    days: OneOrMany[Weekday]
    """Days of the week."""
    hours: Annotated[OneOrMany[HourSpan], HOURS]
    """Hours of those days, one span or several."""

    @field_validator("days", "hours")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        return _something(value)


class Schedule(Frozen):
    """When people may be called."""

    start: Instant | None = None
    """No call before this instant; a date, a time and an offset."""
    end: Instant | None = None
    """No call from this instant on; a date, a time and an offset."""
    days: OneOrMany[Weekday] = _EVERY_DAY
    """Days of the week on which people may be called."""
    hours: Annotated[OneOrMany[HourSpan], HOURS] = _OFFICE_HOURS
    """Hours of the day, such as 09:00-18:00, one span or several."""
    windows: Annotated[
        tuple[DayWindow, ...],
        Hint("write a list of days and hours, such as - {days: sat, hours: 10:00-14:00}"),
    ] = ()
    """Hours that differ by the day: a list of days with their hours. `days` and `hours` are left
    out then."""
    holidays: Annotated[
        OneOrMany[str], Hint("write a calendar such as US, or callee, or a list of them")
    ] = ()
    """Public holidays on which no call is made: names such as US or US-LA, or callee for those
    of the place where each person is, as far as its calendar is known."""
    excluded_dates: Annotated[OneOrMany[CalendarDate], DATES] = ()
    """Dates on which no call is made, such as holidays."""
    time_zone_policy: TimeZonePolicy = TimeZonePolicy.CALLEE
    """callee: hours, days and dates are read where each person is. campaign: in `time_zone`."""
    time_zone: Annotated[str, AfterValidator(definition_zone), ZONE] | None = Field(
        default=None, validate_default=True
    )
    """With policy `campaign`: the zone of the hours. With `callee`: the zone of people whose
    own zone is unknown; without it they are refused."""
    guard: Annotated[Duration, Hint("write a duration up to 1h, such as 60s")] = timedelta(
        seconds=60
    )
    """No call starts in this last part of a window, or in as much of it as a call may ring,
    whichever is longer. With 0s calls start until the very end."""

    @field_validator("days", "hours")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        return _something(value)

    @field_validator("windows")
    @classmethod
    def _instead_of_hours(cls, value: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        defaults = {"days": _EVERY_DAY, "hours": _OFFICE_HOURS}
        if value and any(info.data.get(key, same) != same for key, same in defaults.items()):
            raise ValueError(
                "found windows beside days or hours; write the days and hours into the windows"
            )
        return value

    @field_validator("holidays")
    @classmethod
    def _existing_calendars(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        calendars = (CALLEES_HOLIDAYS, *calendar_names())
        for name in value:
            if name not in calendars:
                raise ValueError(
                    f"found {describe_value(name)}, whose holidays we do not have; "
                    f"known are {', '.join(calendars)}"
                )
        return value

    @field_validator("guard")
    @classmethod
    def _short_guard(cls, value: timedelta) -> timedelta:
        if value > LONGEST_GUARD:
            raise ValueError(f"found {format_duration(value)}; write a duration up to 1h")
        return value

    @field_validator("end")
    @classmethod
    def _after_start(cls, value: Any, info: ValidationInfo) -> Any:
        start = info.data.get("start")
        if value is not None and start is not None and value <= start:
            raise ValueError(
                f"found {value.isoformat()}, which is not after start ({start.isoformat()}); "
                "swap them or leave one out"
            )
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_of_the_campaign(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("time_zone_policy") is TimeZonePolicy.CAMPAIGN:
            raise ValueError(
                "found no time_zone, though time_zone_policy is campaign; "
                "write one such as Europe/Berlin"
            )
        return value

    @cached_property
    def week(self) -> tuple[Spans, ...]:
        written = [(window.days, window.hours) for window in self.windows]
        hours = written or [(self.days, self.hours)]
        return weekly_spans((day.number, spans) for days, spans in hours for day in days)

    def open_days(self) -> tuple[Weekday, ...]:
        """Days with hours, in the order in which they were written."""
        return tuple(day for window in self.windows for day in window.days) or self.days

    def spans_on(self, day: date) -> Spans:
        """When a telephone may ring on a local date, however the hours were written."""
        return () if day in self.excluded_dates else self.week[day.weekday()]


def _something(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise ValueError("found an empty list; write at least one, or nobody is called")
    return value
