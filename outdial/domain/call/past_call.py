"""Calls that have ended, as far as they say how people are reached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass


class PastCall(NamedTuple):
    """A call that has ended, as far as a people model depends on it."""

    at: datetime
    """When it was placed."""
    status: CallStatus
    answered_by: AnsweredBy | None = None
    failure: FailureClass | None = None
    disposition: str | None = None
    dial_seconds: float | None = None
    """From the placement to the ring."""
    ring_seconds: float | None = None
    """From the ring to the answer."""
    talk_seconds: float | None = None
    redial_hours: float | None = None
    """From its end to the time that the person asked for."""


class PastPerson(NamedTuple):
    """A person with all their calls."""

    zone: str
    """Whose clocks they read."""
    calls: Sequence[PastCall]
