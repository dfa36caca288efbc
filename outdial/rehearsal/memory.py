"""The engine of a rehearsal: keeps in memory what the store keeps in tables, with the same order,
limits and decisions.

What it does is described where the store does it: `store.claims.reservation` (calls within every
limit), `store.claims.fence` and `store.call.settlement`; who is next is in `rehearsal.deciding`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from outdial.domain.call import batches
from outdial.domain.call.plan import CallPlan
from outdial.domain.call.settlement import Close
from outdial.domain.decision.ceiling import DAILY_CEILING
from outdial.domain.decision.decision import Decision, Dial, Ledger, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.line.capacity import (
    LINE_RETRY,
    MINUTE,
    Allowance,
    LineCapacity,
    concurrency_reached,
    line_allowance,
    pace_reached,
)
from outdial.domain.money.spending import EarlierSpending
from outdial.domain.record import RecipientState
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook
from outdial.rehearsal.budget import RehearsedBudget
from outdial.rehearsal.deciding import Decided, Decider, Scan, keeps_attempts
from outdial.rehearsal.engine import CallReport, Claimed, Passage, ReservedCall, Verdict
from outdial.rehearsal.history import History
from outdial.rehearsal.lines import LineSetup, RehearsedLine
from outdial.rehearsal.roster import Person
from outdial.rehearsal.settling import Settler
from outdial.rehearsal.waits import RETRY, SLOT, Trace, Waits

_LINE_BUSY = Reason("line_busy", "the line that is left for this recipient takes no call now")
_NUMBER_BUSY = Reason("number_busy", "another call to this recipient is under way")


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a roster's numbers when its campaign starts."""

    attempts: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    """Earlier calls, by number."""
    placements: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    """Those of the day before that count towards the daily ceiling."""
    suppressed: Mapping[str, str] = field(default_factory=dict)
    """Why a number must not be called."""
    daily_ceiling: int = DAILY_CEILING
    spending: EarlierSpending = field(default_factory=EarlierSpending)
    """What is used of the campaign's budget."""


@dataclass(slots=True)
class _Reserved:
    """The calls that a claim reserved, and what kept it from reserving more."""

    calls: list[ReservedCall] = field(default_factory=list)
    more: bool = False
    ran_dry: bool = False
    surplus: bool = False
    blocked: list[datetime | None] = field(default_factory=list)


class MemoryEngine:
    """One campaign, and nobody else on its lines."""

    def __init__(
        self,
        plan: CallPlan,
        people: Sequence[Person],
        lines: Iterable[LineSetup],
        launched_at: datetime,
        *,
        rulebook: Rulebook | None = None,
        before: Before | None = None,
        trace: Trace | None = None,
    ) -> None:
        """`people` are changed; `trace` names the recipient whose steps are kept."""
        before = before or Before()
        self._plan = plan
        self._rulebook = rulebook or shipped_rulebook()
        self._group = plan.line
        self._routes = {self._group: plan.shares}
        setups = {line.name: line for line in lines}
        self._lines = {
            share.name: RehearsedLine(setups[share.name])
            for share in plan.shares
            if share.name in setups
        }
        self._people = {person.position: person for person in people}
        self._settler = Settler(plan, self._rulebook)
        self._budget = RehearsedBudget(
            plan, (line.setup for line in self._lines.values()), before.spending
        )
        self._history = History(
            keeps_attempts=keeps_attempts(plan, self._rulebook, people),
            daily_ceiling=before.daily_ceiling,
            attempts=before.attempts,
            placements=before.placements,
            suppressed=before.suppressed,
        )
        self._trace = trace or Trace()
        self._decider = Decider(
            plan,
            self._rulebook,
            people,
            self._history,
            launched_at,
            self._trace,
            self._budget,
            counts_ceiling=not all(line.setup.simulated for line in self._lines.values()),
        )
        self._in_flight = 0
        self._calls = 0
        self._made: deque[datetime] = deque()
        """The calls of the last minute, where they are limited."""
        self._placed_at: dict[int, datetime] = {}

    @property
    def waits(self) -> Waits:
        """What recipients have waited for."""
        return self._decider.waits

    def decide(self, person: Person, now: datetime) -> Decision:
        """Whether a call to a recipient may be placed, as a claim decides it."""
        return self._decider.decide(person, now)

    def ledger(self, person: Person, now: datetime) -> Ledger:
        """Earlier calls that such a decision is made by."""
        return self._decider.ledger(person, now)

    # --- claim

    def claim(self, now: datetime) -> Claimed:
        allowance = self._campaign_allowance(now)
        scan, reserved = Scan(), _Reserved()
        if allowance.free > 0:
            free = min(allowance.free, batches.MAX_CALLS)
            at_most = batches.MAX_DECISIONS - free - batches.SLACK
            capacity = LineCapacity(self._routes, self._line_allowances(now))
            usable = capacity.free_for(self._group)
            need = self._decider.needed(min(free, max(usable, batches.SLACK)), now)
            ready = self._decider.scan_due(scan, need, at_most, now)
            reserved = self._reserve(ready, free, capacity, now)
            if len(reserved.calls) == allowance.free:
                allowance = self._campaign_allowance(now)
        wake_at = self._next_wakeup(allowance, scan, reserved, now)
        budget = self._budget.allowance(now)
        return Claimed(
            reserved.calls,
            self._in_flight,
            self._decider.open_recipients,
            wake_at,
            budget is not None and budget.exhausted == "most",
        )

    def _campaign_allowance(self, now: datetime) -> Allowance:
        budget, allowance = self._budget.allowance(now), self._by_pacing(now)
        return allowance if budget is None else budget.narrow(allowance)

    def _by_pacing(self, now: datetime) -> Allowance:
        pacing = self._plan.pacing
        free = pacing.max_concurrent - self._in_flight
        if free <= 0:
            return concurrency_reached(self._in_flight, pacing.max_concurrent)
        if pacing.per_minute is not None:
            since = now - MINUTE
            while self._made and self._made[0] <= since:
                self._made.popleft()
            reached = pace_reached(pacing.per_minute, list(reversed(self._made)))
            if reached is not None:
                return reached
            free = min(free, pacing.per_minute - len(self._made))
        return Allowance(free)

    def _line_allowances(self, now: datetime) -> dict[str, Allowance]:
        return {name: line_allowance(line.state, line, now) for name, line in self._lines.items()}

    def _reserve(
        self, ready: list[Decided], at_most: int, capacity: LineCapacity, now: datetime
    ) -> _Reserved:
        """Reserve calls for at most `at_most` ready recipients, in the order of their windows.

        `ready` were just decided; of those that get no call, a few are kept as ready."""
        reserved, stock = _Reserved(), self._decider.ready
        count = capacity.free_for(self._group)
        size = min(count, at_most) + batches.SLACK if count > 0 else 0
        stored = stock.first(size)
        candidates = _in_order(stored, ready) if count > 0 else []
        decided = {person.id: dial for person, dial in ready}
        moved, reached = self._reserve_in_order(
            reserved.calls, candidates, decided, at_most, capacity, now
        )
        stock.remove_among(size, moved)
        left = [one for one in ready if one[0].id not in moved]
        if len(left) > batches.MOST_LEFT and capacity.usable == 0:
            left.sort(key=lambda one: (one[1].closes_at, one[0].turn, one[0].id))
            self._decider.put_back([person for person, _ in left[batches.MOST_LEFT :]])
            del left[batches.MOST_LEFT :]
            reserved.surplus = True
        self._decider.store_ready(left)
        reserved.ran_dry = capacity.free_for(self._group) > 0
        unread = count > 0 and len(stored) == size
        reserved.more = reserved.ran_dry and (unread or reached < len(candidates))
        reserved.blocked = [allowance.again_at for allowance in capacity.full()]
        return reserved

    def _reserve_in_order(
        self,
        calls: list[ReservedCall],
        candidates: Sequence[Person],
        decided: Mapping[int, Dial],
        at_most: int,
        capacity: LineCapacity,
        now: datetime,
    ) -> tuple[set[int], int]:
        """Add calls; the ids of recipients that are no longer ready, and how many were tried."""
        moved, reached, busy = set[int](), 0, set[str]()
        for person in candidates:
            if len(calls) >= at_most:
                break
            reached += 1
            line = capacity.line_for(self._group, person.marks, self._calls)
            if line is None and capacity.free_for(self._group) <= 0:
                continue
            moved.add(person.id)
            if line is None:
                self._decider.apply(person, Wait(now + LINE_RETRY, _LINE_BUSY), now)
                continue
            if self._history.is_busy(person) or not busy.isdisjoint(person.subscribers):
                self._decider.apply(person, Wait(now + batches.NUMBER_RETRY, _NUMBER_BUSY), now)
                continue
            decision = decided.get(person.id) or self._decider.decide(person, now)
            if isinstance(decision, Dial):
                calls.append(self._begin(person, line, capacity, now))
                busy.update(person.subscribers)
            else:
                self._decider.apply(person, decision, now)
        return moved, reached

    def _begin(
        self, person: Person, line: str, capacity: LineCapacity, now: datetime
    ) -> ReservedCall:
        self._calls += 1
        self._in_flight += 1
        person.state = RecipientState.CALLING
        person.calls += 1
        call = ReservedCall(
            id=self._calls,
            position=person.position,
            attempt=person.attempts + 1,
            line=line,
            phone=person.phone,
            zone=person.zone,
            claimed_at=now,
        )
        self._lines[line].reserve(call, now, trial=capacity.allowances[line].trial)
        capacity.reserve(line)
        self._history.begin_call(person.phone)
        self._budget.reserve(call, now)
        if self._plan.pacing.per_minute is not None:
            self._made.append(now)
        self.waits.note(SLOT, person.waits_since, now)
        self._trace.add(
            person.position, now, "reserved", line, f"attempt {call.attempt} on line {line}"
        )
        return call

    def _next_wakeup(
        self, allowance: Allowance, scan: Scan, reserved: _Reserved, now: datetime
    ) -> datetime | None:
        """The earliest instant at which another claim may find something."""
        if allowance.free <= 0:
            return allowance.again_at
        exhausted = scan.exhausted and not reserved.surplus
        if reserved.more or (reserved.ran_dry and not exhausted):
            return now
        due = self._decider.waiting.next_due() if exhausted else None
        return min((at for at in (*reserved.blocked, due) if at is not None), default=None)

    # --- a call

    def place(self, call: ReservedCall, now: datetime) -> Passage:
        line, person = self._lines[call.line], self._people[call.position]
        objection = line.refusal(call)
        if objection is None and now != call.claimed_at:
            # At the instant of the claim, it was decided by the same facts.
            decision = self._decide_at_fence(person, line, now)
            objection = None if isinstance(decision, Dial) else decision.reason.text
        if objection is not None:
            self._trace.add(person.position, now, "withdrawn", call.line, objection)
            return Passage(Verdict.WITHDRAWN, reason=objection)
        retry_at = line.take_token(call, now)
        if retry_at is not None:
            return Passage(Verdict.WAIT_FOR_RATE, retry_at)
        self._placed_at[call.id] = now
        if not line.setup.simulated:
            self._history.note_placement(call.phone, now)
        self._trace.add(person.position, now, "placed", call.line, "")
        return Passage(Verdict.GO, tries_line=line.tries(call))

    def _decide_at_fence(self, person: Person, line: RehearsedLine, now: datetime) -> Decision:
        simulated = line.setup.simulated
        ledger = self._history.ledger(person, now, counts_ceiling=not simulated)
        return decide(
            self._decider.candidate(person), self._plan, ledger, now, self._rulebook, evidence=False
        )

    def ring(self, call: ReservedCall, now: datetime) -> None:
        self._lines[call.line].ring(call, now)

    def end(self, call: ReservedCall, report: CallReport, now: datetime) -> str:
        person = self._people[call.position]
        placed_at = self._placed_at.pop(call.id, None)
        self._in_flight -= 1
        self._history.end_call(call.phone)
        self._budget.settle(call, report)
        if report.may_have_rung:
            self._history.note_attempt(call.phone, placed_at or call.claimed_at)
        elif placed_at is not None:
            self._history.take_back_placement(call.phone)
        phones = (person.phone, *person.others)
        settlement = self._settler.settle(
            person, call, report, suppressed=self._history.suppression(call.phone), now=now
        )
        if settlement.suppress is not None:
            self._history.suppress(phones, settlement.suppress)
        following = settlement.following
        self._trace.add(person.position, now, "ended", settlement.outcome, "")
        if isinstance(following, Close):
            self._decider.open_recipients -= 1
            self._trace.add(
                person.position, now, "closed", following.reason.code, following.reason.text
            )
        else:
            self._decider.note_wait(person, RETRY, now, following.not_before)
            self._decider.waiting.add(person)
            self._trace.add(
                person.position, now, "next", following.reason.code, following.reason.text,
                following.not_before,
            )  # fmt: skip
        self._lines[call.line].end(call, report, placed_at, now)
        return settlement.outcome


def _in_order(stored: list[Person], ready: Sequence[Decided]) -> list[Person]:
    """Those who were ready and those who were just decided, by when their windows close."""
    if not ready:
        return stored
    closing = [(person.closes_at, person.turn, person.id, person) for person in stored]
    closing += [(dial.closes_at, person.turn, person.id, person) for person, dial in ready]
    return [entry[3] for entry in sorted(closing)]
