"""The lines of a rehearsal: their slots, rates and circuit breakers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import (
    BreakerPolicy,
    Circuit,
    Health,
    LineFailure,
    Verdict,
    after_trial,
    judge,
    start_trial,
    verdict_of,
)
from outdial.domain.line.capacity import LINE_RETRY, Contention, LineState
from outdial.domain.line.rate import Bucket, rate_of
from outdial.domain.money.price import LinePrice
from outdial.rehearsal.engine import CallReport, ReservedCall

_MOST_REMEMBERED = 10_000
"""Placements, of which those of the breaker's window count."""


@dataclass(frozen=True, slots=True)
class LineSetup:
    """A line as it is configured."""

    name: str
    max_concurrent: int
    per_second: float
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    simulated: bool = False
    """Its calls don't count towards the installation's daily ceiling."""
    price: LinePrice | None = None


@dataclass(slots=True, eq=False)
class RehearsedLine:
    """A line while calls are made on it. Nobody else uses it."""

    setup: LineSetup
    health: Health = field(default_factory=Health)
    used: int = 0
    _claimed: list[int] = field(default_factory=list)
    """Calls that were not placed yet, oldest first."""
    _placed: list[datetime] = field(default_factory=list)
    """When calls were placed that have not failed."""
    _failures: list[LineFailure] = field(default_factory=list)
    _calls: int = 0
    _seconds: int = 1
    _bucket: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self._calls, self._seconds = rate_of(self.setup.per_second)
        self._bucket = Bucket(self._calls, self._seconds)

    # --- what an allowance depends on (`LineUse`)

    @property
    def state(self) -> LineState:
        most = self.setup.max_concurrent
        return LineState(self.setup.name, most, self._calls, self._seconds, self.health)

    @property
    def mine(self) -> int:
        return self.used

    def at_fence(self) -> int:
        return len(self._claimed)

    def look_again_after(self) -> timedelta:
        return LINE_RETRY

    def contention(self, most: int, free: int) -> Contention | None:
        del most, free
        return None

    # --- what happens to it

    def reserve(self, call: ReservedCall, now: datetime, *, trial: bool) -> None:
        self.used += 1
        self._claimed.append(call.id)
        if trial:
            self.health = start_trial(self.health, str(call.id), now)

    def tries(self, call: ReservedCall) -> bool:
        """Whether this call tries the line."""
        return self.health.trial_call_id == str(call.id)

    def refusal(self, call: ReservedCall) -> str | None:
        """Why the line takes no such call now; None when it does."""
        if self.health.circuit is Circuit.CLOSED or self.tries(call):
            return None
        return f"line {self.setup.name} takes no calls: {self.health.reason}"

    def take_token(self, call: ReservedCall, now: datetime) -> datetime | None:
        """Place the call, if the rate admits one; else when to ask again."""
        at = bisect_left(self._claimed, call.id)
        if not self._bucket.take(now):
            return self._bucket.free_again_at(now, at)
        del self._claimed[at]
        self._placed.append(now)
        if len(self._placed) > _MOST_REMEMBERED:
            self._forget(now - self.setup.breaker.window)
        return None

    def ring(self, call: ReservedCall, now: datetime) -> None:
        """The telephone rings of a call that tries the line."""
        if self.tries(call):
            self.health = after_trial(self.health, self.setup.breaker, Verdict.WORKS, None, now)

    def end(
        self, call: ReservedCall, report: CallReport, placed_at: datetime | None, now: datetime
    ) -> None:
        self.used -= 1
        if placed_at is None:
            self._claimed.remove(call.id)
        if report.status is CallStatus.FAILED and placed_at is not None:
            at = bisect_left(self._placed, placed_at)
            if self._placed[at : at + 1] == [placed_at]:
                del self._placed[at]
        verdict = verdict_of(report.status, report.failure)
        tries = self.tries(call)
        if not tries and verdict is not Verdict.FAILS:
            return
        failure = LineFailure(at=now, failure=report.failure or FailureClass.UNAVAILABLE)
        if verdict is Verdict.FAILS:
            self._failures.append(failure)
        if tries:
            self.health = after_trial(self.health, self.setup.breaker, verdict, failure, now)
        elif self.health.circuit is Circuit.CLOSED:
            self._judge(now)

    def _judge(self, now: datetime) -> None:
        after = now - self.setup.breaker.window
        if self.health.since is not None:
            after = max(after, self.health.since)
        self._failures = [failure for failure in self._failures if failure.at > after]
        self._forget(after)
        self.health = judge(self.health, self.setup.breaker, len(self._placed), self._failures, now)

    def _forget(self, until: datetime) -> None:
        """Calls placed up to then count no more."""
        del self._placed[: bisect_right(self._placed, until)]
