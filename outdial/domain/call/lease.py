"""How long a call may hold its slot."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

CLOCK_TOLERANCE = timedelta(minutes=1)
"""By how much the clock of a provider, or of another machine of ours, may be behind."""


class CallLimits(Protocol):
    """The longest ring and talk time: attributes of plans, claimed calls and locked calls."""

    @property
    def ring_timeout(self) -> timedelta: ...
    @property
    def max_duration(self) -> timedelta: ...


def lease_duration(plan: CallLimits) -> timedelta:
    """The longest that a call lasts from its placement on: ring, talk, and clocks that differ."""
    return plan.ring_timeout + plan.max_duration + CLOCK_TOLERANCE
