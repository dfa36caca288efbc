"""Webhooks as the engine signs them, verified by the client."""

from __future__ import annotations

import binascii
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


malformed = st.text(max_size=40) | st.sampled_from(["v1", "v1,", "v1,a,b", "v1,abc", "v1,\udcff"])


@given(st.fixed_dictionaries({}, optional={
    "webhook-id": malformed,
    "webhook-timestamp": malformed | st.sampled_from(["nan", "inf", "-1", "1e300"]),
    "webhook-signature": malformed,
}), st.binary(max_size=40) | st.text(max_size=40))  # fmt: skip
@example({"webhook-signature": "x"}, b"{}")
@example({"webhook-signature": "v1,abc"}, b"{}")
@example({"webhook-signature": "v1,\xe9"}, b"{}")
@example({"webhook-id": "\udcff"}, b"{}")
@example({}, "\udcff")
def test_whatever_a_stranger_sends_is_refused(headers: dict[str, str], body: bytes | str) -> None:
    genuine = sent(example_of(EventType.TEST)).headers
    with pytest.raises(WebhookRefused):
        verify_webhook(SECRET, {**genuine, **headers}, body)


def test_a_secret_that_is_none_is_the_receivers_mistake() -> None:
    message = sent(example_of(EventType.TEST))
    with pytest.raises(binascii.Error):
        verify_webhook("whsec_abcde", message.headers, message.body)
