"""A requested call as its requester sees it: one object, however many attempts it takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.call.status import CallStatus
from outdial.domain.money.amount import Amount
from outdial.domain.money.cost import CostSource
from outdial.domain.record import CallRecord, RecipientState


class CallBudget(BaseModel):
    """What a call counts for in its campaign's budget."""

    model_config = ConfigDict(frozen=True)

    reserved: Amount
    """The most that it can cost; held until it is settled."""
    cost: Amount | None
    """What it counts for since."""
    source: CostSource | None
    """Where the cost comes from."""
    excess: Amount
    """What it costs beyond what was reserved, by what its provider has reported; not counted."""


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
    """The API through which it came, or `campaign`."""
    contact_id: str | None = None
    endpoint_id: str | None = None
    status: CallStatus
    outcome: str | None = None
    reason: str | None = None
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
    caller_id: str | None = None
    """The number that is shown, or is to be; None while it is the line's to choose."""
    variables: dict[str, str] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    recording: bool | None = None
    max_duration: timedelta
    budget: CallBudget | None = None
    """None: its campaign had no budget when it was claimed."""


class CallFilter(BaseModel):
    """Which calls to list; what is left out does not matter."""

    model_config = ConfigDict(frozen=True)

    statuses: tuple[CallStatus, ...] = ()
    to: str | None = None
    agent: str | None = None
    campaign: str | None = None
    contact_id: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    settled_by: datetime | None = None
    """Statuses are those that `until_settled` gives at this instant."""


def until_settled(view: CallView, now: datetime) -> CallView:
    """The call as it is shown where a completed one has all its facts: in progress while its
    analysis is awaited, and without what an end brings."""
    last = view.last
    if last is None or view.status is not CallStatus.COMPLETED or last.settled_at is not None:
        return view
    if last.settle_by is None or last.settle_by <= now:
        return view
    status = CallStatus.IN_PROGRESS
    ended = dict.fromkeys(("ended_at", "duration_seconds", "outcome", "disposition", "detail"))
    facts = dict.fromkeys(("transcript", "recording_url", "cost"))
    under_way = last.model_copy(update={"status": status, "structured": {}, **ended, **facts})
    return view.model_copy(
        update={"status": status, "outcome": None, "reason": None, "done": False, "last": under_way}
    )


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
