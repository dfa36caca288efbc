"""When people may be called, as a definition says it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from outdial.domain.definition.fields import (
    DATES,
    HOURS,
    ZONE,
    CalendarDate,
    Duration,
    Frozen,
    HourSpan,
    Instant,
    OneOrMany,
    Span,
    definition_zone,
    describe_value,
    format_duration,
)
from outdial.domain.hints import Hint
from outdial.domain.rules.holidays import calendar_names

CALLEES_HOLIDAYS = "callee"
LONGEST_GUARD = timedelta(hours=1)


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
    """Public holidays on which nobody is called: names such as US or US-LA, or callee for those
    of the place where each person is, as far as we know them."""
    excluded_dates: Annotated[OneOrMany[CalendarDate], DATES] = ()
    """Dates on which nobody is called, such as holidays."""
    time_zone_policy: TimeZonePolicy = TimeZonePolicy.CALLEE
    """callee: hours, days and dates are read where each person is. campaign: in `time_zone`."""
    time_zone: Annotated[str, AfterValidator(definition_zone), ZONE] | None = Field(
        default=None, validate_default=True
    )
    """With policy `campaign`: the zone of the hours. With `callee`: the zone of people whose
    own zone cannot be told; without it they are refused."""
    guard: Annotated[Duration, Hint("write a duration up to 1h, such as 60s")] = timedelta(
        seconds=60
    )
    """No call in this last part of a window, nor in the last `ring_timeout` of it, so that no phone
    rings after it closed. With 0s calls start until the very end."""

    @field_validator("days", "hours")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        return _something(value)

    @field_validator("windows")
    @classmethod
    def _instead_of_hours(cls, value: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        said = {"days": _EVERY_DAY, "hours": _OFFICE_HOURS}
        if value and any(info.data.get(key, same) != same for key, same in said.items()):
            raise ValueError(
                "found windows beside days or hours; write the days and hours into the windows"
            )
        return value

    @field_validator("holidays")
    @classmethod
    def _known_calendars(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = (CALLEES_HOLIDAYS, *calendar_names())
        for name in value:
            if name not in known:
                raise ValueError(
                    f"found {describe_value(name)}, whose holidays we do not have; "
                    f"known are {', '.join(known)}"
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

    def week(self) -> tuple[DayWindow, ...]:
        """The hours of the week, however they were written."""
        return self.windows or (DayWindow(days=self.days, hours=self.hours),)


def _something(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise ValueError("found an empty list; write at least one, or nobody is called")
    return value
