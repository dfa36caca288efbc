"""What recipients waited for, and every decision about one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

SLOT = "slot"
"""Callable, and no slot was free."""
RETRY = "retry"
"""The time until the next attempt."""


@dataclass(slots=True)
class Waits:
    """How long recipients waited, and how often, by the code of the reason."""

    seconds: dict[str, float] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    def note(self, code: str, since: datetime, until: datetime) -> None:
        waited = (until - since).total_seconds()
        if waited > 0:
            self.seconds[code] = self.seconds.get(code, 0.0) + waited
            self.times[code] = self.times.get(code, 0) + 1


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was decided about a recipient, or happened to it."""

    at: datetime
    what: str
    """`wait`, `never`, `reserved`, `placed`, `withdrawn`, `ended`, `next` or `closed`."""
    code: str
    reason: str
    until: datetime | None = None
    """Of a wait, and of the next attempt."""


@dataclass(slots=True)
class Trace:
    """Every step of one recipient."""

    position: int | None = None
    """None: of nobody."""
    steps: list[Step] = field(default_factory=list)

    def add(
        self,
        position: int,
        at: datetime,
        what: str,
        code: str,
        reason: str,
        until: datetime | None = None,
    ) -> None:
        if position == self.position:
            self.steps.append(Step(at, what, code, reason, until))
