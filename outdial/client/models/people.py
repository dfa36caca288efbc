"""Models of the API: people. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from outdial.client.models.shared import (
    AnsweredBy,
    Appointment,
    AppointmentStatus,
    CallEvent,
    CallStatus,
    CampaignState,
    Contact,
    FailureClass,
    RecipientState,
    SuppressionChange,
)


class CallAppointment(BaseModel):
    """An appointment that a call made or changed, as it is now."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    calendar: str
    title: str
    starts_at: datetime
    status: AppointmentStatus


CallbackState = Literal["pending", "done", "follow_up", "failed", "skipped", "undone"] | str


class CallCallback(BaseModel):
    """One configured action after a call."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    kind: str
    state: CallbackState
    note: str | None
    result: dict[str, Any] | None


class CallReceipt(BaseModel):
    """The evidence of one dial."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    sequence: int
    """Its number in the chain of its campaign."""
    at: datetime
    hash: str
    decision: dict[str, Any]
    """What was decided, and by which evidence."""


class PersonCall(BaseModel):
    """A telephone call to the person: what was reported of it, and what followed."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    campaign: str
    launch: int
    line: str
    attempt: int
    status: CallStatus
    outcome: str | None
    disposition: str | None
    answered_by: AnsweredBy | None
    failure: FailureClass | None
    detail: str | None
    created_at: datetime
    placed_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    cost: float | None
    structured: dict[str, Any]
    has_transcript: bool
    has_recording: bool
    events: list[CallEvent]
    """Oldest first."""
    receipt: CallReceipt | None
    """None: it was never dialed."""
    callbacks: list[CallCallback]
    appointments: list[CallAppointment] | None
    """Null for a key without the scope `appointments:read`."""


class PersonCampaign(BaseModel):
    """An open campaign with the person on its roster, and what it does next about them."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    campaign: str
    campaign_state: CampaignState
    recipient: int
    state: RecipientState
    outcome: str | None
    attempts: int
    answer: str
    """`dial`, `wait`, `never` or `done`; `calling` and `settling` during a call."""
    next_call_at: datetime | None
    """The first instant at which everything admits a call, while the campaign runs."""
    next_call_local: datetime | None
    """The same by the person's clock."""
    time_zone: str | None
    reason: str | None
    code: str | None
    """The reason, for programs."""
    could_change_it: str | None


class Person(BaseModel):
    """Everything about one telephone number, over all campaigns."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    phone: str
    contact: Contact | None
    """Null where the directory has none, and for a key without the scope `contacts:read`."""
    suppressed: str | None
    """Why the number must not be called, by any campaign; null: it is on no suppression list."""
    suppression_history: list[SuppressionChange] | None
    """Oldest first; null for a key without the scope `suppressions:read`."""
    campaigns: list[PersonCampaign]
    """Open campaigns with the person on their rosters, the newest 20 places first."""
    appointments: list[Appointment] | None
    """Those to come; null for a key without the scope `appointments:read`."""
    calls: list[PersonCall]
    """Newest first, one page of them."""
    next_cursor: str | None
    """The cursor of the next page of calls; null on the last page."""
