"""Rehearsals for tests; each test names only what it is about."""

from __future__ import annotations

from typing import Any

from outdial.domain.call.plan import CallPlan
from outdial.domain.rules.location import locate
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.loop import Attempt, Loop
from outdial.rehearsal.memory import MemoryEngine
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.rehearsal.roster import RosterReader
from tests.builders import LINE, NOW, definition, draft

RETRY: dict[str, Any] = {
    "max_attempts": 3,
    "busy": {"delays": "10m"},
    "no_answer": {"delays": ["1h", "next_day"]},
    "voicemail": {"delays": "next_day"},
}


def rehearsal(people: int = 60, most: int = 25, **changes: Any) -> Rehearsal:
    plan = CallPlan.of(definition(**({"retry": RETRY} | changes)))
    drafts = tuple(each for each, _ in locate([draft(at) for at in range(people)], None))
    lines = (LineSetup(LINE, max_concurrent=most, per_second=10, simulated=True),)
    return Rehearsal("reminder", plan, drafts, lines, NOW)


def calls(of: Rehearsal, seed: int = 1) -> list[Attempt]:
    """The calls of one run, in the order in which they ended."""
    made = list[Attempt]()
    people = list(RosterReader().people(of.drafts))
    engine = MemoryEngine(of.plan, people, of.lines, of.start, before=of.before)
    Loop(engine, of.people.with_seed(seed), of.plan, record=made.append).run(of.start)
    return made
