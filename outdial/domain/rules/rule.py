"""Calling rules by jurisdiction: hours, holidays, caps and consent, as data with citations.

Rules only ever forbid. All that apply hold together, so their order does not matter and another
rule never makes anybody callable earlier.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from outdial.domain.definition.caps import Cap
from outdial.domain.definition.fields import (
    CalendarDate,
    Frozen,
    OneOrMany,
    describe_value,
)
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import (
    WHOLE_DAY,
    Span,
    Spans,
    Weekday,
    intersect,
    parse_span,
    weekly_spans,
)
from outdial.domain.rules.consent import ConsentLevel
from outdial.domain.rules.holidays import calendar_names, holidays_of

EVERYWHERE = "*"
"""The jurisdiction of an operator's rule that holds for everybody."""
_DAYS = [day.value for day in Weekday]
_RANGE = re.compile(r"([a-z]{3})-([a-z]{3})")
_WINDOW_HELP = (
    "write days and hours such as mon-fri 09:00-18:00, sat 10:00-17:00 or daily 08:00-21:00"
)
_FIRST, _LAST = timedelta(hours=14), timedelta(hours=12)


class RuleWindow(Frozen):
    """Days of the week (0 is Monday) and one span of hours."""

    days: tuple[int, ...]
    span: Span

    def __str__(self) -> str:
        """As it is written, such as `mon-fri 09:00-18:00`."""
        return f"{_days_in_words(self.days)} {self.span}"


def _days_in_words(days: tuple[int, ...]) -> str:
    first, last = days[0], days[-1]
    if days != tuple(range(first, last + 1)) or len(days) < 3:
        return " ".join(_DAYS[day] for day in days)
    return "daily" if len(days) == 7 else f"{_DAYS[first]}-{_DAYS[last]}"


def parse_rule_window(value: Any) -> Any:
    """Read `mon-fri 09:00-18:00`. Raises ValueError for anything else."""
    if not isinstance(value, str):
        return value
    *words, hours = value.lower().split() or [""]
    days: set[int] = set()
    for word in words:
        days |= _days(word, value)
    if not days:
        raise ValueError(f"found {describe_value(value)}; {_WINDOW_HELP}")
    return RuleWindow(days=tuple(sorted(days)), span=parse_span(hours))


def _days(word: str, value: str) -> set[int]:
    if word == "daily":
        return set(range(7))
    if word in _DAYS:
        return {_DAYS.index(word)}
    match = _RANGE.fullmatch(word)
    if match is None or not set(match.groups()) <= set(_DAYS):
        raise ValueError(f"found {describe_value(value)}; {_WINDOW_HELP}")
    first, last = (_DAYS.index(day) for day in match.groups())
    return {day % 7 for day in range(first, last + 1 if last >= first else last + 8)}


class Rule(Frozen):
    """One rule. It restricts only what its keys name."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9*][A-Za-z0-9*._-]{0,99}$")]
    jurisdiction: Annotated[str, Field(pattern=r"^(\*|[A-Z]{2}(-[A-Za-z0-9]{1,8})?)$")]
    """ISO 3166: a country such as FR, a part of one such as US-FL, or * for everybody."""
    purposes: OneOrMany[Purpose] = tuple(Purpose)
    cite: Annotated[str, Field(min_length=1)]
    """The statute or the house rule."""
    evidence: str = "house"
    """P: the statute's own words were read; S: a secondary source; M: memory; derived; house."""
    effective_from: CalendarDate | None = None
    """The first local date on which it holds."""
    effective_until: CalendarDate | None = None
    """The first local date on which it does not hold any more."""
    windows: OneOrMany[Annotated[RuleWindow, BeforeValidator(parse_rule_window)]] = ()
    """Calls are made in these alone."""
    holidays: OneOrMany[str] = ()
    """Calendars on whose days no recipient is called."""
    eves_as_saturday: bool = False
    """The day before a holiday has the hours of a Saturday."""
    extra_zones: OneOrMany[str] = ()
    """Zones in which the hours hold as well, whatever the person's are."""
    caps: tuple[Cap, ...] = ()
    consent: ConsentLevel | None = None
    declared: bool = False
    """The consent is declared by choosing the purpose, and not asked of every row."""
    note: str | None = None

    @field_validator("holidays")
    @classmethod
    def _existing_calendars(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in calendar_names():
                calendars = ", ".join(calendar_names())
                raise ValueError(
                    f"found {describe_value(name)}, whose holidays we do not have; {calendars} are"
                )
        return value

    @property
    def has_hours(self) -> bool:
        return bool(self.windows or self.holidays)

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a local date."""
        begun = self.effective_from is None or day >= self.effective_from
        return begun and (self.effective_until is None or day < self.effective_until)

    def holds_somewhere_at(self, instant: datetime) -> bool:
        """Whether it is in force anywhere on earth."""
        begins, ends = self.begins_at, self.ends_at
        return (begins is None or instant >= begins) and (ends is None or instant < ends)

    @cached_property
    def begins_at(self) -> datetime | None:
        """When it is in force somewhere (UTC): where a date begins first, at UTC+14."""
        return None if self.effective_from is None else _midnight(self.effective_from) - _FIRST

    @cached_property
    def ends_at(self) -> datetime | None:
        """When it is in force nowhere any more (UTC): a date begins last at UTC-12."""
        return None if self.effective_until is None else _midnight(self.effective_until) + _LAST

    def in_force_from(self, instant: datetime) -> datetime | None:
        """The first instant from this one on at which it is in force everywhere on earth; None:
        never again."""
        begins, ends = self.begins_at, self.ends_at
        begin = instant if begins is None else max(instant, begins + _FIRST + _LAST)
        return begin if ends is None or begin < ends - _FIRST - _LAST else None

    @cached_property
    def hours(self) -> RuleHours:
        return RuleHours(self)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class RuleHours:
    """A rule's hours day by day: its dates and its holidays counted in."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        days = [(day, (window.span,)) for window in rule.windows for day in window.days]
        self._week = weekly_spans(days) if days else (WHOLE_DAY,) * 7
        self._calendars = tuple(holidays_of(name) for name in rule.holidays)

    def spans_on(self, day: date) -> Spans:
        if not self._rule.holds_on(day):
            return WHOLE_DAY
        if self._closed(day):
            return ()
        spans = self._week[day.weekday()]
        if self._rule.eves_as_saturday and self._closed(day + timedelta(days=1)):
            return intersect(spans, self._week[_DAYS.index("sat")])
        return spans

    def _closed(self, day: date) -> bool:
        return any(calendar.closed_on(day) for calendar in self._calendars)
