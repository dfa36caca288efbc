"""Webhooks of a thinnestAI account, which are signed, unlike those of a call."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus
from outdial.providers.adapters.thinnestai.client import ThinnestAIProvider
from outdial.providers.errors import WebhookRefused
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.stage import HOOK, NOW, Delivery, iso
from tests.providers.thinnestai.stage import ThinnestAIStage

SIGNING = "signing-secret-of-the-account"


@pytest.fixture
async def stage() -> AsyncIterator[ThinnestAIStage]:
    async with running(ThinnestAIStage) as stage:
        yield stage


def received(provider: ThinnestAIProvider, delivery: Delivery) -> list[CallEvent]:
    return list(receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW))


def account_webhook(content: Any, at: datetime = NOW, secret: str = SIGNING) -> Delivery:
    """As docs.thinnest.ai/api-reference/webhooks/overview describes it."""
    body, second = json.dumps(content).encode(), str(int(at.timestamp()))
    signed = hmac.new(secret.encode(), f"{second}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Webhook-Signature": f"sha256={signed}",
        "X-Webhook-Timestamp": second,
        "X-Webhook-Event": content["event"],
        "X-Webhook-Delivery-Id": "d-1",
        "User-Agent": "ThinnestAI-Webhooks/1.0",
    }
    return Delivery(headers, body)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"event": "voice.call.started", "data": {"call_id": "c-1"}}, CallStatus.IN_PROGRESS),
        (
            {"event": "voice.call.ended", "data": {"call_id": "c-1", "status": "no_answer"}},
            CallStatus.NO_ANSWER,
        ),
        ({"event": "voice.call.ended", "data": {"call_id": "c-1"}}, None),
        ({"event": "webhook.test", "data": {}}, None),
        ({"event": "agent.created", "data": {"id": "a-1", "status": "completed"}}, None),
    ],
)
async def test_webhooks_of_the_account(
    stage: ThinnestAIStage, content: dict[str, Any], status: CallStatus | None
) -> None:
    credentials = stage.credentials() | {"signing_secret": SIGNING}
    async with connected(ThinnestAIProvider, stage, credentials=credentials) as provider:
        events = received(provider, account_webhook(content | {"timestamp": iso(NOW)}))
        assert [event.status for event in events] == ([status] if status else [])
        assert all(event.call_id is None for event in events)


async def test_webhooks_of_the_account_are_signed_and_recent(stage: ThinnestAIStage) -> None:
    credentials = stage.credentials() | {"signing_secret": SIGNING}
    content = {"event": "voice.call.started", "data": {"call_id": "c-1"}}
    genuine = account_webhook(content)
    late = account_webhook(content, NOW - timedelta(seconds=301))
    recent = account_webhook(content, NOW - timedelta(seconds=299))
    forged = account_webhook(content, secret="another")
    changed = Delivery(genuine.headers, genuine.body.replace(b"c-1", b"c-2"))
    moved = Delivery(genuine.headers | {"X-Webhook-Timestamp": "1"}, genuine.body)
    timeless = Delivery(genuine.headers | {"X-Webhook-Timestamp": "now"}, genuine.body)
    async with connected(ThinnestAIProvider, stage, credentials=credentials) as provider:
        assert received(provider, genuine)
        assert received(provider, recent)
        for one in (late, forged, changed, moved, timeless):
            with pytest.raises(WebhookRefused):
                received(provider, one)
    async with connected(ThinnestAIProvider, stage) as provider:
        with pytest.raises(WebhookRefused, match="signing_secret"):
            received(provider, genuine)


async def test_a_signed_webhook_can_not_name_a_call_of_ours(stage: ThinnestAIStage) -> None:
    credentials = stage.credentials() | {"signing_secret": SIGNING}
    content = {"event": "voice.call.started", "data": {"call_id": "c-1"}}
    genuine = account_webhook(content)
    async with connected(ThinnestAIProvider, stage, credentials=credentials) as provider:
        elsewhere = Delivery(genuine.headers, genuine.body, f"{HOOK}?call_id=our-1")
        (event,) = received(provider, elsewhere)
        assert event.call_id is None
        guessed = Delivery(genuine.headers, genuine.body, f"{HOOK}?call_id=our-1&token=x")
        with pytest.raises(WebhookRefused):
            received(provider, guessed)
