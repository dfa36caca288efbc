"""One rehearsal: everything that its runs have in common, and one run of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from outdial.domain.call.plan import CallPlan
from outdial.domain.enrolled import EnrolledRecipient
from outdial.domain.rules.location import LocatedDraft
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook
from outdial.rehearsal.fate import Modeled, PeopleSource
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.loop import LINGER, Attempt, Loop
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
    enrolled: Mapping[int, EnrolledRecipient] = field(default_factory=dict)
    """Of a campaign that goes on: its recipients, by position."""

    def run(
        self,
        seed: int,
        *,
        trace: Trace | None = None,
        progress: Callable[[datetime], None] | None = None,
    ) -> RunFigures:
        """Run it once. `trace` keeps the steps of the recipient that it names."""
        roster = self.roster()
        engine = self.engine(roster, trace)
        recorder = Recorder(seed, self.start, self._price())
        loop = Loop(
            engine,
            self.people.with_seed(seed),
            self.plan,
            record=recorder.record,
            linger=self.linger,
            progress=progress,
        )
        return recorder.close(loop.run(self.start), roster, engine.waits)

    def roster(self) -> list[Person]:
        """The recipients as they are at the start."""
        return list(RosterReader().people(self.drafts, self.enrolled))

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

    @property
    def currency(self) -> str | None:
        """The currency of its costs; None: not all lines have a price, or they are in several
        currencies."""
        currencies = {None if line.price is None else line.price.currency for line in self.lines}
        return currencies.pop() if len(currencies) == 1 else None

    def _price(self) -> Price | None:
        """What a call costs by the prices of its line: nothing if it was refused before anything
        was dialed. None without a currency."""
        if self.currency is None:
            return None
        prices = {line.name: line.price for line in self.lines if line.price is not None}

        def price(attempt: Attempt) -> int:
            if not attempt.may_have_rung:
                return 0
            return prices[attempt.line].cost(attempt.talk_seconds)

        return price
