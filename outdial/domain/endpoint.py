"""Outgoing webhooks: endpoints, event types, and the states of deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EVERY_EVENT = "*"
STANDARD = "standard"
"""The scheme of our own webhooks: Standard Webhooks."""


class EventType(StrEnum):
    """What is delivered to endpoints."""

    CALL_INITIATING = "call.initiating"
    CALL_RINGING = "call.ringing"
    CALL_IN_PROGRESS = "call.in_progress"
    CALL_COMPLETED = "call.completed"
    CALL_NO_ANSWER = "call.no_answer"
    CALL_BUSY = "call.busy"
    CALL_FAILED = "call.failed"
    CALL_CANCELED = "call.canceled"
    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_APPLIED = "campaign.applied"
    CAMPAIGN_FINISHED = "campaign.finished"
    CAMPAIGN_BUDGET_EXHAUSTED = "campaign.budget_exhausted"
    """No call can be placed within its budget any more, or none today."""
    APPOINTMENT_BOOKED = "appointment.booked"
    APPOINTMENT_CHANGED = "appointment.changed"
    APPOINTMENT_CANCELED = "appointment.canceled"
    CONTACT_CREATED = "contact.created"
    CONTACT_UPDATED = "contact.updated"
    RECIPIENT_SUPPRESSED = "recipient.suppressed"
    ENDPOINT_DISABLED = "endpoint.disabled"
    """Another endpoint has failed for so long that nothing is delivered to it any more."""
    TEST = "test"


class EndpointKind(StrEnum):
    TENANT = "tenant"
    """Gets every event of its tenant."""
    CAMPAIGN = "campaign"
    """Gets the events of one campaign, whose definition names it."""
    CALL = "call"
    """Gets the events of the calls that named its URL."""


class EndpointState(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up after the last retry, or refused for good."""


class Endpoint(BaseModel):
    """A customer's URL. Its secret is read separately."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant: str
    kind: EndpointKind = EndpointKind.TENANT
    campaign_id: int | None = None
    name: str | None = None
    url: str
    events: tuple[str, ...] = (EVERY_EVENT,)
    scheme: str = STANDARD
    secret: str = Field(repr=False)
    former_secrets: tuple[str, ...] = Field(default=(), repr=False)
    """Those of earlier rotations that are still valid, the oldest first. Only what is read for
    sending has them."""
    state: EndpointState = EndpointState.ENABLED
    reason: str | None = None
    failing_since: datetime | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    version: int = 1
    created_at: datetime
    updated_at: datetime

    def wants(self, event_type: str) -> bool:
        return EVERY_EVENT in self.events or event_type in self.events

    def secret_for_try(self, tries: int) -> str:
        """The secret for a scheme with a single signature, after so many tries.

        While former secrets are valid, the tries of a delivery take turns, the oldest secret
        first: a receiver that knows one of them accepts one of those tries.
        """
        valid = (*self.former_secrets, self.secret)
        return valid[tries % len(valid)]


BEHIND = datetime(9999, 1, 1, tzinfo=UTC)
"""The time of a delivery that is set aside until the one before it is over."""


class Delivery(BaseModel):
    """One event for one endpoint."""

    model_config = ConfigDict(frozen=True)

    id: int
    tenant: str
    endpoint_id: str
    event_id: str
    type: str
    subject: str
    payload: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None

    @property
    def next_try_at(self) -> datetime | None:
        """When it is sent; None if it is over, or waits for the one before it."""
        waits = self.state is DeliveryState.PENDING and self.next_at < BEHIND
        return self.next_at if waits else None


class DeliveryAttempt(BaseModel):
    """One request to an endpoint, and its answer."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None = None
    response_body: str | None = None
    error: str | None = None
    duration_ms: int


_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
RETRY_AFTER = (
    5 * _SECOND, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR,
    10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
"""The waits between tries, as Standard Webhooks recommends them: ten tries in three days."""
LONGEST_ASKED = timedelta(days=1)
"""The longest wait that an endpoint's Retry-After can ask for."""


def next_try(
    tries: int,
    retry_after: timedelta | None = None,
    waits: Sequence[timedelta] = RETRY_AFTER,
) -> timedelta | None:
    """How long to wait after this many tries; None when that was the last."""
    if tries > len(waits):
        return None
    wait = waits[tries - 1]
    return wait if retry_after is None else max(wait, min(retry_after, LONGEST_ASKED))


def require_events(events: tuple[str, ...]) -> tuple[str, ...]:
    """The event types, each once. Raises ValueError for an unknown one."""
    types = (EVERY_EVENT, *(str(event.value) for event in EventType))
    if not events:
        raise ValueError("found no event; write * for all")
    for event in events:
        if event not in types:
            raise ValueError(f"found event {event!r}; known are {', '.join(types)}")
    return tuple(dict.fromkeys(events))
