"""Provider reports about a call: what they prove, and the end that they amount to.

Everything in a report comes from outside: signed, possibly late, repeated or out of order. Three
questions have separate answers. Any report of a provider proves that the call was made: only the
answer to the placing request can say that nothing was dialed. Whether it was answered is read from
facts (a report of a talk, its duration, who answered, a transcript), never from the word for the
end. An answered call is `completed`, with the provider's word as its detail; one that was never
answered is not.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass, advance
from outdial.domain.instants import FURTHEST_AHEAD, reported

LONGEST_RING = timedelta(minutes=2)
"""No telephone rings longer. Some providers count ringing as part of a call's duration, so a
shorter duration does not contradict a word such as `busy`."""

_NOT_REACHED = frozenset({CallStatus.NO_ANSWER, CallStatus.BUSY})
ANSWERERS = frozenset({AnsweredBy.HUMAN, AnsweredBy.MACHINE, AnsweredBy.SCREENER})
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
    """The facts of one report, as `CallEvent` and `CallEnd` have them."""

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
    """What the end of an answered call says of its line: it was answered, and the line failed."""


def was_answered(report: Report, transcript: str | None = None) -> bool | None:
    """Whether one report proves that the call was answered (True) or that it was not (False).

    None: it proves neither.
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
    """Whether a report says that the call was not answered."""
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


class EventKind(StrEnum):
    STATUS = "status"
    ANALYSIS = "analysis"


class CallEvent(BaseModel):
    """One report about one call: signed, possibly late, repeated or out of order."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    """Unique per line; two reports with one id are the same report."""
    kind: EventKind = EventKind.STATUS
    call_id: str | None = None
    """Our row id, when the provider echoes it."""
    provider_call_id: str | None = None
    status: CallStatus | None = None
    at: datetime
    """When it happened, by the provider's clock (UTC)."""
    answered: bool | None = None
    """Whether facts in this report prove that the call was answered, or that it was not; None
    when they prove neither."""
    presumes_answer: bool = False
    """The provider's word for this end presumes an answer that only an earlier report shows."""
    unserved: bool = False
    """The agent was never started, so an answered call counts as no conversation."""
    answered_by: AnsweredBy | None = None
    failure: FailureClass | None = None
    fault: FailureClass | None = None
    """What the end of an answered call says of the line that it was made on."""
    detail: str | None = None
    """The provider's own word for the reason; for people, never for decisions."""
    duration_seconds: float | None = None
    disposition: str | None = None
    redial_at: datetime | None = None
    """When the person asked to be called again: an instant, or, without a zone, a time on that
    person's own clocks."""
    transcript: str | None = None
    recording_url: str | None = None
    cost: float | None = None
    """In the line's currency unit."""
    structured: dict[str, Any] = Field(default_factory=dict)
    """What the agent extracted from the talk."""
    workflow_id: str | None = Field(default=None, exclude=True)
    """The workflow that follows the call, while the call has not ended; set when the event is
    matched to its call, and part of no record."""

    def for_workflow(self) -> CallEvent:
        """The facts about the status alone: histories hold no transcript and no data."""
        facts = {name: getattr(self, name) for name in _FACTS}
        return CallEvent(**facts, answered=was_answered(self, self.transcript))

    def by_facts(self) -> CallEvent:
        """The same event, with the end that its facts prove.

        One that presumes an answer stays as it is: other events prove whether there was one.
        """
        if self.status is None or not self.status.terminal:
            return self
        proved = was_answered(self, self.transcript)
        event = self if proved is self.answered else self.model_copy(update={"answered": proved})
        end = ending_of(event)
        if event.presumes_answer and event.answered is None:
            return event
        update = {"status": end.status, "failure": end.failure, "fault": end.fault}
        return event.model_copy(update=update)


_FACTS = (
    "event_id",
    "call_id",
    "status",
    "at",
    "presumes_answer",
    "unserved",
    "answered_by",
    "failure",
    "fault",
    "detail",
    "duration_seconds",
)


def reports_of(call_id: str, events: Iterable[CallEvent]) -> tuple[CallEvent, ...]:
    """The events that say something about a call's status, as its workflow may see them."""
    return tuple(
        event.for_workflow().model_copy(update={"call_id": call_id})
        for event in events
        if event.status is not None
    )


class CallSnapshot(BaseModel):
    """A provider's answer to a look-up of a call: its events so far, oldest first."""

    model_config = ConfigDict(frozen=True)

    provider_call_id: str
    events: tuple[CallEvent, ...] = ()

    @property
    def status(self) -> CallStatus:
        statuses = [event.status for event in self.events if event.status is not None]
        return statuses[-1] if statuses else CallStatus.QUEUED


LONGEST_ID = 200
"""Characters of an event's id; PostgreSQL indexes no text of some thousands."""
LONGEST_PROVIDER_ID = 500
LONGEST_DETAIL = 200
LONGEST_TALK = timedelta(days=2).total_seconds()
MOST_COST = 1e6
_ROUGHLY = timedelta(days=1)
"""Zones differ by as much, and analyses come as late."""


def believable(event: CallEvent, received: datetime) -> CallEvent:
    """The event without implausible values, judged at the time it was received."""
    changes: dict[str, Any] = {}
    at = reported(event.at, received)
    if at != event.at or event.at.tzinfo is None:
        changes["at"] = at
    if len(event.event_id) > LONGEST_ID:
        digest = hashlib.sha256(event.event_id.encode("utf-8", "replace")).hexdigest()
        changes["event_id"] = f"sha256:{digest}"
    if len(event.provider_call_id or "") > LONGEST_PROVIDER_ID:
        changes["provider_call_id"] = None
    if len(event.detail or "") > LONGEST_DETAIL:
        changes["detail"] = (event.detail or "")[: LONGEST_DETAIL - 1] + "…"
    if not _within(event.duration_seconds, LONGEST_TALK):
        changes["duration_seconds"] = None
    if not _within(event.cost, MOST_COST):
        changes["cost"] = None
    if event.redial_at is not None and not _is_plausible_redial(event.redial_at, at):
        changes["redial_at"] = None
    return event.model_copy(update=changes) if changes else event


def _within(value: float | None, most: float) -> bool:
    return value is None or (math.isfinite(value) and 0 <= value <= most)


def _is_plausible_redial(named: datetime, at: datetime) -> bool:
    """Whether `named` can be a time to call again; the end of the call decides exactly."""
    instant = named if named.tzinfo is not None else named.replace(tzinfo=UTC)
    return at - _ROUGHLY <= instant <= at + FURTHEST_AHEAD + _ROUGHLY


_LATEST = (
    "duration_seconds",
    "disposition",
    "redial_at",
    "transcript",
    "recording_url",
    "cost",
)
"""Fields of which the latest reported value counts."""


@dataclass(frozen=True, slots=True)
class EventSummary:
    """What all events of a call amount to: the same in whatever order they came."""

    status: CallStatus
    """As far as events alone move it: never to an end, which the call's workflow records."""
    values: dict[str, Any]
    """Columns of the call, without those that no event gives."""
    provider_call_id: str | None
    answered: bool
    """Whether any of them proves that the call was answered."""
    ending: CallEvent | None
    """The last that reports an end."""

    @classmethod
    def of(cls, events: Iterable[CallEvent]) -> EventSummary:
        """Fold events by the time at which they happened; repeated ones change nothing."""
        ordered = sorted(events, key=lambda event: (event.at, event.event_id))
        status = CallStatus.QUEUED
        values: dict[str, Any] = {}
        structured: dict[str, Any] = {}
        provider_call_id = None
        for event in ordered:
            provider_call_id = provider_call_id or event.provider_call_id
            if event.status is not None and not event.status.terminal:
                status = advance(status, event.status)
            structured.update(event.structured)
            _put(values, event)
        if structured:
            values["structured"] = structured
        ends = [event for event in ordered if event.status is not None and event.status.terminal]
        ending = ends[-1] if ends else None
        return cls(status, values, provider_call_id, _answered(ordered, ending), ending)


def _answered(events: Sequence[CallEvent], ending: CallEvent | None) -> bool:
    """Whether any event proves an answer. What was worked out after an end that denies one is no
    proof: an agent may greet a telephone that rings."""
    if any(event.unserved for event in events):
        return False
    denied = ending is not None and denies_answer(ending)
    return any(
        was_answered(event, event.transcript) is True
        for event in events
        if not denied or event.status is not None or event.answered_by in ANSWERERS
    )


def _put(values: dict[str, Any], event: CallEvent) -> None:
    for name in _LATEST:
        value = getattr(event, name)
        if value is not None:
            values[name] = value
    if event.answered_by is not None:
        earlier = values.get("answered_by", AnsweredBy.UNKNOWN)
        if event.answered_by is not AnsweredBy.UNKNOWN or earlier == AnsweredBy.UNKNOWN:
            values["answered_by"] = event.answered_by.value
    if event.status is CallStatus.RINGING:
        values.setdefault("ringing_at", event.at)
    elif event.status is CallStatus.IN_PROGRESS and was_answered(event):
        values.setdefault("answered_at", event.at)
    if event.kind is EventKind.ANALYSIS:
        values.setdefault("analysed_at", event.at)


class CallEnd(BaseModel):
    """The end of one call, and what is known of it."""

    model_config = ConfigDict(frozen=True)

    status: CallStatus
    at: datetime
    answered: bool | None = None
    """Whether it is proved that it was answered, or that it was not."""
    presumes_answer: bool = False
    """`completed` is to be believed only with a proof that it was answered."""
    unserved: bool = False
    """The agent was never started, so an answered call counts as no conversation."""
    answered_by: AnsweredBy | None = None
    failure: FailureClass | None = None
    fault: FailureClass | None = None
    """What the end of an answered call says of the line that it was made on."""
    detail: str | None = None
    duration_seconds: float | None = None
    may_have_rung: bool = True
    """False only when certainly nothing was dialed; then it is no attempt."""
    not_placed: bool = False
    """The provider never had the call. Not believed where its reports prove the opposite."""
    retry_after: timedelta | None = None
    analysis_wait: timedelta = timedelta(0)
    """How long to wait for the analysis before settling without it; 0: settle at once."""
    wait_if_answered: timedelta = timedelta(0)
    """The same where it turns out to have been answered, by what the store knows besides."""

    @classmethod
    def of(
        cls,
        event: CallEvent,
        *,
        answered_before: bool = False,
        started_before: bool = False,
        **more: Any,
    ) -> CallEnd:
        """The end that an event with a terminal status amounts to.

        That the provider reports it proves that the call was made: it is an attempt.
        """
        facts = {name: getattr(event, name) for name in _FACTS if name in cls.model_fields}
        end = cls(**facts, answered=event.answered, **more)
        return end.by_facts(answered_before=answered_before, started_before=started_before)

    @classmethod
    def withdrawn(cls, at: datetime, detail: str) -> CallEnd:
        """The end of a call that was withdrawn before any request was sent."""
        return cls(status=CallStatus.CANCELED, at=at, detail=detail, may_have_rung=False)

    @classmethod
    def absent(cls, at: datetime) -> CallEnd:
        """The provider certainly never had the call: it was looked for and not found."""
        return cls(
            status=CallStatus.FAILED,
            at=at,
            failure=FailureClass.UNAVAILABLE,
            detail="the request was lost; the provider has no such call",
            may_have_rung=False,
            not_placed=True,
        )

    @classmethod
    def unknown(cls, at: datetime, detail: str, **more: Any) -> CallEnd:
        """A call that lasted as long as its lease, and whose end was not reported."""
        return cls(
            status=CallStatus.FAILED, at=at, failure=FailureClass.UNKNOWN, detail=detail, **more
        )

    def by_facts(self, *, answered_before: bool = False, started_before: bool = False) -> CallEnd:
        """The same end, corrected by what other reports proved."""
        answered = answered_in_all(self, answered_before, started_before)
        end = ending_of(self, answered_before=answered is True)
        return self.model_copy(
            update={
                "status": end.status,
                "failure": end.failure,
                "fault": end.fault,
                "answered": answered,
                "may_have_rung": self.may_have_rung or answered is True,
            }
        )
