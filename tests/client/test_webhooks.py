"""Webhooks as the engine signs them, verified by the client."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outdial.client.errors import WebhookRefused
from outdial.client.webhooks import OtherWebhook, verify_webhook
from outdial.domain.endpoint import Endpoint, EventType
from outdial.webhook_formats.port import Message, read_event
from outdial.webhook_formats.standard import StandardWebhooks
from tests.api.v1.newest_document import DOCUMENT

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FORMER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OTHERS = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"


def sent(body: dict[str, Any], *, ago: timedelta = timedelta()) -> Message:
    now = datetime.now(UTC) - ago
    to = Endpoint(
        id="ep", tenant="default", url="https://example.com", secret=SECRET,
        former_secrets=(FORMER,), created_at=now, updated_at=now,
    )  # fmt: skip
    event = read_event("evt_1", json.dumps(body))
    return StandardWebhooks().write(event, to, now)


def example_of(event: EventType) -> dict[str, Any]:
    body = DOCUMENT["webhooks"][event.value]["post"]["requestBody"]["content"]
    example: dict[str, Any] = body["application/json"]["example"]
    return example


@pytest.mark.parametrize("event", EventType)
def test_every_event_is_read(event: EventType) -> None:
    message = sent(example_of(event))
    read = verify_webhook(SECRET, message.headers, message.body.encode())
    assert read.type == event.value
    assert not isinstance(read, OtherWebhook)
    again = verify_webhook(FORMER, message.headers, message.body)
    assert again == read


def test_what_is_newer_than_the_client_is_read_all_the_same() -> None:
    body = {"type": "line.resting", "timestamp": "2030-01-31T15:00:00Z", "data": {"line": "main"}}
    message = sent(body)
    read = verify_webhook(SECRET, message.headers, message.body)
    assert isinstance(read, OtherWebhook)
    assert read.data == {"line": "main"}


def test_what_is_not_ours_is_refused() -> None:
    body = example_of(EventType.TEST)
    message = sent(body)
    for secret, headers, text in (
        (OTHERS, message.headers, message.body),
        (SECRET, message.headers, message.body + " "),
        (SECRET, {**message.headers, "webhook-id": "evt_2"}, message.body),
        (SECRET, {}, message.body),
    ):
        with pytest.raises(WebhookRefused):
            verify_webhook(secret, headers, text)
    old = sent(body, ago=timedelta(minutes=6))
    with pytest.raises(WebhookRefused):
        verify_webhook(SECRET, old.headers, old.body)
