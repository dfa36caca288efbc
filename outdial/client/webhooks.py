"""Verifies webhooks of the scheme `standard`, and reads them.

    event = verify_webhook(secret, request.headers, await request.body())
    if isinstance(event, CallWebhook) and event.data.final:
        ...

`GET /v1/endpoints/{id}/secret` shows an endpoint's secret. Store the `webhook-id` headers that you
have processed: an event may come twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from outdial.client.errors import WebhookRefused
from outdial.client.models.webhooks import (
    AppointmentWebhook,
    CallWebhook,
    CampaignWebhook,
    ContactWebhook,
    EndpointWebhook,
    SuppressionWebhook,
    TestWebhook,
)


class OtherWebhook(BaseModel):
    """An event that is newer than this client."""

    model_config = ConfigDict(extra="allow")

    type: str
    timestamp: datetime
    data: dict[str, Any]


Event = (
    AppointmentWebhook
    | CallWebhook
    | CampaignWebhook
    | ContactWebhook
    | EndpointWebhook
    | SuppressionWebhook
    | TestWebhook
    | OtherWebhook
)
_MODELS: Mapping[str, type[Event]] = {
    "appointment": AppointmentWebhook,
    "call": CallWebhook,
    "campaign": CampaignWebhook,
    "contact": ContactWebhook,
    "endpoint": EndpointWebhook,
    "recipient": SuppressionWebhook,
    "test": TestWebhook,
}
"""By what the type of an event begins with."""


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes | str) -> Event:
    """The event of a request whose signature fits the secret, and is no older than five minutes.
    `body` is the request's, unchanged. Raises WebhookRefused, whatever the request holds. A
    secret that can't be read is the receiver's own mistake, and raises what standardwebhooks does.
    """
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    webhook = Webhook(secret)
    try:
        webhook.verify(text, dict(headers))
    except (WebhookVerificationError, ValueError) as error:
        # ValueError: a header that is not of the form that the scheme asks for.
        raise WebhookRefused(str(error)) from error
    try:
        other = OtherWebhook.model_validate_json(text)
        return _MODELS.get(other.type.partition(".")[0], OtherWebhook).model_validate_json(text)
    except ValidationError as error:
        raise WebhookRefused(f"no event of ours: {error}") from error
