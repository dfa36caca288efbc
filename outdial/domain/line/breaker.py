"""The circuit breaker of a line: when it stops taking calls, tries again, and takes them again.

    closed ──too many failures──▶ open ──its wait is over──▶ trying ──the one call works──▶ closed
                                   ▲                            │
                                   └────────it fails────────────┘

Pure functions of what is handed in; the store says when they are called, and with which evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.definition.fields import Duration, format_duration
from outdial.domain.definition.frozen import Frozen


class BreakerPolicy(Frozen):
    """When the circuit of a line opens, and how it is tried again."""

    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Failures among the calls of the window from which on the line opens."""
    window: Duration = timedelta(minutes=5)
    """How far back calls count. A provider's incident lasts longer, a burst of bad numbers less."""
    min_attempts: Annotated[int, Field(ge=1)] = 10
    """With fewer calls in the window it stays closed: three failures of four may be chance."""
    wait: Duration = timedelta(seconds=30)
    """From the opening to the one call that tries it; doubled each time that call fails."""
    longest_wait: Duration = timedelta(minutes=10)

    def enough_working(self, failures: int) -> int:
        """How many calls that work keep the line closed beside `failures`: counting more of them
        changes nothing."""
        return int(failures / self.share) - failures + 2


class Circuit(StrEnum):
    CLOSED = "closed"
    """Calls pass."""
    OPEN = "open"
    """No call passes before `retry_at`."""
    TRYING = "trying"
    """One call is under way, to see whether calls work again."""


class Verdict(StrEnum):
    """What a call says about the line it was made on."""

    WORKS = "works"
    FAILS = "fails"
    NOTHING = "nothing"


class LineFailure(Frozen):
    """A call that the line failed."""

    at: datetime
    failure: FailureClass
    detail: str | None = None
    """The provider's own words."""


class Health(Frozen):
    """The state of a line's circuit."""

    circuit: Circuit = Circuit.CLOSED
    since: datetime | None = None
    """When it came into this state; in a closed circuit, earlier calls count no more. None: from
    the beginning."""
    reason: str | None = None
    """Why it is not closed, for people."""
    retry_at: datetime | None = None
    trial_call_id: str | None = None
    openings: int = 0
    """In a row, without a call that worked in between."""

    def admits_trial(self, now: datetime) -> bool:
        """Whether one call may try the line now."""
        return self.circuit is Circuit.OPEN and (self.retry_at is None or self.retry_at <= now)


NOT_TRIED_WAIT = timedelta(seconds=5)
"""How soon another call tries the line when the one that was to try it was withdrawn or
throttled."""
_FAILURES = frozenset(
    {
        FailureClass.UNAVAILABLE,
        FailureClass.MISCONFIGURED,
        FailureClass.BLOCKED,
        FailureClass.UNKNOWN,
    }
)
"""What counts as a failure of the line. A throttle does not: a provider that says when to come back
works. A rejection is about the number, a refusal about the person. `UNKNOWN` does: the provider
neither answered nor reported. So does `BLOCKED`: every further call with that caller id does it
more harm."""
_ANSWERED_FOR = frozenset(
    {
        CallStatus.RINGING,
        CallStatus.IN_PROGRESS,
        CallStatus.COMPLETED,
        CallStatus.NO_ANSWER,
        CallStatus.BUSY,
    }
)
"""The provider reached a telephone: the line works, whatever the callee did."""


def verdict_of(status: CallStatus, failure: FailureClass | None) -> Verdict:
    """What a call in this status, with this failure, says about its line.

    An answered call says something only when its line failed in the middle of the talk.
    """
    if status is CallStatus.COMPLETED and failure in _FAILURES:
        return Verdict.FAILS
    if status in _ANSWERED_FOR:
        return Verdict.WORKS
    if status is CallStatus.FAILED and (failure or FailureClass.UNAVAILABLE) in _FAILURES:
        return Verdict.FAILS
    return Verdict.NOTHING


def judge(
    health: Health,
    policy: BreakerPolicy,
    worked: int,
    failures: Sequence[LineFailure],
    now: datetime,
) -> Health:
    """The circuit after the calls of its window: `worked` of them were taken by the provider and
    have not failed, `failures` have. Only a closed one changes."""
    calls = worked + len(failures)
    if health.circuit is not Circuit.CLOSED or not failures or calls < policy.min_attempts:
        return health
    if len(failures) / calls < policy.share:
        return health
    reason = (
        f"{len(failures)} of {calls} calls failed within {format_duration(policy.window)} "
        f"({_most_frequent(failures)})"
    )
    return _opened(health, policy, reason, now)


def start_trial(health: Health, call_id: str, now: datetime) -> Health:
    """The circuit while this call tries it. It has to admit one."""
    return health.model_copy(
        update={"circuit": Circuit.TRYING, "since": now, "trial_call_id": call_id}
    )


def after_trial(
    health: Health,
    policy: BreakerPolicy,
    verdict: Verdict,
    failure: LineFailure | None,
    now: datetime,
) -> Health:
    """The circuit after the call that tried it has a verdict, or will never have one."""
    if verdict is Verdict.WORKS:
        return Health(since=now)
    if verdict is Verdict.NOTHING or failure is None:
        return health.model_copy(
            update={
                "circuit": Circuit.OPEN,
                "retry_at": now + NOT_TRIED_WAIT,
                "trial_call_id": None,
            }
        )
    return _opened(health, policy, f"the call that tried it failed ({_words(failure)})", now)


def _opened(health: Health, policy: BreakerPolicy, reason: str, now: datetime) -> Health:
    wait = policy.wait
    for _ in range(health.openings):
        if wait >= policy.longest_wait:
            break
        wait *= 2
    return Health(
        circuit=Circuit.OPEN,
        since=now,
        reason=reason,
        retry_at=now + min(wait, max(policy.wait, policy.longest_wait)),
        openings=health.openings + 1,
    )


def _most_frequent(failures: Sequence[LineFailure]) -> str:
    ((words, _count),) = Counter(map(_words, failures)).most_common(1)
    return words


_WORDS = {FailureClass.BLOCKED: "blocked, the network blocks its caller id"}


def _words(failure: LineFailure) -> str:
    words = _WORDS.get(failure.failure, failure.failure.value)
    return words + (f": {failure.detail}" if failure.detail else "")
