"""What is special about thinnestAI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.adapters.thinnestai.client import ThinnestAIProvider
from outdial.providers.adapters.thinnestai.webhook import STATUS
from outdial.providers.errors import Misconfigured, ProviderError, Throttled, Unavailable
from tests.providers.bearer import SECRET
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import Answer, json_answer
from tests.providers.contract.stage import CALLER_ID, HOOK, NOW, NUMBER, Delivery, FarCall, iso
from tests.providers.thinnestai.stage import ThinnestAIStage

SINCE = NOW - timedelta(minutes=1)


@pytest.fixture
async def stage() -> AsyncIterator[ThinnestAIStage]:
    async with running(ThinnestAIStage) as stage:
        yield stage


@pytest.fixture
async def provider(stage: ThinnestAIStage) -> AsyncIterator[ThinnestAIProvider]:
    async with connected(ThinnestAIProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: ThinnestAIStage, provider: ThinnestAIProvider) -> FarCall:
    placed = await provider.place(stage.order())
    return stage.calls[placed.provider_call_id]


def received(provider: ThinnestAIProvider, delivery: Delivery) -> list[CallEvent]:
    return list(receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW))


async def test_what_is_ordered(stage: ThinnestAIStage, provider: ThinnestAIProvider) -> None:
    order = stage.order(recording=True, webhook_url=f"{HOOK}?a=b")
    await provider.place(order)
    (call,) = stage.calls.values()
    assert call.order == {
        "agent_id": "agent-1",
        "to_number": NUMBER,
        "from_number": CALLER_ID,
        "context": {"first_name": "Ada", "outdial_call_id": order.call_id},
        "max_duration": 600,
        "recording": True,
        "webhook_url": f"{HOOK}/{SECRET}?a=b&call_id={order.call_id}",
    }


async def test_it_does_not_dial_without_a_caller_id(
    stage: ThinnestAIStage, provider: ThinnestAIProvider
) -> None:
    with pytest.raises(Misconfigured, match="caller_ids"):
        await provider.place(stage.order(caller_id=None))
    assert stage.requests == []


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, FailureClass.MISCONFIGURED),
        (401, FailureClass.MISCONFIGURED),
        (402, FailureClass.MISCONFIGURED),
        (403, FailureClass.MISCONFIGURED),
        (404, FailureClass.MISCONFIGURED),
        (422, FailureClass.MISCONFIGURED),
        (429, FailureClass.THROTTLED),
        (500, FailureClass.UNKNOWN),
        (200, FailureClass.UNKNOWN),
    ],
)
async def test_every_refusal(
    stage: ThinnestAIStage,
    provider: ThinnestAIProvider,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    failure: FailureClass,
) -> None:
    answer = json_answer({"detail": f"{NUMBER} is bad", "status": status}, status)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await provider.place(stage.order())
    assert (caught.value.failure, caught.value.provider_code) == (failure, str(status))
    assert NUMBER not in str(caught.value)


async def test_a_limit_says_when_it_ends(
    stage: ThinnestAIStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = {"X-RateLimit-Reset": str(int(NOW.timestamp()) + 45)}
    monkeypatch.setattr(stage, "created", lambda call: Answer(429, b"{}", reset))
    provider = ThinnestAIProvider(stage.line(), clock=lambda: NOW)
    with pytest.raises(Throttled) as caught:
        await provider.place(stage.order())
    assert caught.value.retry_after == timedelta(seconds=45)
    await provider.aclose()


WORDS = [
    ("initiating", CallStatus.QUEUED),
    ("scheduled", CallStatus.QUEUED),
    ("ringing", CallStatus.RINGING),
    ("in_progress", CallStatus.IN_PROGRESS),
    ("completed", CallStatus.COMPLETED),
    ("voicemail", CallStatus.COMPLETED),
    ("failed", CallStatus.FAILED),
    ("no_answer", CallStatus.NO_ANSWER),
    ("busy", CallStatus.BUSY),
    ("canceled", CallStatus.CANCELED),
    ("cancelled", CallStatus.CANCELED),
]


@pytest.mark.parametrize(("word", "status"), WORDS)
async def test_every_status(
    stage: ThinnestAIStage,
    provider: ThinnestAIProvider,
    call: FarCall,
    word: str,
    status: CallStatus,
) -> None:
    stage.facts[call.id] = {"status": word}
    snapshot = await provider.look_up(call.id)
    assert snapshot is not None
    (polled,) = snapshot.events
    # The page of outbound calls shows a webhook without the name of an event.
    (delivery,) = received(provider, stage.posted(call, status=word))
    assert polled.event_id == delivery.event_id == f"{call.id}/{status}"
    assert polled.status is delivery.status is status
    assert (delivery.failure is not None) == (status is CallStatus.FAILED)
    assert (delivery.answered_by is AnsweredBy.MACHINE) == (word == "voicemail")
    assert delivery.call_id == stage.order().call_id


EVENTS = [
    ("call.initiating", CallStatus.QUEUED),
    ("call.ringing", CallStatus.RINGING),
    ("call.in_progress", CallStatus.IN_PROGRESS),
    ("call.completed", CallStatus.COMPLETED),
    ("call.failed", CallStatus.FAILED),
    ("call.no_answer", CallStatus.NO_ANSWER),
]


@pytest.mark.parametrize(("event", "status"), EVENTS)
async def test_every_event(
    stage: ThinnestAIStage,
    provider: ThinnestAIProvider,
    call: FarCall,
    event: str,
    status: CallStatus,
) -> None:
    (delivery,) = received(provider, stage.posted(call, event=event))
    assert delivery.status is status


async def test_busy_has_no_event_and_comes_as_a_failure(
    stage: ThinnestAIStage, provider: ThinnestAIProvider, call: FarCall
) -> None:
    (delivery,) = received(provider, stage.posted(call, event="call.failed", status="busy"))
    assert delivery.status is CallStatus.BUSY


async def test_what_comes_with_the_end(
    stage: ThinnestAIStage, provider: ThinnestAIProvider, call: FarCall
) -> None:
    ended = NOW - timedelta(seconds=5)
    (event,) = received(
        provider,
        stage.posted(
            call,
            event="call.completed",
            duration=63,
            ended_at=iso(ended),
            recording_url="https://recordings.example.com/1.mp3",
            transcript=[{"role": "assistant", "content": "Hello"}, {"role": "user"}],
        ),
    )
    assert (event.at, event.duration_seconds) == (ended, 63)
    assert event.transcript == "assistant: Hello\nuser: "
    assert event.recording_url == "https://recordings.example.com/1.mp3"


async def test_a_session_id_is_what_can_be_asked_about(
    stage: ThinnestAIStage, provider: ThinnestAIProvider
) -> None:
    stage.facts["call_000000000000"] = {"session_id": "session-1"}
    placed = await provider.place(stage.order())
    assert placed.provider_call_id == "session-1"


@pytest.mark.parametrize("bare", [True, False])
async def test_find_goes_by_our_id_else_by_number_and_time(
    stage: ThinnestAIStage,
    provider: ThinnestAIProvider,
    call: FarCall,
    monkeypatch: pytest.MonkeyPatch,
    bare: bool,
) -> None:
    other = await provider.place(stage.order(call_id="our-2"))
    snapshot = await provider.find(stage.order().call_id, to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert snapshot.provider_call_id == call.id
    stage.shows_context = False
    assert await provider.find(stage.order().call_id, to=NUMBER, since=SINCE) is None
    stage.facts[other.provider_call_id] = {"created_at": iso(NOW - timedelta(hours=1))}
    if bare:
        answer, sessions = stage.answer, [stage.shown(one) for one in stage.calls.values()]
        monkeypatch.setattr(
            stage,
            "answer",
            lambda request: (
                json_answer(sessions) if request.path == "/voice/sessions" else answer(request)
            ),
        )
    snapshot = await provider.find(stage.order().call_id, to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert snapshot.provider_call_id == call.id


async def test_a_list_that_is_none_is_unavailable(
    stage: ThinnestAIStage, provider: ThinnestAIProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: json_answer("none"))
    with pytest.raises(Unavailable, match="unreadable"):
        await provider.find("our-1", to=NUMBER, since=SINCE)


@pytest.mark.parametrize(("status", "over"), [(404, True), (409, True), (410, True), (400, False)])
async def test_what_may_be_said_of_ending_a_call_that_is_over(
    stage: ThinnestAIStage,
    provider: ThinnestAIProvider,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    over: bool,
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: Answer(status))
    if over:
        await provider.end("call_1")
    else:
        with pytest.raises(ProviderError):
            await provider.end("call_1")


def test_no_status_is_left_out() -> None:
    assert {word for word, _ in WORDS} == set(STATUS.rows)
