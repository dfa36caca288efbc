"""Webhooks of VozAgent, as far as they can be known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import BOOKED, CallStatus
from outdial.providers.adapters.vozagent.client import VozAgentProvider
from outdial.providers.errors import WebhookRefused
from tests.providers.bearer import ENDED
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import json_answer
from tests.providers.contract.stage import HOOK, NOW, iso
from tests.providers.vozagent.stage import VozAgentStage


@pytest.fixture
async def stage() -> AsyncIterator[VozAgentStage]:
    async with running(VozAgentStage) as stage:
        yield stage


@pytest.fixture
async def provider(stage: VozAgentStage) -> AsyncIterator[VozAgentProvider]:
    async with connected(VozAgentProvider, stage) as provider:
        yield provider


def reported(
    stage: VozAgentStage, provider: VozAgentProvider, event: str, data: Any
) -> list[CallEvent]:
    delivery = stage.posted(event, data)
    return list(receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW))


@pytest.mark.parametrize(
    "body",
    [
        {"event": "call.completed", "data": {"id": "c-1", "call_status": "completed"}},
        {"type": "call.completed", "call": {"call_id": "c-1"}},
        {"event": "call.completed", "call_id": "c-1", "status": "completed"},
    ],
)
async def test_a_delivery_may_look_this_or_that_way(
    stage: VozAgentStage, provider: VozAgentProvider, body: dict[str, Any]
) -> None:
    kind = body.get("event") or body["type"]
    rest = {name: value for name, value in body.items() if name not in ("event", "type")}
    delivery = stage.posted(kind, None)
    content = json_answer({("type" if "type" in body else "event"): kind, **rest}).body
    (event,) = receive_webhook(provider, delivery.headers, content, delivery.url, NOW)
    assert (event.status, event.provider_call_id) == (CallStatus.COMPLETED, "c-1")
    assert event.at == NOW


async def test_a_completed_event_may_say_that_nobody_answered(
    stage: VozAgentStage, provider: VozAgentProvider
) -> None:
    data = {"id": "c-1", "call_status": "no-answer", "call_ended_at": iso(ENDED)}
    (event,) = reported(stage, provider, "call.completed", data)
    assert (event.status, event.at) == (CallStatus.NO_ANSWER, ENDED)


@pytest.mark.parametrize("event", ["appointment.booked", "appointment.rescheduled"])
async def test_an_appointment_is_an_analysis_of_its_call(
    stage: VozAgentStage, provider: VozAgentProvider, event: str
) -> None:
    (booking,) = reported(stage, provider, event, {"id": "appointment-1", "call_id": "c-1"})
    assert (booking.kind, booking.disposition, booking.status) == (EventKind.ANALYSIS, BOOKED, None)
    assert booking.provider_call_id == "c-1"
    assert reported(stage, provider, event, {"id": "appointment-1"}) == []


@pytest.mark.parametrize("event", ["contact.created", "contact.updated", "lead.qualified", "new"])
async def test_what_is_about_no_call(
    stage: VozAgentStage, provider: VozAgentProvider, event: str
) -> None:
    assert reported(stage, provider, event, {"id": "contact-1", "call_status": "completed"}) == []


@pytest.mark.parametrize("query", ["", "/", "/another", "?token=", "?token=another"])
async def test_the_url_has_to_carry_the_secret(
    stage: VozAgentStage, provider: VozAgentProvider, query: str
) -> None:
    body = stage.posted("call.completed", {"id": "c-1"}).body
    with pytest.raises(WebhookRefused):
        receive_webhook(provider, {}, body, HOOK + query, NOW)
