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

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass

LONGEST_RING = timedelta(minutes=2)
"""No telephone rings longer. Some providers count ringing as part of a call's duration, so a
shorter duration does not contradict a word such as `busy`."""

_NOT_REACHED = frozenset({CallStatus.NO_ANSWER, CallStatus.BUSY})
ANSWERERS = frozenset({AnsweredBy.HUMAN, AnsweredBy.MACHINE})
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
    def unserved(self) -> bool: ...
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
    seconds = report.duration_seconds or 0.0
    certain = (
        report.answered is True,
        report.status is CallStatus.IN_PROGRESS and report.answered is not False,
        report.answered_by in ANSWERERS,
        seconds > LONGEST_RING.total_seconds(),
    )
    if any(certain):
        return True
    if report.answered is False:
        return False
    # An agent may greet a telephone that rings: a word such as `busy` is believed before that.
    if not denies_answer(report) and (seconds > 0 or (transcript or "").strip()):
        return True
    return None


def was_started(report: Report) -> bool:
    """Whether a report says that the call is under way. Some providers say so when it begins to
    ring, so it proves an answer only where the end does not deny one."""
    return report.status is CallStatus.IN_PROGRESS


def denies_answer(report: Report) -> bool:
    """Whether a report says that nobody answered."""
    return report.status in _NOT_REACHED or report.answered is False


def answered_in_all(report: Report, answered_before: bool, started_before: bool) -> bool | None:
    """Whether a call that ended with this report was answered.

    `answered_before` is whether an earlier report proved it, `started_before` whether one said
    that the call was under way.
    """
    if answered_before or (started_before and not denies_answer(report)):
        return True
    return was_answered(report)


def ending_of(
    report: Report, *, answered_before: bool = False, started_before: bool = False
) -> Ending:
    """The end that a report with a terminal status amounts to."""
    status, failure = report.status, report.failure
    assert status is not None
    if report.unserved:
        return Ending(status, failure if status is CallStatus.FAILED else None, report.fault)
    answered = answered_in_all(report, answered_before, started_before)
    if answered:
        fault = report.fault or (failure if failure in _FAULTS else None)
        return Ending(CallStatus.COMPLETED, None, fault)
    if status is CallStatus.COMPLETED and (answered is False or report.presumes_answer):
        return Ending(CallStatus.NO_ANSWER, None, None)
    return Ending(status, failure if status is CallStatus.FAILED else None, report.fault)
