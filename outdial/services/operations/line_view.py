"""A line as commands and the API show it.

The circuit breaker's own terms are not shown: "closed", the healthy state of a breaker, reads as
out of service for a line.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from outdial.domain.line.breaker import Circuit, LineFailure
from outdial.store.lines.lines import LineStatus


class LineState(StrEnum):
    IN_SERVICE = "in_service"
    """It takes calls."""
    RESTING = "resting"
    """Too many calls failed: it takes none before `retry_at`."""
    TRYING = "trying"
    """One call is under way, to see whether calls work again."""


_STATE = {
    Circuit.CLOSED: LineState.IN_SERVICE,
    Circuit.OPEN: LineState.RESTING,
    Circuit.TRYING: LineState.TRYING,
}


def line_state(circuit: Circuit) -> LineState:
    return _STATE[circuit]


class LineView(BaseModel):
    """A line's state, its limits, and its latest failures."""

    model_config = ConfigDict(frozen=True)

    name: str
    provider: str
    state: LineState
    since: datetime | None = None
    """When it came into this state."""
    reason: str | None = None
    """Why it is not in service, for people."""
    retry_at: datetime | None = None
    """When one call tries it again."""
    max_concurrent: int
    per_second: float
    in_flight: int
    """Calls on the line now, of all campaigns."""
    held_until: datetime | None = None
    """No call is placed on it before: its credentials or configuration were refused."""
    held_reason: str | None = None
    failures: tuple[LineFailure, ...] = ()
    """The latest, newest first."""

    @classmethod
    def of(cls, status: LineStatus) -> LineView:
        health = status.health
        return cls(
            **status.model_dump(exclude={"health", "failures"}),
            state=line_state(health.circuit),
            since=health.since,
            reason=health.reason,
            retry_at=health.retry_at,
            failures=status.failures,
        )
