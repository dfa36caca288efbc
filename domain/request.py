"""A call as whoever asked for it sees it: one thing, however many attempts it takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.call import CallStatus
from domain.record import CallRecord, RecipientState


class CallView(BaseModel):
    """A requested call with its last attempt, or a campaign's call."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant: str
    to: str
    agent: str
    line: str
    campaign: str
    origin: str
    """The door that took it, or `campaign`."""
    contact_id: str | None = None
    endpoint_id: str | None = None
    status: CallStatus
    outcome: str | None = None
    because: str | None = None
    done: bool
    """Nothing more will happen; `status` and `outcome` are final."""
    created_at: datetime
    scheduled_at: datetime | None = None
    """Not before."""
    attempts: int
    """Calls that may have rung."""
    recipient_id: int
    last: CallRecord | None = None
    """The last attempt, or the one under way."""
    variables: dict[str, str] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    recording: bool | None = None
    max_duration: timedelta


class CallFilter(BaseModel):
    """Which calls to list; what is left out does not matter."""

    model_config = ConfigDict(frozen=True)

    statuses: tuple[CallStatus, ...] = ()
    to: str | None = None
    agent: str | None = None
    campaign: str | None = None
    contact_id: str | None = None
    origin: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


def status_of(state: RecipientState, last: CallStatus | None, outcome: str | None) -> CallStatus:
    """The status of a request by its row on the roster and its last attempt.

    Between two attempts it is queued again. Who ended without any call was refused or canceled.
    """
    if state in (RecipientState.CALLING, RecipientState.SETTLING):
        return last or CallStatus.QUEUED
    if state is not RecipientState.DONE:
        return CallStatus.QUEUED
    if last is not None:
        return last
    return CallStatus.CANCELED if outcome == CallStatus.CANCELED else CallStatus.FAILED
