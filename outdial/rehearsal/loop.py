"""The virtual-time loop: does what `CampaignWorkflow` and `CallWorkflow` do, without waiting.

A campaign claims when a slot has become free or its timer fires. A call is placed at once, waits at
the fence for its line's rate, rings, is talked on and ends; its end frees a slot. Time jumps from
one of these to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from heapq import heappop, heappush
from typing import Any, NamedTuple

from outdial.domain.call.policy import CallPolicy
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.rehearsal.engine import CallReport, Claimed, Engine, ReservedCall, Verdict
from outdial.rehearsal.fate import CalledPerson, Fate, People

LINGER = timedelta(milliseconds=500)
"""How long a campaign waits for more slots once one is free, as workers do unless they are set up
otherwise."""
HORIZON = timedelta(days=3 * 366)
"""How far a rehearsal goes: no campaign that is worth rehearsing takes longer."""
_MOST_IDLE_CLAIMS = 100_000
"""Claims at one instant. Each decides about somebody, so that only a defect needs more."""


class Attempt(NamedTuple):
    """A call of a rehearsal that has ended."""

    position: int
    """The recipient's."""
    attempt: int
    line: str
    zone: str
    placed_at: datetime | None
    """None: it was withdrawn at the fence."""
    answered_at: datetime | None
    """None: nobody and nothing did."""
    ended_at: datetime
    outcome: str
    answered_by: AnsweredBy | None
    talk_seconds: float
    may_have_rung: bool
    """False: nothing was dialed."""

    @property
    def reached(self) -> bool:
        """Whether a person answered, and not something in their place."""
        return self.answered_by is AnsweredBy.HUMAN


@dataclass(frozen=True, slots=True)
class Ending:
    """How a rehearsal ended."""

    at: datetime
    claims: int
    most_in_flight: int
    finished: bool
    """False: recipients were left at the horizon, or when the budget was spent."""


class _Step(IntEnum):
    """Events of one instant are carried out in this order."""

    END = 0
    RING = 1
    PLACE = 2
    WAKE = 3
    CLAIM = 4


class Loop:
    """One campaign from its launch to its end."""

    def __init__(
        self,
        engine: Engine,
        people: People,
        policy: CallPolicy,
        *,
        record: Callable[[Attempt], None],
        linger: timedelta = LINGER,
        progress: Callable[[datetime], None] | None = None,
    ) -> None:
        """`record` is given each call when it has ended, `progress` the time of each claim."""
        self._engine = engine
        self._people = people
        self._ring_timeout = policy.ring_timeout.total_seconds()
        self._max_duration = policy.max_duration.total_seconds()
        self._record = record
        self._linger = linger
        self._progress = progress
        self._agenda: list[tuple[datetime, int, int, Any]] = []
        self._entries = 0
        self._in_flight = self._most_in_flight = 0
        self._claims = 0
        self._idle_claims = 0
        self._awake = True
        self._slot_free = False
        self._lingering = self._lingered = False
        self._alarm: datetime | None = None

    def run(self, start: datetime, *, horizon: timedelta = HORIZON) -> Ending:
        """Run until no recipient is left or the budget is spent, or up to the horizon."""
        now, last = start, start + horizon
        while True:
            claimed = self._claim_if_due(now)
            while claimed is not None:
                if not claimed.open_recipients and not claimed.in_flight:
                    return self._ending(now, finished=True)
                if claimed.budget_spent and not claimed.in_flight:
                    return self._ending(now, finished=False)
                claimed = self._claim_if_due(now)
            if not self._agenda:
                raise RuntimeError("recipients are open, and nothing is waited for")
            now = self._agenda[0][0]
            if now > last:
                return self._ending(last, finished=False)
            self._idle_claims = 0
            while self._agenda and self._agenda[0][0] == now:
                _, step, _, subject = heappop(self._agenda)
                self._carry_out(_Step(step), subject, now)

    def _ending(self, at: datetime, *, finished: bool) -> Ending:
        return Ending(at, self._claims, self._most_in_flight, finished)

    def _carry_out(self, step: _Step, subject: Any, now: datetime) -> None:
        if step is _Step.END:
            call, report, placed_at = subject
            self._end(call, report, placed_at, now)
        elif step is _Step.PLACE:
            self._place(subject, now)
        elif step is _Step.RING:
            self._engine.ring(subject, now)
        elif step is _Step.WAKE:
            if self._alarm == now:
                self._alarm = None
            self._awake = True
        else:
            self._lingering, self._lingered = False, True

    def _claim_if_due(self, now: datetime) -> Claimed | None:
        """Claim where a slot is free or the timer has fired. While calls are in flight, a free slot
        is followed by others: they are waited for a moment."""
        if self._lingering or not (self._lingered or self._awake or self._slot_free):
            return None
        if not self._lingered:
            self._awake = False
            if self._slot_free and self._in_flight and self._linger:
                self._lingering = True
                self._add(now + self._linger, _Step.CLAIM, None)
                return None
        self._lingered = self._slot_free = False
        self._claims += 1
        self._idle_claims += 1
        if self._idle_claims > _MOST_IDLE_CLAIMS:
            raise RuntimeError(f"{self._idle_claims} claims at {now} changed nothing")
        if self._progress is not None:
            self._progress(now)
        claimed = self._engine.claim(now)
        self._in_flight = claimed.in_flight
        self._most_in_flight = max(self._most_in_flight, claimed.in_flight)
        for call in claimed.calls:
            self._place(call, now)
        self._set_alarm(claimed.wake_at, now)
        return claimed

    def _set_alarm(self, at: datetime | None, now: datetime) -> None:
        if at is None:
            return
        if at <= now:
            self._awake = True
        elif self._alarm is None or at < self._alarm:
            self._alarm = at
            self._add(at, _Step.WAKE, None)

    def _place(self, call: ReservedCall, now: datetime) -> None:
        passage = self._engine.place(call, now)
        if passage.verdict is Verdict.WITHDRAWN:
            report = CallReport(CallStatus.CANCELED, now, may_have_rung=False)
            self._end(call, report, None, now)
        elif passage.verdict is Verdict.WAIT_FOR_RATE:
            assert passage.retry_at is not None, passage
            self._add(passage.retry_at, _Step.PLACE, call)
        else:
            self._follow(call, now, reports_ring=passage.tries_line)

    def _follow(self, call: ReservedCall, now: datetime, *, reports_ring: bool) -> None:
        person = CalledPerson(
            call.position,
            call.phone,
            call.attempt,
            call.zone,
            self._ring_timeout,
            self._max_duration,
        )
        fate = self._people.fate(person, now)
        if reports_ring and fate.rings_after is not None:
            self._add(now + timedelta(seconds=fate.rings_after), _Step.RING, call)
        report = _report(fate, now)
        self._add(report.at, _Step.END, (call, report, now))

    def _end(
        self, call: ReservedCall, report: CallReport, placed_at: datetime | None, now: datetime
    ) -> None:
        outcome = self._engine.end(call, report, now)
        self._in_flight -= 1
        self._slot_free = True
        self._record(
            Attempt(
                call.position,
                call.attempt,
                call.line,
                call.zone,
                placed_at,
                report.answered_at,
                now,
                outcome,
                report.answered_by,
                report.talk_seconds,
                report.may_have_rung,
            )
        )

    def _add(self, at: datetime, step: _Step, subject: Any) -> None:
        self._entries += 1
        heappush(self._agenda, (at, int(step), self._entries, subject))


def _report(fate: Fate, placed_at: datetime) -> CallReport:
    at = placed_at + timedelta(seconds=fate.ends_after)
    redial, answered = fate.redial_after, fate.answered_after
    return CallReport(
        fate.status,
        at,
        may_have_rung=fate.dialed,
        answered_by=fate.answered_by,
        failure=fate.failure,
        disposition=fate.disposition,
        redial_at=None if redial is None else at + timedelta(seconds=redial),
        answered_at=None if answered is None else placed_at + timedelta(seconds=answered),
        talk_seconds=fate.talk_seconds,
    )
