"""What is special about Telnyx."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.event import CallEvent, EventKind, EventSummary
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.adapters.telnyx.client import TelnyxProvider
from outdial.providers.adapters.telnyx.webhook import call_id_in, client_state
from outdial.providers.errors import Misconfigured, ProviderError, Unavailable, WebhookRefused
from outdial.providers.reports.status_map import Meaning
from tests.providers.contract.reference import answerers, rows
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.stage import NOW, NUMBER, FarCall
from tests.providers.telnyx.stage import TelnyxStage, error

SINCE = NOW - timedelta(minutes=1)


@pytest.fixture
async def stage() -> AsyncIterator[TelnyxStage]:
    async with running(TelnyxStage) as stage:
        yield stage


@pytest.fixture
async def telnyx(stage: TelnyxStage) -> AsyncIterator[TelnyxProvider]:
    async with connected(TelnyxProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: TelnyxStage, telnyx: TelnyxProvider) -> FarCall:
    placed = await telnyx.place(stage.order())
    return stage.calls[placed.provider_call_id]


def reported(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, kind: str, **payload: Any
) -> CallEvent:
    delivery = stage.webhook(call, kind, payload)
    (event,) = receive_webhook(telnyx, delivery.headers, delivery.body, delivery.url, NOW)
    assert event.call_id == stage.order().call_id
    return event


@pytest.mark.parametrize(("kind", "meaning"), rows("telnyx", "event_type"))
async def test_every_event(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, kind: str, meaning: Meaning
) -> None:
    assert reported(stage, telnyx, call, kind).status is meaning.status


@pytest.mark.parametrize(("cause", "meaning"), rows("telnyx", "hangup_cause"))
async def test_every_hangup_cause(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, cause: str, meaning: Meaning
) -> None:
    event = reported(stage, telnyx, call, "call.hangup", hangup_cause=cause)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    assert event.detail == cause


@pytest.mark.parametrize(
    ("sip", "status", "failure"),
    [
        ("403", CallStatus.FAILED, FailureClass.MISCONFIGURED),
        ("404", CallStatus.FAILED, FailureClass.REJECTED),
        ("410", CallStatus.FAILED, FailureClass.REJECTED),
        ("480", CallStatus.NO_ANSWER, None),
        ("486", CallStatus.BUSY, None),
        ("600", CallStatus.BUSY, None),
        ("603", CallStatus.BUSY, None),
        ("604", CallStatus.FAILED, FailureClass.REJECTED),
        ("607", CallStatus.FAILED, FailureClass.REFUSED),
        ("608", CallStatus.FAILED, FailureClass.REFUSED),
        ("699", CallStatus.BUSY, None),
    ],
)
async def test_why_a_call_was_rejected(
    stage: TelnyxStage,
    telnyx: TelnyxProvider,
    call: FarCall,
    sip: str,
    status: CallStatus,
    failure: FailureClass | None,
) -> None:
    ending = {"hangup_cause": "call_rejected", "sip_hangup_cause": sip}
    event = reported(stage, telnyx, call, "call.hangup", **ending)
    assert (event.status, event.failure) == (status, failure)
    other = reported(
        stage, telnyx, call, "call.hangup", hangup_cause="timeout", sip_hangup_cause=sip
    )
    assert other.status is CallStatus.NO_ANSWER


async def test_a_hangup_for_no_reason(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall
) -> None:
    event = reported(stage, telnyx, call, "call.hangup")
    assert (event.status, event.failure) == (CallStatus.FAILED, FailureClass.UNKNOWN)


@pytest.mark.parametrize(("result", "who"), answerers("telnyx", "amd_result"))
async def test_who_answered(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, result: str, who: AnsweredBy
) -> None:
    premium = result not in ("human", "machine", "not_sure")
    kind = f"call.machine.{'premium.' if premium else ''}detection.ended"
    event = reported(stage, telnyx, call, kind, result=result)
    assert (event.answered_by, event.status) == (who, None)


@pytest.mark.parametrize("kind", ["greeting.ended", "premium.greeting.ended"])
async def test_a_beep_tells_a_machine(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, kind: str
) -> None:
    event = reported(stage, telnyx, call, f"call.machine.{kind}", result="beep_detected")
    assert event.answered_by is AnsweredBy.MACHINE
    none = "no_beep_detected" if "premium" in kind else "not_sure"
    assert reported(stage, telnyx, call, f"call.machine.{kind}", result=none).answered_by is None


async def test_a_phone_that_screens_its_calls_reaches_nobody(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, caplog: pytest.LogCaptureFixture
) -> None:
    screened = reported(
        stage, telnyx, call, "call.machine.premium.call_screening.detected", result="screening"
    )
    assert screened.answered_by is AnsweredBy.SCREENER
    human = reported(
        stage, telnyx, call, "call.machine.premium.detection.ended", result="human_residence"
    )
    human = human.model_copy(update={"at": screened.at + timedelta(seconds=9)})
    assert EventSummary.of([screened]).values["answered_by"] == AnsweredBy.SCREENER
    assert EventSummary.of([screened, human]).values["answered_by"] == AnsweredBy.HUMAN
    assert caplog.records == []


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("call.cost", {"total_cost": "0.01", "cost_parts": [{"cost": "0.01", "currency": "EUR"}]}),
        ("call.analyzed", {"cost": {"total": "0.12", "currency": "EUR"}}),
    ],
)
async def test_a_price_in_another_currency_than_the_lines_is_left_out(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, kind: str, payload: dict[str, Any]
) -> None:
    assert reported(stage, telnyx, call, kind, **payload).cost is not None
    telnyx.webhooks.line = stage.line(currency="EUR")
    assert reported(stage, telnyx, call, kind, **payload).cost is not None
    telnyx.webhooks.line = stage.line(currency="USD")
    assert reported(stage, telnyx, call, kind, **payload).cost is None


async def test_cost_and_recording_come_later(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall
) -> None:
    cost = reported(stage, telnyx, call, "call.cost", total_cost="0.0106")
    assert (cost.kind, cost.cost) == (EventKind.ANALYSIS, 0.0106)
    urls = {"mp3": "https://storage.example/1.mp3"}
    saved = reported(stage, telnyx, call, "call.recording.saved", recording_urls=urls)
    assert (saved.kind, saved.recording_url) == (EventKind.ANALYSIS, urls["mp3"])


async def test_a_saved_recording_names_no_call_but_ours(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall
) -> None:
    delivery = stage.webhook(
        call, "call.recording.saved", {"recording_urls": {"wav": "https://a/1"}}
    )
    content = json.loads(delivery.body)
    del content["data"]["payload"]["call_control_id"]
    (event,) = telnyx.webhooks.read(json.dumps(content).encode(), delivery.url, NOW)
    assert (event.call_id, event.provider_call_id) == (stage.order().call_id, None)
    assert event.recording_url == "https://a/1"
    del content["data"]["payload"]["client_state"]
    assert telnyx.webhooks.read(json.dumps(content).encode(), delivery.url, NOW) == ()


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        ("invalid_request", FailureClass.MISCONFIGURED),
        ("service_error", FailureClass.UNAVAILABLE),
        ("gone_fishing", FailureClass.MISCONFIGURED),
        (None, FailureClass.MISCONFIGURED),
    ],
)
async def test_an_assistant_that_never_started(
    stage: TelnyxStage,
    telnyx: TelnyxProvider,
    call: FarCall,
    reason: str | None,
    failure: FailureClass,
) -> None:
    payload = {} if reason is None else {"reason": reason}
    event = reported(stage, telnyx, call, "call.conversation.start_failed", **payload)
    assert (event.status, event.failure) == (CallStatus.FAILED, failure)
    assert event.unserved, "where the person had answered it was no talk either"
    assert event.detail == " ".join(filter(None, ("call.conversation.start_failed", reason)))


async def test_a_talk_with_an_assistant_is_told_in_full(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall
) -> None:
    messages = [
        {"role": "system", "content": "voicemail prompt"},
        {"role": "assistant", "content": "Hello"},
        {"role": "assistant", "tool_calls": []},
        {"role": "user", "content": "Yes"},
    ]
    talk = reported(
        stage, telnyx, call, "call.conversation.ended", messages=messages, duration_sec=42
    )
    assert (talk.transcript, talk.duration_seconds) == ("assistant: Hello\nuser: Yes", 42)
    results = [
        {"insight_id": "i1", "result": {"disposition": "booked"}},
        {"insight_id": "i2", "result": "a good talk"},
        {"insight_id": "i3", "result": '{"call_at": "10:30"}'},
    ]
    kind = "call.conversation_insights.generated"
    insights = reported(stage, telnyx, call, kind, results=results)
    assert insights.disposition == "booked"
    assert insights.structured == {"disposition": "booked", "i2": "a good talk", "call_at": "10:30"}
    analyzed = reported(
        stage,
        telnyx,
        call,
        "call.analyzed",
        cost={"total": "0.12", "currency": "USD", "breakdown": []},
        conversation_insights=[{"status": "completed", "conversation_insights": results}],
        recordings=[{"id": "r", "download_urls": {"mp3": "https://a/1"}}],
    )
    assert (analyzed.cost, analyzed.recording_url) == (0.12, "https://a/1")
    assert analyzed.structured == insights.structured
    none = reported(stage, telnyx, call, "call.analyzed", cost="No cost data available.")
    assert none.cost is None
    text = reported(
        stage, telnyx, call, "call.recording.transcription.saved", transcription_text="Yes"
    )
    assert text.transcript == "Yes"


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("call.initiated", {"direction": "incoming", "state": "parked"}),
        ("call.bridged", {}),
        ("call.speak.ended", {}),
        ("call.dtmf.received", {"digit": "1"}),
    ],
)
async def test_other_webhooks_are_not_about_the_status(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, kind: str, payload: dict[str, str]
) -> None:
    delivery = stage.webhook(call, kind, payload)
    assert receive_webhook(telnyx, delivery.headers, delivery.body, delivery.url, NOW) == ()


@pytest.mark.parametrize(
    ("facts", "status", "failure"),
    [
        ({}, CallStatus.COMPLETED, None),
        ({"call_duration": 0}, CallStatus.FAILED, FailureClass.UNKNOWN),
        ({"is_alive": True}, CallStatus.QUEUED, None),
        ({"is_alive": False, "end_time": "soon"}, CallStatus.QUEUED, None),
    ],
)
async def test_a_look_up_only_tells_whether_it_is_over(
    stage: TelnyxStage,
    telnyx: TelnyxProvider,
    call: FarCall,
    facts: dict[str, Any],
    status: CallStatus,
    failure: FailureClass | None,
) -> None:
    stage.move(call, *stage.steps)
    stage.facts[call.id] = facts
    snapshot = await telnyx.look_up(call.id)
    assert snapshot is not None
    assert snapshot.status is status
    assert [event.failure for event in snapshot.events if event.failure] == [failure] * bool(
        failure
    )


async def test_a_call_that_was_just_made_is_not_over(telnyx: TelnyxProvider, call: FarCall) -> None:
    snapshot = await telnyx.look_up(call.id)
    assert snapshot is not None
    assert snapshot.events == ()


@pytest.mark.parametrize(
    ("http_status", "code", "pointer", "failure"),
    [
        (429, "10011", None, FailureClass.THROTTLED),
        (429, "90103", None, FailureClass.THROTTLED),
        (403, "10039", None, FailureClass.THROTTLED),
        (422, "10016", "/to", FailureClass.REJECTED),
        (422, "10002", "/to", FailureClass.REJECTED),
        (422, "10001", "/to", FailureClass.REJECTED),
        (400, "10016", "/to", FailureClass.REJECTED),
        (422, "10016", "/from", FailureClass.MISCONFIGURED),
        (422, "10011", None, FailureClass.MISCONFIGURED),
        (422, "10015", "/connection_id", FailureClass.MISCONFIGURED),
        (401, "10009", None, FailureClass.MISCONFIGURED),
        (403, "10010", None, FailureClass.MISCONFIGURED),
        (500, "10007", None, FailureClass.UNKNOWN),
        (503, "10011", None, FailureClass.UNKNOWN),
    ],
)
async def test_every_answer_without_a_call(
    stage: TelnyxStage,
    telnyx: TelnyxProvider,
    monkeypatch: pytest.MonkeyPatch,
    http_status: int,
    code: str,
    pointer: str | None,
    failure: FailureClass,
) -> None:
    monkeypatch.setattr(stage, "created", lambda call: error(http_status, code, pointer))
    with pytest.raises(ProviderError) as caught:
        await telnyx.place(stage.order())
    assert (caught.value.failure, caught.value.provider_code) == (failure, code)


async def test_what_is_ordered(stage: TelnyxStage, telnyx: TelnyxProvider) -> None:
    settings = {"answering_machine_detection": "premium", "assistant": {"greeting": "Hello"}}
    short = timedelta(seconds=1)
    order = stage.order(
        agent_settings=settings, recording=True, ring_timeout=short, max_duration=short
    )
    await telnyx.place(order)
    (call,) = stage.calls.values()
    variables = {"first_name": "Ada"}
    assert call.order["assistant"] == {
        "id": "agent-1",
        "greeting": "Hello",
        "dynamic_variables": variables,
    }
    assert (call.order["timeout_secs"], call.order["time_limit_secs"]) == (5, 30)
    assert call.order["retry_on_timeout"] is False
    assert call.order["command_id"] == order.call_id
    assert call.order["record"] == "record-from-answer"
    with pytest.raises(Misconfigured):
        await telnyx.place(stage.order(caller_id=None))
    with pytest.raises(Misconfigured, match="connection_id"):
        TelnyxProvider(stage.line(options={}))


@pytest.mark.parametrize("by_cursor", [False, True])
async def test_find_turns_the_pages(
    stage: TelnyxStage, telnyx: TelnyxProvider, by_cursor: bool
) -> None:
    stage.by_cursor = by_cursor
    for number in range(600):
        state = client_state(f"our-{number}")
        call = FarCall(f"v3:{number}", NUMBER, None, order={"client_state": state})
        stage.calls[call.id] = call
    snapshot = await telnyx.find("our-599", to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert snapshot.provider_call_id == "v3:599"
    stage.calls["v3:599"].status = CallStatus.COMPLETED
    assert await telnyx.find("our-599", to=NUMBER, since=SINCE) is None


@pytest.mark.parametrize(
    "meta",
    [
        {"cursors": {"after": "1"}, "next": "more"},
        {"page_number": 1, "total_pages": 1_000_000},
    ],
)
async def test_find_gives_up_on_a_list_without_end(
    stage: TelnyxStage,
    telnyx: TelnyxProvider,
    monkeypatch: pytest.MonkeyPatch,
    meta: dict[str, Any],
) -> None:
    endless = {"data": [], "meta": meta}
    monkeypatch.setattr(stage, "_active", lambda query: endless)
    with pytest.raises(Unavailable):
        await telnyx.find("our-1", to=NUMBER, since=SINCE)


@pytest.mark.parametrize(
    "state", [None, "", "aGF2ZSBhIG5pY2UgZGF5ID1d", "not base64", "b3V0ZGlhbDo=", "/////w=="]
)
def test_a_client_state_that_is_not_ours(state: str | None) -> None:
    assert call_id_in(state) is None


@pytest.mark.parametrize("key", ["not base64", base64.b64encode(b"short").decode()])
async def test_a_key_that_is_none_believes_nothing(stage: TelnyxStage, key: str) -> None:
    broken = stage.credentials() | {"public_key": key}
    async with connected(TelnyxProvider, stage, credentials=broken) as telnyx:
        await telnyx.place(stage.order())
        (call,) = stage.calls.values()
        delivery = stage.deliver(call, CallStatus.RINGING)
        assert delivery is not None
        with pytest.raises(WebhookRefused):
            receive_webhook(telnyx, delivery.headers, delivery.body, delivery.url, NOW)


@pytest.mark.parametrize("timestamp", ["", "soon", "٣", "1" * 12, "-1", "1.5"])
async def test_a_timestamp_that_is_none(
    stage: TelnyxStage, telnyx: TelnyxProvider, call: FarCall, timestamp: str
) -> None:
    delivery = stage.webhook(call, "call.answered", {})
    with pytest.raises(WebhookRefused):
        receive_webhook(
            telnyx,
            delivery.headers | {"telnyx-timestamp": timestamp},
            delivery.body,
            delivery.url,
            NOW,
        )
