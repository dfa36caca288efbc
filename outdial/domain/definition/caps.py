"""How often somebody may be called: so many calls in a rolling time, or ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from outdial.domain.definition.fields import Duration, Frozen, format_duration
from outdial.domain.hints import Hint

MAX_CALLS = 1000


class CapScope(StrEnum):
    PERSON = "person"
    """Calls to any of the person's numbers count."""
    NUMBER = "number"
    """Calls to the number that is dialed count."""


class Cap(Frozen):
    """At most so many calls within some time, counted over all campaigns."""

    calls: Annotated[int, Field(ge=1, le=MAX_CALLS)]
    """How many calls."""
    within: Annotated[
        Duration | None, Hint("write a duration such as 24h or 30d, or leave it out: ever")
    ] = None
    """The length of the rolling window, such as 24h or 30d; without it, all earlier calls count."""
    per: CapScope = CapScope.PERSON
    """person: over all numbers of the person. number: for each number by itself."""

    def __str__(self) -> str:
        time = "ever" if self.within is None else f"in {format_duration(self.within)}"
        return f"{self.calls} {'call' if self.calls == 1 else 'calls'} {time} per {self.per.value}"


def free_at(cap: Cap, attempts: Sequence[datetime], at: datetime) -> datetime | None:
    """The first instant from `at` on at which the cap admits another call; None: never again.

    `attempts` are sorted, oldest first. A call at T counts until just before T + within.
    """
    if cap.within is None:
        return at if len(attempts) < cap.calls else None
    if len(attempts) < cap.calls:
        return at
    return max(at, attempts[-cap.calls] + cap.within)


def ledger_span(caps: Sequence[Cap]) -> timedelta | None:
    """How far back attempts matter to any of the caps; None: to the beginning."""
    spans = [cap.within for cap in caps]
    if None in spans:
        return None
    return max((span for span in spans if span is not None), default=timedelta(0))
