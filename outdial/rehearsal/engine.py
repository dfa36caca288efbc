"""The port of the loop: what claims, fences and settlements do, whatever keeps the records.

`rehearsal.memory` is the engine of a rehearsal. Tests drive the real store through the same port,
to prove that both do the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass


@dataclass(slots=True, eq=False)
class ReservedCall:
    """A call that a claim has reserved."""

    id: int
    """Calls are numbered in the order in which they are reserved, from 1."""
    position: int
    """The recipient's, on the roster."""
    attempt: int
    line: str
    phone: str
    zone: str
    """Whose clocks the person reads."""
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to one claim."""

    calls: Sequence[ReservedCall]
    """In the order in which they were reserved."""
    in_flight: int
    """These calls included."""
    open_recipients: int
    """Recipients without an end, those in flight included."""
    wake_at: datetime | None
    """When claiming again may find something, if no call ends before."""
    budget_spent: bool = False
    """The budget admits no more calls; nothing but a higher one changes that."""


class Verdict(StrEnum):
    GO = "go"
    WAIT_FOR_RATE = "wait_for_rate"
    WITHDRAWN = "withdrawn"


class Passage(NamedTuple):
    """Whether a call passes the placement fence."""

    verdict: Verdict
    retry_at: datetime | None = None
    """When to ask again."""
    reason: str = ""
    tries_line: bool = False
    """The call tries a line that was out of service: its ring is to be reported, too."""


class CallReport(NamedTuple):
    """How a call ended."""

    status: CallStatus
    at: datetime
    may_have_rung: bool = True
    """False: nothing was dialed, and it is no attempt."""
    answered_by: AnsweredBy | None = None
    failure: FailureClass | None = None
    disposition: str | None = None
    redial_at: datetime | None = None
    """When the person asked to be called again."""
    answered_at: datetime | None = None
    """When somebody or something answered."""
    talk_seconds: float = 0.0


class Engine(Protocol):
    """Keeps the records of one campaign."""

    def claim(self, now: datetime) -> Claimed:
        """Decide about recipients that are due, and reserve calls for those who may be called."""
        ...

    def place(self, call: ReservedCall, now: datetime) -> Passage:
        """Let a call pass the placement fence."""
        ...

    def ring(self, call: ReservedCall, now: datetime) -> None:
        """Take a report that the telephone rings, of a call that tries its line."""
        ...

    def end(self, call: ReservedCall, report: CallReport, now: datetime) -> str:
        """Record a call's end and settle it; its outcome."""
        ...
