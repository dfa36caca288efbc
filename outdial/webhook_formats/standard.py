"""Our own scheme: Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from outdial.domain.endpoint import STANDARD, Endpoint
from outdial.webhook_formats.port import USER_AGENT, Event, Message, WebhookFormat


class StandardWebhooks(WebhookFormat):
    name = STANDARD
    several_signatures = True

    def write(self, event: Event, to: Endpoint, now: datetime) -> Message:
        return signed(event, event.payload, to, now)


def signed(event: Event, body: str, to: Endpoint, now: datetime) -> Message:
    """A body with the headers of Standard Webhooks: a signature for each valid secret, the newest
    first, in a list delimited by spaces."""
    at = now.astimezone(UTC)
    secrets = (to.secret, *reversed(to.former_secrets))
    return Message(
        headers={
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": event.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(
                Webhook(secret).sign(event.id, at, body) for secret in secrets
            ),
        },
        body=body,
    )
