"""What is asked of Vapi, and what its answers say: a 201 may hold a failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.status import FailureClass
from outdial.domain.definition.agent import Agent
from outdial.providers.adapters.vapi.client import VapiProvider
from outdial.providers.carried import CallSettings
from outdial.providers.errors import (
    Misconfigured,
    PlacementUnknown,
    ProviderError,
    Unavailable,
    Unsendable,
)
from tests.providers.contract.running import connected
from tests.providers.contract.server import json_answer
from tests.providers.contract.stage import NOW, NUMBER, FarCall
from tests.providers.vapi.stage import PUBLIC_KEY, VapiStage

SINCE = NOW - timedelta(minutes=1)

_CALL = {"id": "0190b5c4-2222-7c3e-9d44-5f7d3c1e0009"}
_LIMITS = {"subscriptionLimits": {"concurrencyBlocked": True, "concurrencyLimit": 10}}
_FAILED = {"customer": {"number": NUMBER}, "error": "Over Concurrency Limit"}
_OTHER = {"customer": {"number": NUMBER}, "error": f"{NUMBER} is odd"}
_NEVER = "call.start.error-subscription-concurrency-limit-reached"


@pytest.mark.parametrize(
    ("http_status", "content", "failure"),
    [
        (400, {"error": "Over Concurrency Limit"}, FailureClass.THROTTLED),
        (400, {"message": "Over Concurrency Limit"}, FailureClass.THROTTLED),
        (400, {"message": ["customer.number is odd"]}, FailureClass.MISCONFIGURED),
        (402, {"message": "No credits"}, FailureClass.MISCONFIGURED),
        (429, {"message": "Rate limit exceeded"}, FailureClass.THROTTLED),
        (500, {"error": "Over Concurrency Limit"}, FailureClass.UNKNOWN),
        (201, {"results": [], "errors": [_FAILED]}, FailureClass.THROTTLED),
        (201, {"results": [], "errors": [_OTHER]}, FailureClass.UNAVAILABLE),
        (201, {"results": [], "errors": [], **_LIMITS}, FailureClass.THROTTLED),
        (201, {**_LIMITS}, FailureClass.THROTTLED),
        (201, {**_CALL, "status": "ended", "endedReason": _NEVER}, FailureClass.THROTTLED),
        (201, {"results": [], "errors": []}, FailureClass.UNKNOWN),
        (200, {"id": "call-1"}, FailureClass.UNKNOWN),
    ],
)
async def test_what_an_answer_without_a_call_means(
    stage: VapiStage,
    vapi: VapiProvider,
    monkeypatch: pytest.MonkeyPatch,
    http_status: int,
    content: dict[str, Any],
    failure: FailureClass,
) -> None:
    monkeypatch.setattr(stage, "created", lambda call: json_answer(content, http_status))
    with pytest.raises(ProviderError) as caught:
        await vapi.place(stage.order())
    assert caught.value.failure is failure
    assert isinstance(caught.value, PlacementUnknown) == (failure is FailureClass.UNKNOWN)
    assert NUMBER not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        {"results": [_CALL], "errors": [_OTHER], **_LIMITS},
        {**_CALL, "status": "queued", **_LIMITS},
        {**_CALL, "status": "ended", "endedReason": "customer-busy"},
    ],
)
async def test_a_call_with_an_id_may_go_on(
    stage: VapiStage,
    vapi: VapiProvider,
    monkeypatch: pytest.MonkeyPatch,
    content: dict[str, Any],
) -> None:
    monkeypatch.setattr(stage, "created", lambda call: json_answer(content, 201))
    placed = await vapi.place(stage.order())
    assert placed.provider_call_id == _CALL["id"]


async def test_what_is_ordered(stage: VapiStage, vapi: VapiProvider) -> None:
    settings = {"voicemailDetection": {"provider": "vapi"}, "variableValues": {"shop": "North"}}
    await vapi.place(stage.order(recording=True, agent_settings=settings))
    (call,) = stage.calls.values()
    overrides = call.order["assistantOverrides"]
    assert overrides["variableValues"] == {"shop": "North", "first_name": "Ada"}
    assert overrides["voicemailDetection"] == {"provider": "vapi"}
    assert overrides["maxDurationSeconds"] == 600
    assert overrides["artifactPlan"] == {"recordingEnabled": True}
    assert overrides["monitorPlan"] == {"controlEnabled": True}
    assert call.order["customer"]["externalId"] == stage.order().call_id


async def test_a_long_id_of_ours_travels_in_the_metadata(
    stage: VapiStage, vapi: VapiProvider
) -> None:
    await vapi.place(stage.order(call_id="c" * 41))
    (call,) = stage.calls.values()
    assert "externalId" not in call.order["customer"]
    snapshot = await vapi.find("c" * 41, to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert snapshot.provider_call_id == call.id


async def test_a_caller_id_has_an_id_at_vapi(stage: VapiStage) -> None:
    ids = {"phone_number_ids": {"+12025550999": "0190b5c4-4444-7c3e-9d44-5f7d3c1e0009"}}
    async with connected(VapiProvider, stage, options=ids) as vapi:
        await vapi.place(stage.order())
        (call,) = stage.calls.values()
        assert call.order["phoneNumberId"] == ids["phone_number_ids"]["+12025550999"]
        with pytest.raises(Unsendable, match="phone_number_id"):
            await vapi.place(stage.order(caller_id="+12025550111"))
        assert stage.creates == 1


async def test_find_turns_the_pages(
    stage: VapiStage, vapi: VapiProvider, call: FarCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(120):
        other = FarCall(f"0190b5c4-5555-7c3e-9d44-{number:012x}", NUMBER, None)
        other.order = {"customer": {"number": NUMBER, "externalId": f"other-{number}"}}
        stage.calls[other.id] = other
        made = NOW + timedelta(seconds=number + 1)
        stage.facts[other.id] = {"createdAt": made.isoformat()}
    snapshot = await vapi.find(stage.order().call_id, to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert snapshot.provider_call_id == call.id
    full = [stage.shown(call)] * 100
    monkeypatch.setattr(stage, "_listed", lambda query: full)
    with pytest.raises(Unavailable):
        await vapi.find("our-9", to=NUMBER, since=SINCE)


async def test_a_call_that_cannot_be_controlled_yet(
    stage: VapiStage, vapi: VapiProvider, call: FarCall
) -> None:
    stage.facts[call.id] = {"monitor": {}}
    with pytest.raises(Unavailable):
        await vapi.end(call.id)


async def test_a_control_url_may_want_the_public_key(stage: VapiStage) -> None:
    stage.control_is_locked = True
    async with connected(VapiProvider, stage) as vapi:
        placed = await vapi.place(stage.order())
        with pytest.raises(Misconfigured, match="public_key"):
            await vapi.end(placed.provider_call_id)
    keys = stage.credentials() | {"public_key": PUBLIC_KEY}
    async with connected(VapiProvider, stage, credentials=keys) as vapi:
        await vapi.end(placed.provider_call_id)
    assert stage.calls[placed.provider_call_id].ended_by_api


async def test_the_messages_that_tell_of_an_end_are_sent_whatever_the_assistant_leaves_out(
    stage: VapiStage, vapi: VapiProvider
) -> None:
    await vapi.place(stage.order(agent_settings={"serverMessages": ["transcript"]}))
    (call,) = stage.calls.values()
    assert call.order["assistantOverrides"]["serverMessages"] == [
        "transcript",
        "status-update",
        "end-of-call-report",
        "tool-calls",
    ]


@pytest.mark.parametrize("transport", [None, "twilio", "vapi.sip", "telnyx"])
async def test_how_long_it_rings_goes_by_the_transport(
    stage: VapiStage, transport: str | None
) -> None:
    options = stage.options() | ({} if transport is None else {"transport": transport})
    own = [{"provider": "twilio", "recordingChannels": "dual", "timeout": 60}]
    settings = {"transportConfigurations": own} if transport is None else {}
    async with connected(VapiProvider, stage, options=options) as vapi:
        requested = CallSettings(agent=Agent(id="a"), ring_timeout=timedelta(seconds=25))
        assert [one.path for one in vapi.refused(requested)] == [("ring_timeout",)] * (
            transport == "telnyx"
        )
        await vapi.place(stage.order(agent_settings=settings))
    (call,) = stage.calls.values()
    by_twilio = call.order["assistantOverrides"].get("transportConfigurations")
    by_sip = call.order.get("transport")
    if transport is None:
        assert by_twilio == [{"provider": "twilio", "recordingChannels": "dual", "timeout": 25}]
    elif transport == "twilio":
        assert by_twilio == [{"provider": "twilio", "timeout": 25}]
    else:
        assert by_twilio is None
    assert by_sip == (
        {"provider": "vapi.sip", "dialTimeout": 25} if transport == "vapi.sip" else None
    )
