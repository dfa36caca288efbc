"""What a due scan decided about recipients."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from outdial.domain.decision.decision import Ledger, ReasonKey


@dataclass(frozen=True, slots=True)
class EndedRecipient:
    """A recipient that a decision has ended: it must not be called."""

    recipient_id: int
    requester_workflow_id: str | None
    reason: str


@dataclass(slots=True)
class DueScan:
    """What a claim decided about the recipients that are due."""

    decisions: int = 0
    promoted: int = 0
    unread: frozenset[str] = frozenset()
    """Groups of recipients some of which are due and were not decided about."""
    outside_hours: bool = False
    """As many as one step reads were put off together: those that follow are probably outside
    their hours, too."""
    ended: list[EndedRecipient] = field(default_factory=list)
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    """The ledgers by which those returned as ready were decided, by recipient."""
    reasons: Counter[ReasonKey] = field(default_factory=Counter)
    """How often each was decided."""

    def followed_by(self, rest: DueScan) -> DueScan:
        """With what was decided after it in the same claim."""
        return DueScan(
            decisions=self.decisions + rest.decisions,
            promoted=self.promoted + rest.promoted,
            unread=rest.unread,
            outside_hours=self.outside_hours or rest.outside_hours,
            ended=self.ended + rest.ended,
            ledgers=rest.ledgers,
            reasons=self.reasons + rest.reasons,
        )

    def beside(self, other: DueScan) -> DueScan:
        """With what was decided about another group in the same claim."""
        return DueScan(
            decisions=self.decisions + other.decisions,
            promoted=self.promoted + other.promoted,
            unread=self.unread | other.unread,
            ended=self.ended + other.ended,
            ledgers=self.ledgers | other.ledgers,
            reasons=self.reasons + other.reasons,
        )
