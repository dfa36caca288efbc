"""What is special about Retell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.definition.agent import Agent
from outdial.providers.adapters.retell.client import RetellProvider
from outdial.providers.adapters.retell.webhook import verify
from outdial.providers.carried import CallSettings
from outdial.providers.errors import Misconfigured, ProviderError, Unavailable, WebhookRefused
from outdial.providers.reports.status_map import Meaning
from tests.providers.contract.reference import rows, vectors
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import json_answer
from tests.providers.contract.stage import NOW, FarCall
from tests.providers.retell.stage import KEY, RetellStage


@pytest.fixture
async def stage() -> AsyncIterator[RetellStage]:
    async with running(RetellStage) as stage:
        yield stage


@pytest.fixture
async def retell(stage: RetellStage) -> AsyncIterator[RetellProvider]:
    async with connected(RetellProvider, stage, clock=lambda: NOW) as provider:
        yield provider


@pytest.fixture
async def call(stage: RetellStage, retell: RetellProvider) -> FarCall:
    placed = await retell.place(stage.order())
    return stage.calls[placed.provider_call_id]


def test_signature_vector() -> None:
    (vector,) = vectors("retell")
    signed_at = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    headers, body, secret = vector["headers"], vector["body"].encode(), vector["secret"]
    verify(headers, body, secret, signed_at + timedelta(minutes=4))
    for given, content, key, now in (
        (headers, body + b" ", secret, signed_at),
        (headers, body, "another", signed_at),
        (headers, body, secret, signed_at + timedelta(minutes=6)),
        (headers, body, secret, signed_at - timedelta(minutes=6)),
        ({}, body, secret, signed_at),
    ):
        with pytest.raises(WebhookRefused):
            verify(given, content, key, now)


@pytest.mark.parametrize(
    "spoil",
    [lambda s: s + "0", lambda s: " " + s, lambda s: s.upper(), lambda s: s.replace(",", ";")],
)
def test_the_header_has_one_form(spoil: Any) -> None:
    (vector,) = vectors("retell")
    signed_at = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    header = spoil(vector["headers"]["x-retell-signature"])
    with pytest.raises(WebhookRefused):
        verify({"x-retell-signature": header}, vector["body"].encode(), "test-api-key", signed_at)


@pytest.mark.parametrize(("word", "meaning"), rows("retell", "call_status"))
async def test_every_status(
    stage: RetellStage, retell: RetellProvider, call: FarCall, word: str, meaning: Meaning
) -> None:
    stage.facts[call.id] = {"call_status": word}
    snapshot = await retell.look_up(call.id)
    assert snapshot is not None
    (event,) = snapshot.events
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    assert event.call_id == stage.order().call_id


@pytest.mark.parametrize(("reason", "meaning"), rows("retell", "disconnection_reason"))
@pytest.mark.parametrize("word", ["not_connected", "ended", "error"])
async def test_every_reason(
    stage: RetellStage,
    retell: RetellProvider,
    call: FarCall,
    word: str,
    reason: str,
    meaning: Meaning,
) -> None:
    ending = {"call_status": word, "disconnection_reason": reason}
    delivery = stage.webhook("call_ended", stage.shown(call) | ending)
    (event,) = receive_webhook(retell, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    assert event.answered_by == meaning.answered_by
    assert event.detail == reason


async def test_a_reason_does_not_end_what_goes_on(
    stage: RetellStage, retell: RetellProvider, call: FarCall
) -> None:
    stage.facts[call.id] = {"call_status": "ongoing", "disconnection_reason": "user_hangup"}
    snapshot = await retell.look_up(call.id)
    assert snapshot is not None
    assert snapshot.status is CallStatus.IN_PROGRESS


async def test_stopped_by_us_after_the_answer_is_completed(
    stage: RetellStage, retell: RetellProvider, call: FarCall
) -> None:
    stopped = {"call_status": "ended", "disconnection_reason": "manual_stopped"}
    stage.facts[call.id] = stopped
    before = await retell.look_up(call.id)
    stage.move(call, *stage.steps)
    after = await retell.look_up(call.id)
    assert before is not None
    assert after is not None
    assert (before.status, after.status) == (CallStatus.CANCELED, CallStatus.COMPLETED)


async def test_the_analysis_is_an_event_of_its_own(
    stage: RetellStage, retell: RetellProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    stage.facts[call.id] = {
        "transcript": "Agent: Hello",
        "recording_url": "https://storage.example/1.wav",
        "call_analysis": {"in_voicemail": True, "custom_analysis_data": {"disposition": "booked"}},
        "call_cost": {"combined_cost": 12.5, "product_costs": []},
    }
    delivery = stage.webhook("call_analyzed", stage.shown(call))
    end, analysis = receive_webhook(retell, delivery.headers, delivery.body, delivery.url, NOW)
    assert end.duration_seconds == 60
    assert (analysis.kind, analysis.disposition) == (EventKind.ANALYSIS, "booked")
    assert (analysis.cost, analysis.answered_by) == (0.125, AnsweredBy.MACHINE)
    assert (analysis.transcript, analysis.recording_url) == (
        "Agent: Hello",
        "https://storage.example/1.wav",
    )
    before = stage.deliver(call, CallStatus.COMPLETED)
    assert before is not None
    events = receive_webhook(retell, before.headers, before.body, before.url, NOW)
    assert end.event_id == events[0].event_id


@pytest.mark.parametrize(
    ("reason", "disposition"),
    [("user_requested_dnc", "opted_out"), ("user_requested_callback", "call_me_later")],
)
async def test_a_wish_of_the_person_is_a_disposition(
    stage: RetellStage, retell: RetellProvider, call: FarCall, reason: str, disposition: str
) -> None:
    stage.move(call, *stage.steps)
    stage.facts[call.id] = {
        "disconnection_reason": reason,
        "call_analysis": {"custom_analysis_data": {"disposition": "interested"}},
    }
    snapshot = await retell.look_up(call.id)
    assert snapshot is not None
    assert snapshot.status is CallStatus.COMPLETED
    assert [event.disposition for event in snapshot.events] == [disposition, disposition]


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        ("network_blocked", FailureClass.BLOCKED),
        ("credit_exhausted", FailureClass.MISCONFIGURED),
        ("budget_reached", FailureClass.MISCONFIGURED),
    ],
)
async def test_reasons_newer_than_the_table(
    stage: RetellStage,
    retell: RetellProvider,
    call: FarCall,
    reason: str,
    failure: FailureClass,
) -> None:
    stage.facts[call.id] = {"call_status": "error", "disconnection_reason": reason}
    snapshot = await retell.look_up(call.id)
    assert snapshot is not None
    assert snapshot.events[0].failure is failure


@pytest.mark.parametrize("event", ["transcript_updated", "transfer_started", "new", ""])
async def test_other_webhooks_are_not_about_the_status(
    stage: RetellStage, retell: RetellProvider, call: FarCall, event: str
) -> None:
    delivery = stage.webhook(event, stage.shown(call))
    assert receive_webhook(retell, delivery.headers, delivery.body, delivery.url, NOW) == ()


async def test_a_call_that_never_connected_may_have_no_time(
    stage: RetellStage, retell: RetellProvider, call: FarCall
) -> None:
    ending = {"call_status": "not_connected", "disconnection_reason": "dial_no_answer"}
    delivery = stage.webhook("call_ended", stage.shown(call) | ending)
    (event,) = receive_webhook(retell, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.status, event.at) == (CallStatus.NO_ANSWER, NOW)


@pytest.mark.parametrize(
    ("http_status", "failure"),
    [
        (400, FailureClass.MISCONFIGURED),
        (401, FailureClass.MISCONFIGURED),
        (402, FailureClass.MISCONFIGURED),
        (422, FailureClass.MISCONFIGURED),
        (429, FailureClass.THROTTLED),
        (500, FailureClass.UNKNOWN),
    ],
)
async def test_every_answer_without_a_call(
    stage: RetellStage,
    retell: RetellProvider,
    monkeypatch: pytest.MonkeyPatch,
    http_status: int,
    failure: FailureClass,
) -> None:
    answer = json_answer({"status": "error", "message": "No."}, http_status)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await retell.place(stage.order())
    assert caught.value.failure is failure


async def test_what_is_ordered(stage: RetellStage, retell: RetellProvider) -> None:
    settings = {"voicemail_option": {"action": {"type": "hangup"}}}
    long = timedelta(hours=9)
    await retell.place(stage.order(agent_settings=settings, max_duration=long))
    (call,) = stage.calls.values()
    agent = call.order["agent_override"]["agent"]
    assert agent["ring_duration_ms"] == 25_000
    assert agent["max_call_duration_ms"] == 7_200_000
    assert agent["voicemail_option"] == settings["voicemail_option"]
    assert call.order["idempotency_key"] == stage.order().call_id
    assert call.order["retell_llm_dynamic_variables"] == {"first_name": "Ada"}
    with pytest.raises(Misconfigured):
        await retell.place(stage.order(caller_id=None))
    assert stage.creates == 1


async def test_a_refusal_to_stop_what_goes_on_is_told(
    stage: RetellStage, retell: RetellProvider, call: FarCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.move(call, CallStatus.IN_PROGRESS)
    refusal = json_answer({"status": "error", "message": "Not now."}, 503)
    monkeypatch.setattr(stage, "_stop", lambda call: refusal)
    with pytest.raises(Unavailable):
        await retell.end(call.id)


async def test_check_tells_how_much_room_there_is(retell: RetellProvider) -> None:
    assert "3 calls open, concurrency 20" in await retell.check()
    assert KEY not in await retell.check()


@pytest.mark.parametrize(
    ("recording", "own", "stored"),
    [
        (None, None, None),
        (None, "basic_attributes_only", "basic_attributes_only"),
        (False, None, "basic_attributes_only"),
        (True, None, "everything"),
        (True, "everything_except_pii", "everything_except_pii"),
    ],
)
async def test_recording_is_what_retell_stores(
    stage: RetellStage,
    retell: RetellProvider,
    recording: bool | None,
    own: str | None,
    stored: str | None,
) -> None:
    settings = {} if own is None else {"data_storage_setting": own}
    requested = CallSettings(agent=Agent(id="a", settings=settings), recording=recording)
    assert list(retell.refused(requested)) == []
    await retell.place(stage.order(recording=recording, agent_settings=settings))
    (call,) = stage.calls.values()
    assert call.order["agent_override"]["agent"].get("data_storage_setting") == stored


@pytest.mark.parametrize(
    ("recording", "own"), [(True, "basic_attributes_only"), (False, "everything")]
)
async def test_what_is_stored_must_not_contradict_recording(
    retell: RetellProvider, recording: bool, own: str
) -> None:
    agent = Agent(id="a", settings={"data_storage_setting": own})
    (refusal,) = retell.refused(CallSettings(agent=agent, recording=recording))
    assert refusal.path == ("agent", "settings", "data_storage_setting")


async def test_the_events_that_tell_of_an_end_are_sent_whatever_the_agent_leaves_out(
    stage: RetellStage, retell: RetellProvider
) -> None:
    await retell.place(stage.order(agent_settings={"webhook_events": ["transfer_started"]}))
    (call,) = stage.calls.values()
    expected = ["call_analyzed", "call_ended", "call_started", "transfer_started"]
    assert call.order["agent_override"]["agent"]["webhook_events"] == expected
