"""Who is callable: recipients are decided about when they are due, and wait, are ready or end.

As `store.claims.candidates` does it: those whose window has closed while they were ready are
decided again first, then those who are due, those with a time of their own before the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from outdial.domain.call import batches
from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.consequence import drops_number, final_outcome
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Never, Wait
from outdial.domain.decision.earliest import EarliestWaits
from outdial.domain.decision.planner import decide, looks_back
from outdial.domain.record import RecipientState
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook
from outdial.rehearsal.budget import RehearsedBudget
from outdial.rehearsal.history import History
from outdial.rehearsal.queues import Ready, Waiting
from outdial.rehearsal.roster import Person
from outdial.rehearsal.waits import SLOT, Trace, Waits

Decided = tuple[Person, Dial]


@dataclass(slots=True)
class Scan:
    """What a claim decided about the recipients that are due."""

    decisions: int = 0
    promoted: int = 0
    exhausted: bool = False
    """No recipient that is due is left to decide."""
    rescheduled: bool = False


def furthest_back(plan: CallPlan, rulebook: Rulebook, people: Iterable[Person]) -> timedelta | None:
    """How far back any limit asks for earlier attempts to these people; nothing where none does,
    None: to the beginning."""
    kinds = {(person.zones.candidates, person.zones.jurisdictions) for person in people}
    furthest = timedelta(0)
    for zones, jurisdictions in kinds:
        span = looks_back(Candidate(zones, jurisdictions=jurisdictions), plan, rulebook)
        if span is None:
            return None
        furthest = max(furthest, span)
    return furthest


def keeps_attempts(plan: CallPlan, rulebook: Rulebook, people: Sequence[Person]) -> bool:
    """Whether any limit asks for earlier attempts to these people."""
    return furthest_back(plan, rulebook, people) != timedelta(0)


class Decider:
    """Decides about the recipients of one campaign, and knows who is next."""

    def __init__(
        self,
        plan: CallPlan,
        rulebook: Rulebook,
        people: Sequence[Person],
        history: History,
        launched_at: datetime,
        trace: Trace,
        budget: RehearsedBudget,
        *,
        counts_ceiling: bool,
    ) -> None:
        """`counts_ceiling`: some line is no simulated one."""
        self._plan = plan
        self._rulebook = rulebook
        self._history = history
        self._counts_ceiling = counts_ceiling
        self._trace = trace
        self._budget = budget
        self.waits = Waits()
        self.open_recipients = sum(not person.done for person in people)
        self.ready = Ready()
        self.waiting = Waiting(self._enrolled(people, launched_at))

    def _enrolled(self, people: Sequence[Person], now: datetime) -> list[Person]:
        """Those who are called; each is due when the first of its kind may be."""
        waits = EarliestWaits(self._plan, shipped_rulebook(), now)
        enrolled = [person for person in people if not person.done]
        for person in enrolled:
            person.waits_since = now
            wait = waits.of(person.zones)
            if wait is not None:
                person.due_at = max(person.due_at, wait.until)
                self.note_wait(person, wait.reason.code, now, wait.until)
                self._trace_decision(person, wait, now)
        return enrolled

    def needed(self, wanted: int, now: datetime) -> batches.Needed:
        """What is missing until `wanted` recipients are ready."""
        redials, ready = self.ready.counts(now)
        return batches.Needed(wanted - redials, wanted - ready)

    def scan_due(
        self, scan: Scan, need: batches.Needed, at_most: int, now: datetime
    ) -> list[Decided]:
        """Decide step by step until as many are ready as needed, none is due, or `at_most` is
        reached; those who were found ready last."""
        ready: list[Decided] = []
        while scan.decisions < at_most:
            left = need.after(scan.promoted)
            size = left.step(at_most - scan.decisions)
            self.store_ready(ready)
            due = self._find_due(size, left, now)
            ready, others = self._decide_some(due, now, may_stop=not scan.rescheduled)
            decided = len(ready) + len(others)
            self.put_back(due[decided:])
            for person, decision in others:
                self.apply(person, decision, now)
            scan.decisions += decided
            scan.promoted += len(ready)
            if decided == len(due) < size:
                scan.exhausted = left.all > 0
                break
            if scan.promoted >= need.all:
                break
            if not scan.rescheduled and any(isinstance(one, Wait) for _, one in others):
                scan.rescheduled = True
                if self._reschedule(now, ready) == batches.RESCHEDULED:
                    break
        return ready

    def _decide_some(
        self, due: Sequence[Person], now: datetime, *, may_stop: bool
    ) -> tuple[list[Decided], list[tuple[Person, Wait | Never]]]:
        """Decide about recipients in their order. Where the first of them wait, those that follow
        are probably outside their hours, and are put off together."""
        ready, others = list[Decided](), list[tuple[Person, Wait | Never]]()
        waits = 0
        for person in due:
            if waits == batches.SMALLEST_STEP and not ready and may_stop:
                break
            decision = self.decide(person, now)
            waits += isinstance(decision, Wait)
            if isinstance(decision, Dial):
                ready.append((person, decision))
            else:
                others.append((person, decision))
        return ready, others

    def put_back(self, people: Sequence[Person]) -> None:
        """Leave them as they were before they were found due."""
        for person in people:
            if person.state is RecipientState.READY:
                self.ready.add(person)
            else:
                self.waiting.add(person)

    def _find_due(self, size: int, left: batches.Needed, now: datetime) -> list[Person]:
        """Those whose window has closed, then those with a time of their own, then the others."""
        due = self.ready.pop_closed(size, now)
        if left.redials > 0:
            due += self.waiting.pop_due(0, size - len(due), now)
        if left.all > 0:
            due += self.waiting.pop_due(1, size - len(due), now)
        return due

    def _reschedule(self, now: datetime, ready: Sequence[Decided]) -> int:
        """Put off the first recipients that are due, as far as nobody with their zones may be
        called yet; how many were. `ready` are the first of them, who may be."""
        callable_ones = sum(
            person.turn == 1 and person.state is RecipientState.WAITING for person, _ in ready
        )
        first = self.waiting.pop_due(1, batches.RESCHEDULED - callable_ones, now)
        waits = EarliestWaits(self._plan, self._rulebook, now)
        put_off = 0
        for person in first:
            wait = waits.of(person.zones)
            if wait is None:
                self.waiting.add(person)
            else:
                put_off += 1
                self.apply(person, wait, now)
        return put_off

    def candidate(self, person: Person) -> Candidate:
        zones = person.zones
        return Candidate(
            zones.candidates,
            person.attempts,
            person.not_before,
            self._history.suppression(person.phone),
            zones.jurisdictions,
            person.consent,
            person.promised,
            zones.destinations,
            person.marks,
        )

    def ledger(self, person: Person, now: datetime) -> Ledger:
        """Earlier calls that a decision about the person is made by."""
        ledger = self._history.ledger(person, now, counts_ceiling=self._counts_ceiling)
        budget = self._budget.of_person(person.position)
        return ledger if budget is None else replace(ledger, budget=budget)

    def decide(self, person: Person, now: datetime) -> Decision:
        ledger = self.ledger(person, now)
        return decide(
            self.candidate(person), self._plan, ledger, now, self._rulebook, evidence=False
        )

    def store_ready(self, ready: list[Decided]) -> None:
        for person, dial in ready:
            person.state, person.closes_at = RecipientState.READY, dial.closes_at
            self.ready.add(person)

    def apply(self, person: Person, decision: Wait | Never, now: datetime) -> None:
        """Put a decision against a call into force."""
        if drops_number(decision, person.others):
            person.use_next_number()
            person.state = RecipientState.WAITING
            self.waiting.add(person)
        elif isinstance(decision, Wait):
            person.state, person.due_at = RecipientState.WAITING, decision.until
            person.reason = decision.reason.text
            self.waits.note(SLOT, person.waits_since, now)
            self.note_wait(person, decision.reason.code, now, decision.until)
            self.waiting.add(person)
        else:
            person.state = RecipientState.DONE
            person.outcome = final_outcome(person.outcome, decision)
            person.reason = decision.reason.text
            self.open_recipients -= 1
        self._trace_decision(person, decision, now)

    def note_wait(self, person: Person, code: str, now: datetime, until: datetime) -> None:
        self.waits.note(code, now, until)
        person.waits_since = until

    def _trace_decision(self, person: Person, decision: Wait | Never, now: datetime) -> None:
        if person.position == self._trace.position:
            until = decision.until if isinstance(decision, Wait) else None
            what = "never" if until is None else "wait"
            reason = decision.reason
            self._trace.add(person.position, now, what, reason.code, reason.text, until)
