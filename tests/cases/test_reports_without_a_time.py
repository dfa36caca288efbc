"""W1: the documentation's own example of a report has no timestamp, and it is taken.

Siblings: the same of every other provider, whatever it calls its times.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from outdial.domain.call.event import EventKind
from outdial.domain.call.status import CallStatus
from outdial.providers.adapters.vapi.client import VapiProvider
from outdial.providers.port import LineConfig, Provider
from tests.providers.contract.registry import stages
from tests.providers.contract.stage import HOOK, NOW, Stage

RECEIVED = NOW + timedelta(days=3)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT")


@pytest.fixture
async def vapi() -> AsyncIterator[VapiProvider]:
    line = LineConfig(name="main", credentials={"api_key": "k", "webhook_secret": "s"})
    provider = VapiProvider(line)
    yield provider
    await provider.aclose()


def _message(**fields: Any) -> bytes:
    call = {"id": "0190b5c4", "assistantOverrides": {"metadata": {"call_id": "our-1"}}}
    return json.dumps({"message": {"call": call, **fields}}).encode()


async def test_w1_the_example_of_the_documentation(vapi: VapiProvider) -> None:
    """VapiAI/docs server-url/events.mdx."""
    artifact = {"transcript": "AI: How can I help?", "messages": [], "recording": {}}
    body = _message(type="end-of-call-report", endedReason="customer-ended-call", artifact=artifact)
    end, rest = vapi.webhooks.read(body, HOOK, RECEIVED)
    assert (end.call_id, end.status, end.at) == ("our-1", CallStatus.COMPLETED, RECEIVED)
    assert (rest.kind, rest.transcript) == (EventKind.ANALYSIS, "AI: How can I help?")


async def test_w1_whatever_it_says_of_the_reason(vapi: VapiProvider) -> None:
    """`hangup` is the example's own word, and none of the enumeration."""
    end, _ = vapi.webhooks.read(
        _message(type="end-of-call-report", endedReason="hangup"), HOOK, RECEIVED
    )
    assert end.status is not None
    assert end.status.terminal
    assert (end.detail, end.at) == ("hangup", RECEIVED)


async def test_w1_a_report_is_of_its_own_end(vapi: VapiProvider) -> None:
    times = {"startedAt": "2027-03-01T15:00:00Z", "endedAt": "2027-03-01T15:05:00Z"}
    body = _message(type="end-of-call-report", endedReason="customer-ended-call", **times)
    end = vapi.webhooks.read(body, HOOK, RECEIVED)[0]
    assert end.at == datetime.fromisoformat("2027-03-01T15:05:00+00:00")
    assert end.duration_seconds == 300


@pytest.mark.parametrize("word", ["ringing", "in-progress", "ended"])
async def test_w1_a_status_update(vapi: VapiProvider, word: str) -> None:
    body = _message(type="status-update", status=word, endedReason="customer-busy")
    (event,) = vapi.webhooks.read(body, HOOK, RECEIVED)
    assert (event.call_id, event.at) == ("our-1", RECEIVED)
    assert event.status is not None


@pytest.fixture(params=sorted(stages()))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stages()[request.param]() as running:
        yield running


@pytest.fixture
async def provider(stage: Stage) -> AsyncIterator[Provider]:
    built = stage.provider_class(stage.line())
    yield built
    await built.aclose()


async def test_every_provider_s_end_is_taken_without_a_time(
    stage: Stage, provider: Provider
) -> None:
    placed = await provider.place(stage.order())
    call = stage.calls[placed.provider_call_id]
    stage.move(call, *stage.steps)
    delivery = stage.deliver(call, CallStatus.COMPLETED)
    if delivery is None:
        pytest.skip("this provider sends no webhooks about an end")
    body = _timeless(delivery.body)
    ends = [event for event in provider.webhooks.read(body, delivery.url, RECEIVED) if event.status]
    assert [event.status for event in ends] == [CallStatus.COMPLETED]
    assert [event.at for event in ends] == [RECEIVED]


def _timeless(body: bytes) -> bytes:
    try:
        content = json.loads(body)
    except ValueError:
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        return urlencode([one for one in fields if one[0] != "Timestamp"]).encode()
    return json.dumps(_without(content)).encode()


def _without(content: Any) -> Any:
    if isinstance(content, list):
        return [_without(one) for one in content]
    if not isinstance(content, dict):
        return content
    kept = {key: value for key, value in content.items() if not _is_time(value)}
    return {key: _without(value) for key, value in kept.items()}


def _is_time(value: Any) -> bool:
    """An instant as ISO 8601, or as Unix time in seconds or milliseconds."""
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, str):
        return _ISO.match(value) is not None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return any(low <= value < 2 * low for low in (1.2e9, 1.2e12))
