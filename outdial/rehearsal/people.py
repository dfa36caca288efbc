"""The people model: what happens when somebody is called, as shares and durations.

`GUESSES` is what is assumed unless a model is given. Its numbers are guesses, chosen by hand for
calls to private telephones from a caller whom people know: about three in ten answer by day, more
in the evening and on Saturday, and a third of the calls end at a voicemail. They were measured on
no campaign and taken from no study. A model of a campaign's own history is always better.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from outdial.domain.call.status import BOOKED, CALL_ME_LATER, OPTED_OUT
from outdial.domain.definition.fields import Frozen, OneOrMany
from outdial.domain.definition.schedule import HourSpan, Weekday, weekly_spans
from outdial.domain.hints import KEYS_BELOW, Hint

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1_000_000)]
LONGEST_SECONDS = 4 * 3600.0
WEEK_HOURS = 7 * 24


class Spread(Frozen):
    """A duration that differs from call to call: half are shorter than the median, one in ten is
    longer than `p90`; its logarithm is normally distributed."""

    median: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)]
    """In the unit that the key is named after."""
    p90: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)]
    """What nine in ten don't exceed."""

    @model_validator(mode="after")
    def _ordered(self) -> Spread:
        if self.p90 < self.median:
            raise ValueError(
                f"found p90 {self.p90:g} below the median {self.median:g}; swap them, or write "
                "the same number twice"
            )
        return self


class Endings(Frozen):
    """How calls end, as weights beside each other. What is left out doesn't happen."""

    answer: Weight = 0
    """A person answers."""
    voicemail: Weight = 0
    """A machine answers."""
    screener: Weight = 0
    """The telephone's call screening answers, and nobody comes on."""
    no_answer: Weight = 0
    """It rings until the ring timeout."""
    busy: Weight = 0
    failed: Weight = 0
    """A fault of the provider or a carrier."""
    rejected: Weight = 0
    """No telephone has the number."""

    @model_validator(mode="after")
    def _something_happens(self) -> Endings:
        if not any(self.weights):
            raise ValueError("found no weight above 0; write at least one, such as answer: 1")
        return self

    @property
    def weights(self) -> tuple[float, ...]:
        return tuple(getattr(self, name) for name in Endings.model_fields)


class HourEndings(Frozen):
    """How calls end in some hours of the week, on the clocks of the person called."""

    days: OneOrMany[Weekday] = tuple(Weekday)
    hours: OneOrMany[HourSpan] = ()
    """Whole hours, such as 17:00-21:00; default: the whole day."""
    endings: Annotated[Endings, Hint(f"{KEYS_BELOW}, such as answer: 0.3")]

    @field_validator("hours")
    @classmethod
    def _whole_hours(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        for span in value:
            if span.start % 60 or span.end % 60:
                raise ValueError(f"found {span}; write whole hours, such as 09:00-12:00")
        return value

    def hours_of_week(self) -> list[int]:
        """0 is the hour from midnight on Monday."""
        if not self.hours:
            return [day.number * 24 + hour for day in self.days for hour in range(24)]
        week = weekly_spans((day.number, self.hours) for day in self.days)
        return [
            day * 24 + hour
            for day, spans in enumerate(week)
            for start, end in spans
            for hour in range(start // 60, end // 60)
        ]


class PeopleModel(Frozen):
    """Who is at the other end: how calls end by hour of the person's week, how long they take, and
    what is said."""

    source: Annotated[str, Field(max_length=2000)] = ""
    """Where the numbers come from."""
    endings: Annotated[Endings, Hint(f"{KEYS_BELOW}, such as answer: 0.3")]
    """How calls end in hours that `by_hour` does not name."""
    by_hour: Annotated[
        tuple[HourEndings, ...],
        Hint("write a list of hours, such as - {hours: 17:00-21:00, endings: {answer: 1}}"),
    ] = ()
    """How calls end in some hours of the week; of two entries for an hour the later one holds."""
    unreachable: Share = 0
    """The share of people who never answer, at whatever hour: their calls end in one of the other
    ways. Without it, three attempts would reach more people than they do."""
    hang_up: Share = 0
    """The share of people who answer, and hang up at once."""
    dispositions: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=100)], Share],
        Hint("write dispositions with their shares below it, such as booked: 0.1"),
    ] = Field(default_factory=dict)
    """How talks end, as shares of those who answer and don't hang up; the rest has none."""
    hang_up_disposition: str | None = None
    """What the agent says of a talk in which the person hung up at once."""
    dial_seconds: Spread = Spread(median=2, p90=5)
    """From the placement to the ring."""
    ring_seconds: Spread = Spread(median=10, p90=20)
    """From the ring to a person's answer; one that would take longer than the ring timeout is
    none."""
    machine_seconds: Spread = Spread(median=18, p90=25)
    """From the ring to the answer of a machine."""
    screener_seconds: Spread = Spread(median=2, p90=4)
    """From the ring to the answer of a call screening."""
    talk_seconds: Spread = Spread(median=75, p90=180)
    """Of those who don't hang up at once."""
    hang_up_seconds: Spread = Spread(median=4, p90=8)
    voicemail_seconds: Spread = Spread(median=20, p90=35)
    screened_seconds: Spread = Spread(median=15, p90=25)
    redial_hours: Spread = Spread(median=20, p90=72)
    """From a talk that ended in `call_me_later` to the time that the person asked for; hours."""

    @field_validator("dispositions")
    @classmethod
    def _no_more_than_all(cls, value: dict[str, float]) -> dict[str, float]:
        if sum(value.values()) > 1 + 1e-9:
            raise ValueError(f"found shares of {sum(value.values()):g} together; write at most 1")
        return value

    def week(self) -> tuple[Endings, ...]:
        """How calls end in each hour of the week, from midnight on Monday."""
        week = [self.endings] * WEEK_HOURS
        for entry in self.by_hour:
            for hour in entry.hours_of_week():
                week[hour] = entry.endings
        return tuple(week)


def thresholds(weights: Sequence[float]) -> tuple[float, ...]:
    """The upper ends of the parts of [0, 1) that belong to each weight."""
    total = sum(weights)
    return tuple(part / total for part in accumulate(weights))


_BY_DAY = Endings(
    answer=0.27,
    voicemail=0.33,
    screener=0.06,
    no_answer=0.26,
    busy=0.05,
    failed=0.02,
    rejected=0.01,
)
_EVENING = _BY_DAY.model_copy(update={"answer": 0.38, "voicemail": 0.26, "no_answer": 0.22})
_SATURDAY = _BY_DAY.model_copy(update={"answer": 0.34, "voicemail": 0.29, "no_answer": 0.23})
_EARLY = _BY_DAY.model_copy(update={"answer": 0.18, "voicemail": 0.36, "no_answer": 0.32})

_WEEKDAYS = (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)
_EVENINGS = {"days": _WEEKDAYS, "hours": "17:00-21:00"}
_NIGHTS = {"hours": ("21:00-24:00", "00:00-09:00")}
GUESSES = PeopleModel(
    source="guesses that ship with Outdial; no campaign was measured for them",
    endings=_BY_DAY,
    by_hour=(
        HourEndings(days=(Weekday.SAT, Weekday.SUN), endings=_SATURDAY),
        HourEndings.model_validate({**_EVENINGS, "endings": _EVENING}),
        HourEndings.model_validate({**_NIGHTS, "endings": _EARLY}),
    ),
    unreachable=0.15,
    hang_up=0.12,
    dispositions={BOOKED: 0.12, CALL_ME_LATER: 0.08, OPTED_OUT: 0.03},
    hang_up_disposition="hung_up",
)
"""The model that is assumed unless another is given."""
