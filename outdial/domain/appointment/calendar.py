"""A calendar in which calls book appointments: its hours, how long one takes, how many at once.

Two campaigns that name the same calendar share its slots, whatever each says of its hours.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from outdial.domain.definition.fields import (
    DATES,
    ZONE,
    CalendarDate,
    Duration,
    Frozen,
    OneOrMany,
    definition_zone,
    format_duration,
)
from outdial.domain.definition.schedule import HOURS, HourSpan, Span, Weekday
from outdial.domain.hints import TEXT, Hint

TICK = timedelta(minutes=5)
"""Slots are kept in such steps; every duration of a calendar is a multiple of it."""
MAX_CAPACITY = 100
LONGEST_APPOINTMENT = timedelta(hours=12)
LONGEST_BUFFER = timedelta(hours=4)
LONGEST_HORIZON = timedelta(days=366)
_STEPS = Hint("write a duration in steps of 5m, such as 30m")
CALENDAR_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"

_WORKDAYS = (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)


class CalendarRules(Frozen):
    """Hours, length and capacity of a calendar's appointments."""

    name: Annotated[
        str,
        Field(pattern=CALENDAR_NAME),
        Hint("write a name such as clinic: a-z, 0-9, - and _, at most 63 of them"),
    ]
    """Names the calendar; campaigns that name the same one never double-book it."""
    time_zone: Annotated[str, AfterValidator(definition_zone), ZONE]
    """The zone in which its hours are read: where the appointments are."""
    days: OneOrMany[Weekday] = _WORKDAYS
    """Days of the week with appointments."""
    hours: Annotated[OneOrMany[HourSpan], HOURS] = (Span(start=9 * 60, end=17 * 60),)
    """Hours of those days; an appointment lies within them from its start to its end."""
    excluded_dates: Annotated[OneOrMany[CalendarDate], DATES] = ()
    """Dates without appointments."""
    duration: Annotated[Duration, _STEPS] = timedelta(minutes=30)
    """How long an appointment takes, from 5m to 12h."""
    every: Annotated[Duration | None, _STEPS] = None
    """How far apart starts are, counted from the beginning of the hours. Default: `duration`."""
    buffer_before: Annotated[Duration, _STEPS] = timedelta(0)
    """Time kept free before each appointment."""
    buffer_after: Annotated[Duration, _STEPS] = timedelta(0)
    """Time kept free after each appointment."""
    capacity: Annotated[int, Field(ge=1, le=MAX_CAPACITY)] = 1
    """How many appointments there may be at the same time."""
    notice: Duration = timedelta(0)
    """How long ahead an appointment has to be made."""
    horizon: Duration = timedelta(days=60)
    """How far ahead appointments can be made."""
    title: Annotated[str, TEXT] = "Appointment"
    """A template (Jinja2, sandboxed) of an appointment's title."""
    existing: Annotated[
        str | None, Hint('write a template in quotes, such as "{{ appointment_at }}"')
    ] = None
    """A template that gives the start of the appointment a person has already, such as
    "{{ appointment_at }}": a date and a time, in the calendar's zone when it names no offset.
    It is entered when the person is enrolled; calls confirm, move or cancel it."""
    existing_uid: Annotated[
        str | None, Hint('write a template in quotes, such as "{{ appointment_uid }}"')
    ] = None
    """A template that gives the UID of that appointment in a CalDAV calendar that holds it."""

    @field_validator("days", "hours")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            raise ValueError("found an empty list; write at least one")
        return value

    @field_validator("hours")
    @classmethod
    def _within_a_day(cls, value: tuple[Span, ...]) -> tuple[Span, ...]:
        for span in value:
            if span.end < span.start:
                raise ValueError(f"found {span}, which crosses midnight; write two spans")
        return value

    @field_validator("duration")
    @classmethod
    def _duration(cls, value: timedelta) -> timedelta:
        return _steps(value, TICK, LONGEST_APPOINTMENT)

    @field_validator("every")
    @classmethod
    def _every(cls, value: timedelta | None) -> timedelta | None:
        return None if value is None else _steps(value, TICK, timedelta(days=1))

    @field_validator("buffer_before", "buffer_after")
    @classmethod
    def _buffer(cls, value: timedelta) -> timedelta:
        return _steps(value, timedelta(0), LONGEST_BUFFER)

    @field_validator("notice", "horizon")
    @classmethod
    def _not_too_far(cls, value: timedelta) -> timedelta:
        if value > LONGEST_HORIZON:
            raise ValueError(f"found {format_duration(value)}; write a duration up to a year")
        return value

    @property
    def step(self) -> timedelta:
        return self.every or self.duration


def _steps(value: timedelta, least: timedelta, most: timedelta) -> timedelta:
    if value % TICK or not least <= value <= most:
        raise ValueError(
            f"found {format_duration(value)}; write a multiple of 5m from "
            f"{format_duration(least)} to {format_duration(most)}"
        )
    return value
