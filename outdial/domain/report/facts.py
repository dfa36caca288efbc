"""What a report is added up from: a recipient with its calls, as rows have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from outdial.domain.call.status import NOBODY_REACHED, AnsweredBy, CallStatus
from outdial.domain.money.cost import millionths
from outdial.domain.record import RecipientState

CALLED_LATER = frozenset({"call_me_later", "call_back_later", "not_available", "left_message"})
NOT_WANTED = frozenset({"opted_out", "do_not_call", "declined", "not_interested"})
NOT_THE_PERSON = frozenset({"wrong_number", "wrong_person"})
NO_RESULT = frozenset({"hung_up", "language_barrier", "no_decision", "unknown"})
NOT_RIGHT = CALLED_LATER | NOT_WANTED | NOT_THE_PERSON | NO_RESULT
"""Outcomes of a talk with a person that are not what the campaign is for, unless it is said which
ones are."""


class DialEvidence(NamedTuple):
    """What the receipt of a dial says about the decision."""

    rules: Sequence[str]
    """Ids of the rules in force."""
    rules_version: str
    zone_source: str
    accepted_risks: Sequence[str]
    """Ids of the rules that were set aside."""


class ReportedCall(NamedTuple):
    """A call of a launch."""

    attempt: int
    line: str
    agent: str
    caller_id: str | None
    status: CallStatus
    outcome: str | None
    answered_by: AnsweredBy | None
    is_attempt: bool
    dialed: bool
    """It passed the placement fence."""
    created_at: datetime
    placed_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    cost: float | None
    """By the provider's report, in units of its currency."""
    computed_cost: int | None = None
    """In millionths, by its line's prices, as the budget counts it; None: there is no budget, or
    it is not settled."""
    revision: int | None = None
    """That it was claimed under; None: an old call, which does not say."""
    evidence: DialEvidence | None = None
    callbacks: Sequence[tuple[str, str]] = ()
    """Kind and state of each."""
    bookings: Sequence[str] = ()
    """The present status of each appointment that was made in it."""

    @property
    def price(self) -> int | None:
        """What it has cost, in millionths: by the provider's report, else as computed."""
        return self.computed_cost if self.cost is None else millionths(self.cost)

    @property
    def answered(self) -> bool:
        """Whether anybody or anything answered; of an attempt, which has ended."""
        answered = self.status is CallStatus.COMPLETED or self.answered_at is not None
        return self.is_attempt and answered

    @property
    def by_person(self) -> bool:
        """Whether a person answered. Where nobody says who did, it was a person."""
        return self.answered and self.answered_by not in NOBODY_REACHED

    def is_right(self, right: frozenset[str] | None) -> bool:
        """Whether the talk came to a right outcome: one of those, else any but `NOT_RIGHT`."""
        if not self.by_person or self.outcome is None:
            return False
        if right is not None:
            return self.outcome in right
        return self.outcome not in NOT_RIGHT and self.status is CallStatus.COMPLETED


@dataclass(frozen=True, slots=True)
class ReportedPerson:
    """A recipient of a launch with its calls, in their order."""

    zone: str | None
    """The first of the zones that they may be in; None: they were refused without one."""
    state: RecipientState
    outcome: str | None
    reason: str | None
    calls: Sequence[ReportedCall] = ()
