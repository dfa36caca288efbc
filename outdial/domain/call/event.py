"""What a provider told us about a call, in our words."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.call.evidence import ending_of, was_answered
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass


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
    when they tell neither."""
    presumes_answer: bool = False
    """The provider's word for this end presumes an answer that only an earlier report shows."""
    unserved: bool = False
    """The agent was never started: whoever answered heard nothing, so it was no talk."""
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

    def by_facts(self) -> CallEvent:
        """The same event, its end named by the facts in it: see `domain.call.evidence`.

        One that presumes an answer stays as it is: other events tell whether there was one.
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


class CallSnapshot(BaseModel):
    """What a provider says about a call when asked: its events so far, oldest first."""

    model_config = ConfigDict(frozen=True)

    provider_call_id: str
    events: tuple[CallEvent, ...] = ()

    @property
    def status(self) -> CallStatus:
        known = [event.status for event in self.events if event.status is not None]
        return known[-1] if known else CallStatus.QUEUED
