"""One call inside the network: what was ordered, where it is, and how it is shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.simulated.telephony.person import Behaviour, Script

Json = dict[str, Any]

FAILURES = {
    "carrier_failure": FailureClass.UNAVAILABLE,
    "not_in_service": FailureClass.REJECTED,
}
"""By the network's reason for a failed call; one not named here is `unavailable`."""


class CallOrder(BaseModel):
    """The body of `POST /v1/calls`."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    to: str
    """E.164."""
    caller: str | None = Field(default=None, alias="from")
    agent: str
    variables: Json = Field(default_factory=dict)
    metadata: Json = Field(default_factory=dict)
    """Echoed in every answer and webhook; `attempt` picks the person's script."""
    ring_timeout_s: float = Field(default=30.0, gt=0)
    max_duration_s: float = Field(default=600.0, gt=0)
    recording: bool = False
    webhook_url: str | None = None
    model: Json | None = None
    """Settings of people for this call alone, laid over the network's."""


@dataclass(slots=True, eq=False)
class Call:
    """A call the network accepted. Open until it has ended."""

    id: str
    order: CallOrder
    script: Script
    time_scale: float
    cost_per_minute: float
    nth: int
    """Which call to this number it is, counted from 1."""
    created_at: datetime
    silent: bool = False
    status: CallStatus = CallStatus.QUEUED
    reason: str | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    analyzed_at: datetime | None = None
    answered_by: AnsweredBy | None = None
    disposition: str | None = None
    duration_seconds: float | None = None
    """Simulated seconds of talk."""
    result: str | None = None
    """The outcome in the words of `domain.call.status.outcome_of`; None while open."""
    events: list[Json] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None

    @property
    def our_id(self) -> str | None:
        """The id the caller put into the metadata."""
        value = self.order.metadata.get("call_id")
        return None if value is None else str(value)

    @property
    def behaviour(self) -> Behaviour:
        return self.script.behaviour

    def facts(self) -> Json:
        """What every event says about the call."""
        facts: Json = {
            "call_id": self.id,
            "metadata": self.order.metadata,
            "to": self.order.to,
            "from": self.order.caller,
            "agent": self.order.agent,
            "status": self.status.value,
        }
        if self.answered_by is not None:
            facts["answered_by"] = self.answered_by.value
        if self.reason is not None:
            facts["reason"] = self.reason
        if self.duration_seconds is not None:
            facts["duration_seconds"] = self.duration_seconds
        return facts

    def shown(self) -> Json:
        """The call as the call API shows it."""
        return {
            "id": self.id,
            **self.facts(),
            "variables": self.order.variables,
            "created_at": stamp(self.created_at),
            "ended_at": stamp(self.ended_at),
            "events": self.events,
        }

    def inspected(self) -> Json:
        """The call as tests and people who watch the network see it."""
        return {
            "id": self.id,
            "to": self.order.to,
            "from": self.order.caller,
            "agent": self.order.agent,
            "call_id": self.our_id,
            "attempt": self.order.metadata.get("attempt"),
            "behaviour": self.behaviour.value,
            "status": self.status.value,
            "result": self.result,
            "reason": self.reason,
            "created_at": stamp(self.created_at),
            "ringing_at": stamp(self.ringing_at),
            "answered_at": stamp(self.answered_at),
            "ended_at": stamp(self.ended_at),
            "analyzed_at": stamp(self.analyzed_at),
        }


def stamp(at: datetime | None) -> str | None:
    """ISO 8601 with the offset written out."""
    return None if at is None else at.isoformat()
