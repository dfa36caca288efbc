"""What is special about BuildVoiceAI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.adapters.buildvoiceai.client import BuildVoiceAIProvider
from outdial.providers.adapters.buildvoiceai.webhook import EVENT
from outdial.providers.errors import ProviderError, Unavailable, WebhookRefused
from tests.providers.bearer import BEGAN, ENDED
from tests.providers.buildvoiceai.stage import BuildVoiceAIStage
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import Answer, json_answer
from tests.providers.contract.stage import HOOK, NOW, NUMBER, Delivery, FarCall


@pytest.fixture
async def stage() -> AsyncIterator[BuildVoiceAIStage]:
    async with running(BuildVoiceAIStage) as stage:
        yield stage


@pytest.fixture
async def provider(stage: BuildVoiceAIStage) -> AsyncIterator[BuildVoiceAIProvider]:
    async with connected(BuildVoiceAIProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider) -> FarCall:
    placed = await provider.place(stage.order())
    return stage.calls[placed.provider_call_id]


def reported(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider, **content: Any
) -> list[CallEvent]:
    delivery = stage.posted(content)
    return list(receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW))


async def test_what_is_ordered(stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider) -> None:
    variables = {"name": "Ada", "email": "ada@example.com", "day": "Monday"}
    await provider.place(stage.order(variables=variables))
    (call,) = stage.calls.values()
    assert call.order == {
        "phone_number": NUMBER,
        "agent_id": "agent-1",
        "name": "Ada",
        "email": "ada@example.com",
        "metadata": {**variables, "outdial_call_id": stage.order().call_id},
    }


async def test_without_an_agent_the_account_s_own_is_taken(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider
) -> None:
    await provider.place(stage.order(agent=""))
    (call,) = stage.calls.values()
    assert "agent_id" not in call.order


async def test_the_answer_may_be_flat_as_on_its_page(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = {"success": True, "call_id": "flat-1", "status": "initiated"}
    monkeypatch.setattr(stage, "created", lambda call: stage.say(flat))
    assert (await provider.place(stage.order())).provider_call_id == "flat-1"


@pytest.mark.parametrize(
    ("status", "error", "failure"),
    [
        (400, "Invalid phone number format", FailureClass.REJECTED),
        (400, "Agent not found", FailureClass.MISCONFIGURED),
        (400, "No agent specified and no default agent configured", FailureClass.MISCONFIGURED),
        (400, f"Nobody knows {NUMBER}", FailureClass.MISCONFIGURED),
        (400, None, FailureClass.MISCONFIGURED),
        (401, "Invalid API key", FailureClass.MISCONFIGURED),
        (403, "API access is disabled", FailureClass.MISCONFIGURED),
        (404, "Invalid phone number format", FailureClass.MISCONFIGURED),
        (429, "Rate limit exceeded. Retry after 12 seconds.", FailureClass.THROTTLED),
        (500, "Internal server error", FailureClass.UNKNOWN),
        (200, "Invalid phone number format", FailureClass.UNKNOWN),
        (302, "Elsewhere", FailureClass.UNKNOWN),
    ],
)
async def test_every_refusal(
    stage: BuildVoiceAIStage,
    provider: BuildVoiceAIProvider,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    error: str | None,
    failure: FailureClass,
) -> None:
    answer = json_answer({"success": False, "error": error}, status)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await provider.place(stage.order())
    assert caught.value.failure is failure
    assert NUMBER not in str(caught.value)


MOMENTS = [
    ("call.started", None, CallStatus.IN_PROGRESS, None),
    ("call_started", None, CallStatus.IN_PROGRESS, None),
    ("call.completed", None, CallStatus.COMPLETED, None),
    ("call.completed", "completed", CallStatus.COMPLETED, None),
    ("call.failed", None, CallStatus.FAILED, FailureClass.UNAVAILABLE),
    ("call.failed", "failed", CallStatus.FAILED, FailureClass.UNAVAILABLE),
    ("call.failed", "no-answer", CallStatus.NO_ANSWER, None),
    ("call.failed", "busy", CallStatus.BUSY, None),
    ("call.failed", "levitated", CallStatus.FAILED, FailureClass.UNAVAILABLE),
    ("call_ended", "completed", CallStatus.COMPLETED, None),
    ("call_ended", "failed", CallStatus.FAILED, FailureClass.UNAVAILABLE),
    ("call_ended", "no_answer", CallStatus.NO_ANSWER, None),
    ("call_ended", "missed", CallStatus.NO_ANSWER, None),
    ("call_ended", None, CallStatus.FAILED, FailureClass.UNKNOWN),
    ("call_ended", "levitated", CallStatus.FAILED, FailureClass.UNKNOWN),
    (None, "completed", CallStatus.COMPLETED, None),
]


@pytest.mark.parametrize(("event", "word", "status", "failure"), MOMENTS)
async def test_every_moment_in_either_rendition(
    stage: BuildVoiceAIStage,
    provider: BuildVoiceAIProvider,
    event: str | None,
    word: str | None,
    status: CallStatus,
    failure: FailureClass | None,
) -> None:
    named = {"event": event} if event else {}
    (report,) = reported(stage, provider, call_id="c-1", status=word, **named)
    assert (report.status, report.failure, report.at) == (status, failure, NOW)
    assert report.event_id == f"c-1/{status}"


async def test_a_machine_that_answered(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider
) -> None:
    (event,) = reported(stage, provider, event="call_ended", call_id="c-1", status="voicemail")
    assert (event.status, event.answered_by) == (CallStatus.COMPLETED, AnsweredBy.MACHINE)


@pytest.mark.parametrize(
    "content",
    [
        {"event": "call_ended", "call_id": "c-1", "status": "completed", "test": True},
        {"event": "test"},
        {"event": "call.levitated", "call_id": "c-1", "status": "completed"},
        {"status": "levitated", "call_id": "c-1"},
        {"call_id": "c-1"},
    ],
)
async def test_what_is_about_no_call_of_ours(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider, content: dict[str, Any]
) -> None:
    assert reported(stage, provider, **content) == []


async def test_the_end_brings_everything(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider, call: FarCall
) -> None:
    delivery = stage.deliver(call, CallStatus.COMPLETED)
    assert delivery is not None
    (event,) = receive_webhook(provider, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.at, event.duration_seconds) == (ENDED, 127)
    assert event.transcript == "agent: Hello"
    assert event.structured == {"summary": "Confirmed.", "sentiment": "positive"}
    started = stage.deliver(call, CallStatus.IN_PROGRESS)
    assert started is not None
    (began,) = receive_webhook(provider, started.headers, started.body, started.url, NOW)
    assert (began.at, began.duration_seconds) == (BEGAN, None)


async def test_the_payload_of_the_workflow_action(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider
) -> None:
    (event,) = reported(
        stage,
        provider,
        event="call_ended",
        call_id="c-1",
        status="completed",
        duration=45,
        cost_cents=37,
        transcript="Agent: Hello\nUser: Hi",
        recording_url="https://recordings.example.com/1.mp3",
    )
    assert (event.cost, event.duration_seconds) == (0.37, 45)
    assert event.transcript == "Agent: Hello\nUser: Hi"
    assert event.recording_url == "https://recordings.example.com/1.mp3"


async def test_a_report_of_no_call_is_refused(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider
) -> None:
    with pytest.raises(WebhookRefused, match="call_id"):
        reported(stage, provider, event="call.completed")


@pytest.mark.parametrize(
    "query", ["", "/", "/another", "?token=", "?token=another", "?secret=whsec_of-the-far-side"]
)
async def test_the_url_has_to_carry_the_secret(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider, query: str
) -> None:
    body = stage.posted({"event": "call.completed", "call_id": "c-1"}).body
    with pytest.raises(WebhookRefused):
        receive_webhook(provider, {}, body, HOOK + query, NOW)


async def test_senders_can_be_named(stage: BuildVoiceAIStage) -> None:
    options = {"allowed_addresses": ["203.0.113.0/24"], "address_header": "X-Real-IP"}
    delivery: Delivery = stage.posted({"event": "call.completed", "call_id": "c-1"})
    async with connected(BuildVoiceAIProvider, stage, options=options) as provider:
        for address, allowed in (("203.0.113.9", True), ("198.51.100.9", False), ("", False)):
            headers = delivery.headers | {"x-real-ip": address}
            if allowed:
                assert receive_webhook(provider, headers, delivery.body, delivery.url, NOW)
            else:
                with pytest.raises(WebhookRefused):
                    receive_webhook(provider, headers, delivery.body, delivery.url, NOW)


async def test_what_is_not_offered_asks_nobody(
    stage: BuildVoiceAIStage, provider: BuildVoiceAIProvider
) -> None:
    for ask in (
        provider.look_up("c-1"),
        provider.find("our-1", to=NUMBER, since=NOW),
        provider.end("c-1"),
    ):
        with pytest.raises(Unavailable) as caught:
            await ask
        assert caught.value.provider_code == "unsupported"
    assert stage.requests == []


@pytest.mark.parametrize("answer", [Answer(200, b"{}"), Answer(404)])
async def test_a_check_that_proves_nothing_fails(
    stage: BuildVoiceAIStage,
    provider: BuildVoiceAIProvider,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: answer)
    with pytest.raises(ProviderError):
        await provider.check()
    assert [request.json for request in stage.requests] == [{}]


def test_no_event_is_left_out() -> None:
    followed = {word for word, meaning in EVENT.rows.items() if meaning.status}
    assert {event for event, *_ in MOMENTS if event} == followed
