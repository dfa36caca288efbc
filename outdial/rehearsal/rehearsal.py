"""One rehearsal: everything that its runs have in common, and one run of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from outdial.domain.call.plan import CallPlan
from outdial.domain.rules.location import LocatedDraft
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook
from outdial.rehearsal.fate import Modeled, PeopleSource
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.loop import LINGER, Loop
from outdial.rehearsal.memory import Before, MemoryEngine
from outdial.rehearsal.outcome import Price, Recorder, RunFigures
from outdial.rehearsal.people import GUESSES
from outdial.rehearsal.roster import Person, RosterReader
from outdial.rehearsal.waits import Trace


@dataclass(frozen=True)
class Rehearsal:
    """A campaign that is to be rehearsed. It can be sent to another process."""

    name: str
    """The campaign's."""
    plan: CallPlan
    drafts: tuple[LocatedDraft, ...]
    lines: tuple[LineSetup, ...]
    start: datetime
    people: PeopleSource = field(default_factory=lambda: Modeled(GUESSES))
    rulebook: Rulebook = field(default_factory=shipped_rulebook)
    before: Before = field(default_factory=Before)
    linger: timedelta = LINGER
    price: Price | None = None
    """What each call costs; None: no line has a price. A function of a module, or another process
    could not be sent it."""

    def run(
        self,
        seed: int,
        *,
        trace: Trace | None = None,
        progress: Callable[[datetime], None] | None = None,
    ) -> RunFigures:
        """Run it once. `trace` keeps the steps of the recipient that it names."""
        roster = list(RosterReader().people(self.drafts))
        engine = self.engine(roster, trace)
        recorder = Recorder(seed, self.start, self.price)
        loop = Loop(
            engine,
            self.people.with_seed(seed),
            self.plan,
            record=recorder.record,
            linger=self.linger,
            progress=progress,
        )
        return recorder.close(loop.run(self.start), roster, engine.waits)

    def engine(self, roster: Sequence[Person], trace: Trace | None = None) -> MemoryEngine:
        """An engine that keeps the records of these people, who are changed."""
        return MemoryEngine(
            self.plan,
            roster,
            self.lines,
            self.start,
            rulebook=self.rulebook,
            before=self.before,
            trace=trace,
        )
