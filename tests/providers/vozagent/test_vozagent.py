"""What is special about VozAgent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.event import EventKind
from outdial.domain.call.status import BOOKED, AnsweredBy, CallStatus, FailureClass
from outdial.providers.adapters.vozagent.client import VozAgentProvider
from outdial.providers.adapters.vozagent.webhook import STATUS
from outdial.providers.errors import Misconfigured, ProviderError, Unavailable
from tests.providers.contract.running import connected, running
from tests.providers.contract.server import Answer, json_answer
from tests.providers.contract.stage import NOW, NUMBER, FarCall, iso
from tests.providers.vozagent.stage import VozAgentStage

SINCE = NOW - timedelta(minutes=1)


@pytest.fixture
async def stage() -> AsyncIterator[VozAgentStage]:
    async with running(VozAgentStage) as stage:
        yield stage


@pytest.fixture
async def provider(stage: VozAgentStage) -> AsyncIterator[VozAgentProvider]:
    async with connected(VozAgentProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: VozAgentStage, provider: VozAgentProvider) -> FarCall:
    placed = await provider.place(stage.order())
    return stage.calls[placed.provider_call_id]


async def test_what_is_ordered(stage: VozAgentStage, provider: VozAgentProvider) -> None:
    order = stage.order(
        variables={"first_name": "Ada", "last_name": "Byron", "day": "Monday"},
        agent_settings={"tags": ["patients"], "notes": "Be short", "source": "spring"},
    )
    await provider.place(order)
    (call,) = stage.calls.values()
    assert call.order == {
        "phone_number": NUMBER,
        "assistant_id": "agent-1",
        "first_name": "Ada",
        "last_name": "Byron",
        "source": "spring",
        "tags": ["patients", f"outdial:{order.call_id}"],
        "notes": "Be short\nday: Monday",
    }


@pytest.mark.parametrize("settings", [{"tags": "vip", "notes": 7}, {"tags": [], "source": None}])
async def test_settings_may_be_written_in_other_ways(
    stage: VozAgentStage, provider: VozAgentProvider, settings: dict[str, Any]
) -> None:
    await provider.place(stage.order(agent_settings=settings, variables={}))
    (call,) = stage.calls.values()
    tag = f"outdial:{stage.order().call_id}"
    assert call.order["tags"] == (["vip", tag] if settings["tags"] else [tag])
    assert set(call.order) == {"phone_number", "assistant_id", "tags"}


async def test_an_assistant_may_be_named(stage: VozAgentStage) -> None:
    options = {"assistant_by": "name"}
    async with connected(VozAgentProvider, stage, options=options) as provider:
        await provider.place(stage.order(agent="Voz"))
    (call,) = stage.calls.values()
    assert call.order["assistant_name"] == "Voz"
    for unknown in ("number", 7, ["id"]):
        with pytest.raises(Misconfigured, match="assistant_by"):
            VozAgentProvider(stage.line(options={"assistant_by": unknown}))


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (400, "invalid_request", FailureClass.MISCONFIGURED),
        (401, "unauthorized", FailureClass.MISCONFIGURED),
        (402, "payment_required", FailureClass.MISCONFIGURED),
        (404, "not_found", FailureClass.MISCONFIGURED),
        (408, "timeout", FailureClass.UNKNOWN),
        (422, "invalid_request", FailureClass.MISCONFIGURED),
        (429, "rate_limited", FailureClass.THROTTLED),
        (500, "internal", FailureClass.UNKNOWN),
        (503, "unavailable", FailureClass.UNKNOWN),
        (201, "odd", FailureClass.UNKNOWN),
    ],
)
async def test_every_refusal(
    stage: VozAgentStage,
    provider: VozAgentProvider,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    failure: FailureClass,
) -> None:
    answer = json_answer({"error": {"code": code, "message": f"{NUMBER} is bad"}}, status)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await provider.place(stage.order())
    assert (caught.value.failure, caught.value.provider_code) == (failure, code)
    assert NUMBER not in str(caught.value)


WORDS = [
    ("queued", CallStatus.QUEUED),
    ("ringing", CallStatus.RINGING),
    ("in-progress", CallStatus.IN_PROGRESS),
    ("in_progress", CallStatus.IN_PROGRESS),
    ("completed", CallStatus.COMPLETED),
    ("voicemail", CallStatus.COMPLETED),
    ("failed", CallStatus.FAILED),
    ("no-answer", CallStatus.NO_ANSWER),
    ("no_answer", CallStatus.NO_ANSWER),
    ("busy", CallStatus.BUSY),
    ("canceled", CallStatus.CANCELED),
    ("cancelled", CallStatus.CANCELED),
]


@pytest.mark.parametrize(("word", "status"), WORDS)
async def test_every_status(
    stage: VozAgentStage, provider: VozAgentProvider, call: FarCall, word: str, status: CallStatus
) -> None:
    stage.facts[call.id] = {"call_status": word}
    snapshot = await provider.look_up(call.id)
    assert snapshot is not None
    event = snapshot.events[0]
    assert (event.status, event.event_id) == (status, f"{call.id}/{status}")
    assert (event.failure is not None) == (status is CallStatus.FAILED)
    assert (event.answered_by is AnsweredBy.MACHINE) == (word == "voicemail")


async def test_a_status_nobody_knows_is_no_end(
    stage: VozAgentStage, provider: VozAgentProvider, call: FarCall
) -> None:
    stage.facts[call.id] = {"call_status": "transferring"}
    snapshot = await provider.look_up(call.id)
    assert snapshot is not None
    assert (snapshot.status, snapshot.events) == (CallStatus.QUEUED, ())


async def test_the_record_of_the_page(provider: VozAgentProvider, stage: VozAgentStage) -> None:
    """The sample of docs.vozagent.ai/developers/api/calls/get."""
    shown = {
        "id": "call-a1b2c3d4",
        "call_type": "inbound",
        "call_status": "completed",
        "duration_seconds": 180,
        "call_started_at": "2024-01-15T10:30:00Z",
        "call_ended_at": "2024-01-15T10:33:00Z",
        "transcript": "Assistant: Hello!",
        "analysis_summary": "Inquired about a patio",
        "call_intent": "new_quote",
        "lead_qualification": "hot",
        "appointment_booked": True,
        "recording_url": "https://storage.vozagent.ai/recordings/call-a1b2c3d4.mp3",
        "cost": 0.15,
    }
    stage.calls["call-a1b2c3d4"] = FarCall("call-a1b2c3d4", NUMBER, None)
    stage.facts["call-a1b2c3d4"] = shown
    snapshot = await provider.look_up("call-a1b2c3d4")
    assert snapshot is not None
    ended, analysis = snapshot.events
    assert ended.at.isoformat() == "2024-01-15T10:33:00+00:00"
    assert (ended.status, ended.duration_seconds) == (CallStatus.COMPLETED, 180)
    assert (analysis.kind, analysis.disposition, analysis.cost) == (
        EventKind.ANALYSIS,
        BOOKED,
        0.15,
    )
    assert analysis.transcript == "Assistant: Hello!"
    assert analysis.structured == {
        "summary": "Inquired about a patio",
        "call_intent": "new_quote",
        "lead_qualification": "hot",
    }


async def test_find_goes_by_the_tag_and_the_time(
    stage: VozAgentStage, provider: VozAgentProvider, call: FarCall
) -> None:
    older = await provider.place(stage.order(call_id="our-0"))
    stage.facts[older.provider_call_id] = {"call_started_at": iso(NOW - timedelta(hours=1))}
    snapshot = await provider.find(stage.order().call_id, to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert snapshot.provider_call_id == call.id
    stage.facts[call.id] = {"call_started_at": None}
    assert await provider.find(stage.order().call_id, to=NUMBER, since=SINCE) is None


async def test_two_calls_since_can_not_be_told_apart(
    stage: VozAgentStage, provider: VozAgentProvider, call: FarCall
) -> None:
    await provider.place(stage.order(call_id="our-2"))
    assert await provider.find("our-2", to=NUMBER, since=SINCE) is None


async def test_not_finding_a_call_proves_nothing(
    stage: VozAgentStage, provider: VozAgentProvider
) -> None:
    """A contact that was there before may not get the tag, though it is called."""
    stage.contacts[NUMBER] = ["patients"]
    stage.keeps_tags = False
    order = stage.order()
    await provider.place(order)
    assert await provider.find(order.call_id, to=NUMBER, since=SINCE) is None
    assert provider.capabilities.listing_lag >= timedelta(days=1)


async def test_a_filter_that_is_ignored_finds_nobody_else(
    stage: VozAgentStage,
    provider: VozAgentProvider,
    call: FarCall,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everybody = [
        {"id": "contact-1", "phone_number": "+12025550199", "tags": ["outdial:our-1"]},
        {"id": "contact-12025550143", "phone_number": NUMBER, "tags": []},
        {"id": "contact-2", "phone_number": NUMBER, "tags": None},
        "odd",
    ]
    monkeypatch.setattr(stage, "answer", lambda request: json_answer(everybody))
    assert await provider.find("our-1", to=NUMBER, since=SINCE) is None
    assert len(stage.requests) == 2  # the dial, and the contacts; nobody's calls


@pytest.mark.parametrize("answer", [json_answer({"calls": []}), Answer(200, b"<html>")])
async def test_a_list_that_is_none_is_unavailable(
    stage: VozAgentStage,
    provider: VozAgentProvider,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: answer)
    with pytest.raises(Unavailable, match="unreadable"):
        await provider.find("our-1", to=NUMBER, since=SINCE)


def test_no_status_is_left_out() -> None:
    assert {word for word, _ in WORDS} == set(STATUS.rows)
