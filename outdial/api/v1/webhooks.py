"""The bodies of outgoing webhooks, for the `webhooks` of the OpenAPI document.

They describe what `outdial.store.webhooks.outbox` publishes, in the scheme `standard`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.appointment.appointment import AppointmentStatus
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import AnsweredBy, FailureClass
from outdial.domain.endpoint import EventType


class _Webhook(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    timestamp: datetime
    """When it happened."""


class CallWebhookData(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    """The requested call; it stays the same over all attempts."""
    attempt_id: str | None = None
    """This telephone call; absent where a request ends without one."""
    attempt: int
    campaign: str
    to: str
    from_: Annotated[str | None, Field(alias="from")] = None
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


class CallWebhook(_Webhook):
    type: Literal[
        "call.initiating",
        "call.ringing",
        "call.in_progress",
        "call.completed",
        "call.no_answer",
        "call.busy",
        "call.failed",
        "call.canceled",
    ]
    data: CallWebhookData


class CampaignWebhookData(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

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


class CampaignWebhook(_Webhook):
    type: Literal[
        "campaign.started",
        "campaign.paused",
        "campaign.resumed",
        "campaign.applied",
        "campaign.finished",
        "campaign.budget_exhausted",
    ]
    data: CampaignWebhookData


class AppointmentWebhookData(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

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


class AppointmentWebhook(_Webhook):
    type: Literal["appointment.booked", "appointment.changed", "appointment.canceled"]
    data: AppointmentWebhookData


class ContactWebhookData(BaseModel):
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


class ContactWebhook(_Webhook):
    type: Literal["contact.created", "contact.updated"]
    data: ContactWebhookData


class SuppressionWebhookData(BaseModel):
    phone: str
    reason: str
    source: str


class SuppressionWebhook(_Webhook):
    type: Literal["recipient.suppressed"]
    data: SuppressionWebhookData


class EndpointWebhookData(BaseModel):
    endpoint: str
    url: str
    reason: str


class EndpointWebhook(_Webhook):
    type: Literal["endpoint.disabled"]
    data: EndpointWebhookData


class TestWebhookData(BaseModel):
    endpoint: str
    test: bool


class TestWebhook(_Webhook):
    type: Literal["test"]
    data: TestWebhookData


DESCRIPTIONS: Mapping[EventType, str] = {
    EventType.CALL_INITIATING: "The call's request is about to leave.",
    EventType.CALL_RINGING: "It rings.",
    EventType.CALL_IN_PROGRESS: "Somebody, or something, answered.",
    EventType.CALL_COMPLETED: "An answered call is over, whatever ended it.",
    EventType.CALL_NO_ANSWER: "Nobody answered.",
    EventType.CALL_BUSY: "The line was busy.",
    EventType.CALL_FAILED: "It was not answered, and `failure` says why; or a requested call will "
    "never be made.",
    EventType.CALL_CANCELED: "It was canceled before it was answered.",
    EventType.CAMPAIGN_STARTED: "A campaign was launched.",
    EventType.CAMPAIGN_PAUSED: "It places no more calls.",
    EventType.CAMPAIGN_RESUMED: "It places calls again.",
    EventType.CAMPAIGN_APPLIED: "A changed definition was applied.",
    EventType.CAMPAIGN_FINISHED: "It has ended: finished, or stopped.",
    EventType.CAMPAIGN_BUDGET_EXHAUSTED: "Its budget admits no more calls.",
    EventType.APPOINTMENT_BOOKED: "A call booked an appointment.",
    EventType.APPOINTMENT_CHANGED: "It was moved or confirmed, or a change was taken back.",
    EventType.APPOINTMENT_CANCELED: "It was canceled, or its booking was taken back.",
    EventType.CONTACT_CREATED: "A contact was created.",
    EventType.CONTACT_UPDATED: "A contact was changed.",
    EventType.RECIPIENT_SUPPRESSED: "A number must not be called any more.",
    EventType.ENDPOINT_DISABLED: "Another endpoint failed for too long, and was disabled.",
    EventType.TEST: "`POST /v1/endpoints/{endpoint_id}/test` was requested.",
}
_MODELS: Mapping[str, type[_Webhook]] = {
    "call": CallWebhook,
    "campaign": CampaignWebhook,
    "appointment": AppointmentWebhook,
    "contact": ContactWebhook,
    "recipient": SuppressionWebhook,
    "endpoint": EndpointWebhook,
    "test": TestWebhook,
}
"""By what the type of an event begins with."""
ANSWERS: dict[str, Any] = {
    "2XX": {"description": "Received. Anything else is tried again, up to ten times."},
    "410": {"description": "No longer wanted: the endpoint is disabled."},
}


def webhook_of(event: EventType) -> type[_Webhook]:
    """The model of an event's body."""
    return _MODELS[event.value.partition(".")[0]]


def add_webhooks(router: APIRouter) -> None:
    """Describe every event to the router of an application's `webhooks`."""
    for event, description in DESCRIPTIONS.items():
        router.add_api_route(
            event.value,
            _receiver(webhook_of(event)),
            methods=["POST"],
            operation_id=f"receive_{event.value.replace('.', '_')}",
            summary=event.value,
            description=description,
            tags=["webhooks"],
        )


def _receiver(model: type[_Webhook]) -> Callable[..., None]:
    """What FastAPI reads a webhook's parameters and body from. It is not called."""

    def receive(
        body: Any,
        webhook_id: Annotated[
            str, Header(description="The same in every attempt: store those you have processed.")
        ],
        webhook_timestamp: Annotated[str, Header(description="Unix time of this attempt.")],
        webhook_signature: Annotated[
            str, Header(description="One or more signatures, as Standard Webhooks describes.")
        ],
    ) -> None:
        return None

    receive.__annotations__["body"] = model
    return receive
