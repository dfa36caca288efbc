"""What a claim leads to, and what its reservation found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from outdial.domain.call.claim import Claim, ClaimedCall
from outdial.domain.decision.decision import ReasonKey
from outdial.domain.record import Settled
from outdial.store.claims.scan import EndedRecipient
from outdial.store.claims.wakeup import NextWakeup


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim, and what the caller has to signal or publish after the commit."""

    claim: Claim
    settled: tuple[Settled, ...] = ()
    ended: tuple[EndedRecipient, ...] = ()
    offered: tuple[str, ...] = ()
    """Workflows of campaigns for which a slot is kept: they are to claim now."""
    reasons: Mapping[ReasonKey, int] = field(default_factory=dict)
    """How often each decision was made."""


@dataclass(slots=True)
class Reservation:
    """The calls that were reserved, and what kept a claim from reserving more."""

    calls: list[ClaimedCall] = field(default_factory=list)
    ended: list[EndedRecipient] = field(default_factory=list)
    blocked: list[NextWakeup] = field(default_factory=list)
    """Lines that take no more for now."""
    more: bool = False
    """A ready recipient was not tried, though a line takes calls."""
    ran_dry: bool = False
    """A line takes calls; with `more` False, no recipient is ready for it."""
    surplus: bool = False
    """Some were found callable for whom no line is free soon: they are due as before."""
    budget_spent: bool = False
    """The budget of the launch admits no more calls."""
    offered: list[str] = field(default_factory=list)
