"""What a claim would decide first about each recipient, at the instant at which a rehearsal starts.

A recipient whose number is dropped for good is decided about by the next of its numbers, as a claim
does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from outdial.domain.decision.consequence import drops_number
from outdial.domain.decision.decision import Decision, Ledger
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.rehearsal.roster import Person


class FirstDecision(NamedTuple):
    """One recipient, and whether it would be called."""

    person: Person
    """With the number that is called first."""
    ledger: Ledger
    """Earlier calls that the decision was made by."""
    decision: Decision | None
    """None: it is done already, or refused, for the person's `reason`."""


def first_decisions(of: Rehearsal) -> Iterator[FirstDecision]:
    """The decision about each recipient, in the order of the roster."""
    people = of.roster()
    engine = of.engine(people)
    for person in people:
        if person.done:
            yield FirstDecision(person, Ledger(), None)
            continue
        decision = engine.decide(person, of.start)
        while drops_number(decision, person.others):
            person.use_next_number()
            decision = engine.decide(person, of.start)
        yield FirstDecision(person, engine.ledger(person, of.start), decision)
