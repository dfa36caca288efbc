"""Input and result of a decision about a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from outdial.domain.decision.ceiling import Ceiling
from outdial.domain.decision.reasons import Reason
from outdial.domain.definition.caps import Cap, CapScope
from outdial.domain.line.routing import Marks
from outdial.domain.money.spending import PersonBudget
from outdial.domain.rules.consent import Consent


@dataclass(frozen=True, slots=True)
class Candidate:
    """One recipient as a decision sees it."""

    zones: tuple[str, ...]
    attempts: int = 0
    not_before: datetime | None = None
    suppressed: str | None = None
    """Why the number must not be called, when it must not."""
    jurisdictions: tuple[str, ...] = ()
    consent: Consent | None = None
    promised: bool = False
    """`not_before` is a time that the person asked for: parts of the day do not matter."""
    destinations: tuple[str, ...] = ()
    """Country and type of the person's numbers, as zone evidence notes them."""
    marks: Marks = field(default_factory=dict)
    """How lines failed the number that is dialed next."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Attempts that count towards limits, over all campaigns; UTC, oldest first."""

    attempts: tuple[datetime, ...] = ()
    """To any number of the person."""
    to_number: tuple[datetime, ...] | None = None
    """To the number that is dialed next; None: the person has no other."""
    ceiling: Ceiling | None = None
    """Of the installation over the number that is dialed next, when it is reached."""
    budget: PersonBudget | None = None
    """Of the campaign for this person; None: there is none, or the call is reserved already."""

    def towards(self, cap: Cap) -> tuple[datetime, ...]:
        """The attempts that a cap counts, whenever they were."""
        if cap.per is CapScope.NUMBER and self.to_number is not None:
            return self.to_number
        return self.attempts

    def used(self, cap: Cap, now: datetime) -> int:
        """How many attempts count towards a cap at an instant."""
        made = self.towards(cap)
        return len(made) if cap.within is None else sum(at > now - cap.within for at in made)


@dataclass(frozen=True, slots=True)
class Dial:
    """Call now; the window closes at `closes_at`. The evidence is stored with the call."""

    closes_at: datetime
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Never:
    reason: Reason


Decision = Dial | Wait | Never

ReasonKey = tuple[str, str]
"""`dial`, `wait` or `never`, and the code of the reason; that of a dial is `callable`."""


def reason_key(decision: Decision) -> ReasonKey:
    if isinstance(decision, Dial):
        return "dial", "callable"
    return "wait" if isinstance(decision, Wait) else "never", decision.reason.code
