"""How far a campaign has got with a recipient that is on its roster already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outdial.domain.line.routing import Marks
from outdial.domain.money.spending import NOTHING_SPENT, Spending
from outdial.domain.record import RecipientState


@dataclass(frozen=True, slots=True)
class EnrolledRecipient:
    """A recipient of the present launch, with the values of its row."""

    state: RecipientState
    outcome: str | None
    """Of the last call, or of the decision that ended it."""
    reason: str
    phone: str
    """The number that is called next."""
    others: tuple[str, ...]
    zones: str | None
    """The ZoneEvidence as JSON text."""
    consent: str | None
    """The Consent as JSON text."""
    attempts: int
    outcomes: tuple[str, ...]
    """Of its attempts, oldest first."""
    not_before: datetime | None
    promised: bool
    marks: Marks
    spending: Spending = NOTHING_SPENT
    """Of its calls, as the campaign's budget counts them."""

    @property
    def done(self) -> bool:
        return self.state is RecipientState.DONE
