"""Models of the API: webhooks. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from outdial.client.models.shared import AnsweredBy, AppointmentStatus, CampaignState, FailureClass


class AppointmentWebhookData(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    calendar: str
    phone: str
    title: str
    status: AppointmentStatus
    starts_at: datetime
    ends_at: datetime
    before_starts_at: datetime | None
    """Before it was changed."""
    call_id: str | None
    """The call that did it."""
    campaign: str | None
    notes: str | None
    details: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    contact_id: str | None
    contact_name: str | None
    contact_email: str | None


class AppointmentWebhook(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    timestamp: datetime
    """When it happened."""
    type: Literal["appointment.booked", "appointment.changed", "appointment.canceled"] | str
    data: AppointmentWebhookData


class CallWebhookData(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    """The requested call; it stays the same over all attempts."""
    attempt_id: str | None = None
    """This telephone call; absent where a request ends without one."""
    attempt: int
    campaign: str
    to: str
    from_: str | None = Field(default=None, alias="from")
    line: str | None
    simulated: bool
    """Its line leads to no telephone."""
    agent: str | None
    agent_name: str | None
    contact_id: str | None
    contact_name: str | None
    status: str
    outcome: str | None
    disposition: str | None = None
    answered_by: AnsweredBy | None = None
    failure: FailureClass | None = None
    detail: str | None
    created_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    cost: float | None = None
    recording_url: str | None = None
    transcript: str | None = None
    structured: dict[str, Any] | None = None
    context: dict[str, Any]
    """As it was sent with the request."""
    final: bool
    """No other call follows it."""


class CallWebhook(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    timestamp: datetime
    """When it happened."""
    type: (
        Literal[
            "call.initiating",
            "call.ringing",
            "call.in_progress",
            "call.completed",
            "call.no_answer",
            "call.busy",
            "call.failed",
            "call.canceled",
        ]
        | str
    )
    data: CallWebhookData


class CampaignWebhookData(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    campaign: str
    lines: list[str]
    simulated: list[str]
    """Those of its lines that lead to no telephone."""
    state: CampaignState
    launch: int
    revision: int
    reason: str | None
    limit: str | None = None
    """With `campaign.budget_exhausted`: the key of the budget that is spent."""


class CampaignWebhook(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    timestamp: datetime
    """When it happened."""
    type: (
        Literal[
            "campaign.started",
            "campaign.paused",
            "campaign.resumed",
            "campaign.applied",
            "campaign.finished",
            "campaign.budget_exhausted",
        ]
        | str
    )
    data: CampaignWebhookData


class ContactWebhookData(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    phone: str
    first_name: str | None
    last_name: str | None
    email: str | None
    company: str | None
    notes: str | None
    time_zone: str | None
    tags: list[str]
    metadata: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime


class ContactWebhook(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    timestamp: datetime
    """When it happened."""
    type: Literal["contact.created", "contact.updated"] | str
    data: ContactWebhookData


class EndpointWebhookData(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    endpoint: str
    url: str
    reason: str


class EndpointWebhook(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    timestamp: datetime
    """When it happened."""
    type: Literal["endpoint.disabled"]
    data: EndpointWebhookData


class SuppressionWebhookData(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    phone: str
    reason: str
    source: str


class SuppressionWebhook(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    timestamp: datetime
    """When it happened."""
    type: Literal["recipient.suppressed"]
    data: SuppressionWebhookData


class TestWebhookData(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    endpoint: str
    test: bool


class TestWebhook(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    timestamp: datetime
    """When it happened."""
    type: Literal["test"]
    data: TestWebhookData
