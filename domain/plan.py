"""How one recipient is to be called: what a campaign says, or a single request for a call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.definition import Agent, CampaignDefinition, Purpose, Retry, Schedule
from domain.fields import Duration


class CallPlan(BaseModel):
    """Everything the claim, the fence and the settlement need to know beyond the recipient."""

    model_config = ConfigDict(frozen=True)

    purpose: Purpose
    line: str
    agent: Agent
    caller_ids: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    retry: Retry = Retry()
    max_duration: Duration = timedelta(minutes=10)
    ring_timeout: Duration = timedelta(seconds=30)
    recording: bool = False

    @classmethod
    def of(cls, definition: CampaignDefinition) -> CallPlan:
        return cls(
            purpose=definition.purpose,
            line=definition.line,
            agent=definition.agent,
            caller_ids=definition.caller_ids,
            schedule=definition.schedule,
            retry=definition.retry,
            max_duration=definition.max_duration,
            ring_timeout=definition.ring_timeout,
            recording=definition.recording,
        )

    def longest_call(self) -> timedelta:
        """From the request to the latest possible hang-up."""
        return self.ring_timeout + self.max_duration


class CallRequest(BaseModel):
    """One call asked for by another service, with a policy of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: str
    """E.164."""
    agent: Agent
    purpose: Purpose = Purpose.INFORMATIONAL
    line: str = "simulated"
    caller_id: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    time_zone: str | None = None
    not_before: datetime | None = None
    schedule: Schedule = Schedule()
    retry: Retry = Retry()
    max_duration: Duration = timedelta(minutes=10)
    ring_timeout: Duration = timedelta(seconds=30)
    recording: bool = False
    context: dict[str, Any] = Field(default_factory=dict)
    """Returned as it came; ours to keep, never to read."""

    def plan(self) -> CallPlan:
        return CallPlan(
            purpose=self.purpose,
            line=self.line,
            agent=self.agent,
            caller_ids=(self.caller_id,) if self.caller_id else (),
            schedule=self.schedule,
            retry=self.retry,
            max_duration=self.max_duration,
            ring_timeout=self.ring_timeout,
            recording=self.recording,
        )
