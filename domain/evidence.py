"""What a report proves about a call: was it made, was it answered, why did it end.

Three questions with separate answers. Any report of a provider proves that the call was made:
only the answer to the placing request can say that nothing was dialed. Whether it was answered is
read from facts (a report of a talk, its duration, who answered, a transcript), never from the
word for the end. An answered call is `completed`, with the provider's word as its detail; one
that was never answered is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.call import AnsweredBy, CallStatus, FailureClass

LONGEST_RING = timedelta(minutes=2)
"""No telephone rings longer. Some providers count ringing as part of a call's duration, so a
shorter duration does not contradict a word such as `busy`."""

_NOT_REACHED = frozenset({CallStatus.NO_ANSWER, CallStatus.BUSY})
_ANSWERED_BY = frozenset({AnsweredBy.HUMAN, AnsweredBy.MACHINE})
_FAULTS = frozenset(
    {
        FailureClass.UNAVAILABLE,
        FailureClass.MISCONFIGURED,
        FailureClass.THROTTLED,
        FailureClass.BLOCKED,
    }
)
"""Classes that say something of the line, even when the call had been answered."""


class Report(Protocol):
    """The facts of one report; a `CallEvent` and a `CallReport` are such."""

    @property
    def status(self) -> CallStatus | None: ...
    @property
    def answered(self) -> bool | None: ...
    @property
    def presumes_answer(self) -> bool: ...
    @property
    def answered_by(self) -> AnsweredBy | None: ...
    @property
    def duration_seconds(self) -> float | None: ...
    @property
    def failure(self) -> FailureClass | None: ...
    @property
    def fault(self) -> FailureClass | None: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended, by the facts."""

    status: CallStatus
    failure: FailureClass | None
    """Why it failed; None unless it did."""
    fault: FailureClass | None
    """What the end of an answered call says of its line: somebody talked, and the line failed."""


def was_answered(report: Report, transcript: str | None = None) -> bool | None:
    """Whether one report proves that the call was answered (True) or that it was not (False).

    None: it does not tell.
    """
    if report.answered or report.status is CallStatus.IN_PROGRESS:
        return True
    if report.answered_by in _ANSWERED_BY or (transcript or "").strip():
        return True
    seconds = report.duration_seconds or 0.0
    if seconds > LONGEST_RING.total_seconds():
        return True
    if report.answered is False:
        return False
    if seconds > 0 and report.status not in _NOT_REACHED:
        return True
    return None


def ending_of(report: Report, *, answered_before: bool = False) -> Ending:
    """The end that a report with a terminal status amounts to.

    `answered_before` is whether an earlier report of the same call proved an answer.
    """
    status, failure = report.status, report.failure
    assert status is not None
    answered = True if answered_before else was_answered(report)
    if answered:
        fault = report.fault or (failure if failure in _FAULTS else None)
        return Ending(CallStatus.COMPLETED, None, fault)
    if status is CallStatus.COMPLETED and (answered is False or report.presumes_answer):
        return Ending(CallStatus.NO_ANSWER, None, None)
    return Ending(status, failure if status is CallStatus.FAILED else None, report.fault)
