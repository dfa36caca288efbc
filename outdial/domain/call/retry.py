"""When to try again: how long after each outcome, at what time of day, and how often."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from outdial.domain.definition.fields import Delay, Duration, Frozen, OneOrMany, format_duration
from outdial.domain.hints import Hint

MAX_ATTEMPTS = 100
LARGEST_FACTOR = 10
LONGEST_JITTER = timedelta(hours=12)
_DAY = timedelta(days=1)
_OUTCOME = Hint("write delays: below it, such as {delays: 10m}")


class Daypart(StrEnum):
    """A part of the week in which people are at home, or are not."""

    MORNING = "morning"
    """Monday to Friday, 08:00-12:00."""
    AFTERNOON = "afternoon"
    """Monday to Friday, 12:00-17:00."""
    EVENING = "evening"
    """Monday to Friday, 17:00-21:00."""
    WEEKEND = "weekend"
    """Saturday and Sunday."""


class OutcomeRetry(Frozen):
    """When to try again after one kind of outcome."""

    delays: Annotated[
        OneOrMany[Delay], Hint("write a delay such as 10m, 2h or next_day, or a list of them")
    ]
    """The wait after the first, second, … such outcome; the last one repeats."""
    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None
    """How many such outcomes before the recipient ends; default one more than `delays`."""
    factor: Annotated[float, Hint(f"write a number from 1 to {LARGEST_FACTOR}")] = 1
    """How much longer each wait is after those listed: with 2 and delays of 10m, then 20m, 40m."""
    longest: Duration = timedelta(days=7)
    """The longest that a growing wait becomes."""

    @field_validator("delays")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            raise ValueError("found an empty list; write at least one delay, such as 10m")
        return value

    @field_validator("factor")
    @classmethod
    def _grows(cls, value: float) -> float:
        if not 1 <= value <= LARGEST_FACTOR:
            raise ValueError(f"found {value:g}; write a number from 1 to {LARGEST_FACTOR}")
        return value

    @property
    def limit(self) -> int:
        return self.max_attempts if self.max_attempts is not None else len(self.delays) + 1

    def delay(self, nth: int) -> timedelta | Literal["next_day"]:
        """The wait after the nth such outcome, counted from 1."""
        if nth <= len(self.delays):
            return self.delays[nth - 1]
        last = self.delays[-1]
        if isinstance(last, str) or self.factor == 1:
            return last
        grown = last.total_seconds() * self.factor ** (nth - len(self.delays))
        # Never shorter than what is written out, whatever `longest` says.
        return max(last, timedelta(seconds=min(grown, self.longest.total_seconds())))


class Retry(Frozen):
    """When to try again. An outcome without an entry here is not tried again."""

    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 4
    """How many attempts one person gets, whatever the outcomes."""
    max_attempts_per_day: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None
    """Per person and calendar day, in the callee's zone."""
    dayparts: OneOrMany[Daypart] = ()
    """At what time of the week the first, second, … attempt is made, in turn; without it, at any.
    A time that the person asked for takes precedence."""
    jitter: Annotated[Duration, Hint("write a duration up to 12h, such as 5m")] = timedelta(0)
    """Up to this much is added to each delay, differently for each person, so that not everybody
    is tried again in the same minute."""
    busy: Annotated[OutcomeRetry | None, _OUTCOME] = None
    """The callee was busy."""
    no_answer: Annotated[OutcomeRetry | None, _OUTCOME] = None
    """It rang, and nobody answered."""
    voicemail: Annotated[OutcomeRetry | None, _OUTCOME] = None
    """A machine answered, or a telephone's call screening, and nobody came on."""
    failed: Annotated[OutcomeRetry | None, _OUTCOME] = None
    """Faults of the provider or carrier; never a rejected number."""
    unknown: Annotated[OutcomeRetry | None, _OUTCOME] = OutcomeRetry(
        delays=("next_day",), max_attempts=2
    )
    """It is not known whether the call was made; by default, not again on the same day."""
    call_me_later: Annotated[OutcomeRetry | None, _OUTCOME] = OutcomeRetry(
        delays=(_DAY,), max_attempts=3
    )
    """The person asked to be called later, and named no time."""

    @field_validator("jitter")
    @classmethod
    def _not_too_long(cls, value: timedelta) -> timedelta:
        if value > LONGEST_JITTER:
            raise ValueError(f"found {format_duration(value)}; write a duration up to 12h")
        return value
