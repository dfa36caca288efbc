"""What is special about ElevenLabs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.definition.agent import Agent
from outdial.providers.adapters.elevenlabs.client import ElevenLabsProvider
from outdial.providers.carried import CallSettings
from outdial.providers.errors import Misconfigured, ProviderError, Unsendable, WebhookRefused
from outdial.providers.reports.status_map import Meaning
from tests.providers.contract.reference import rows
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import json_answer
from tests.providers.contract.stage import NOW, FarCall
from tests.providers.elevenlabs.stage import SECRET, ElevenLabsStage


@pytest.fixture
async def stage() -> AsyncIterator[ElevenLabsStage]:
    async with running(ElevenLabsStage) as stage:
        yield stage


@pytest.fixture
async def eleven(stage: ElevenLabsStage) -> AsyncIterator[ElevenLabsProvider]:
    async with connected(ElevenLabsProvider, stage, clock=lambda: NOW) as provider:
        yield provider


@pytest.fixture
async def call(stage: ElevenLabsStage, eleven: ElevenLabsProvider) -> FarCall:
    placed = await eleven.place(stage.order())
    return stage.calls[placed.provider_call_id]


@pytest.mark.parametrize(("word", "meaning"), rows("elevenlabs", "conversation_status"))
async def test_every_status(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, call: FarCall, word: str, meaning: Meaning
) -> None:
    stage.facts[call.id] = {"status": word}
    snapshot = await eleven.look_up(call.id)
    assert snapshot is not None
    (event,) = snapshot.events
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    assert event.call_id == stage.order().call_id


@pytest.mark.parametrize(("reason", "meaning"), rows("elevenlabs", "failure_reason"))
async def test_every_reason_why_none_was_reached(
    stage: ElevenLabsStage,
    eleven: ElevenLabsProvider,
    call: FarCall,
    reason: str,
    meaning: Meaning,
) -> None:
    data = {"conversation_id": call.id, "failure_reason": reason, "metadata": {"type": "sip"}}
    delivery = stage.webhook("call_initiation_failure", data)
    (event,) = receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    assert event.provider_call_id == call.id


@pytest.mark.parametrize(
    ("word", "status", "failure"),
    [
        ("busy", CallStatus.BUSY, None),
        ("no-answer", CallStatus.NO_ANSWER, None),
        ("canceled", CallStatus.CANCELED, None),
        ("failed", CallStatus.FAILED, FailureClass.UNAVAILABLE),
        ("completed", CallStatus.FAILED, FailureClass.UNKNOWN),
    ],
)
async def test_the_telephone_leg_may_know_why(
    stage: ElevenLabsStage,
    eleven: ElevenLabsProvider,
    word: str,
    status: CallStatus,
    failure: FailureClass | None,
) -> None:
    metadata = {"type": "twilio", "body": {"CallSid": "CA1", "CallStatus": word}}
    data = {"conversation_id": "conv_1", "failure_reason": "unknown", "metadata": metadata}
    delivery = stage.webhook("call_initiation_failure", data)
    (event,) = receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.status, event.failure) == (status, failure)


async def test_the_talk_is_an_event_of_its_own(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    result = {"data_collection_id": "disposition", "rationale": "said so", "value": "booked"}
    stage.facts[call.id] = {
        "analysis": {
            "call_successful": "failure",
            "transcript_summary": "Booked.",
            "data_collection_results": {"disposition": result},
        },
        "transcript": [
            {"role": "agent", "message": "Hello", "tool_calls": []},
            {"role": "agent", "message": None, "tool_calls": [{"tool_name": "end_call"}]},
            {"role": "user", "message": "Yes"},
        ],
    }
    delivery = stage.webhook("post_call_transcription", stage.shown(call))
    end, analysis = receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW)
    assert (end.status, end.duration_seconds) == (CallStatus.COMPLETED, 60)
    assert (end.at, end.answered_by) == (NOW + timedelta(seconds=60), None)
    assert (analysis.kind, analysis.disposition, analysis.cost) == (
        EventKind.ANALYSIS,
        "booked",
        0.08,
    )
    assert analysis.transcript == "agent: Hello\nuser: Yes"
    snapshot = await eleven.look_up(call.id)
    assert snapshot is not None
    assert [event.event_id for event in snapshot.events] == [end.event_id, analysis.event_id]


async def test_a_voicemail_is_known_by_the_tool_the_agent_used(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    tools: list[dict[str, Any]] = [{"tool_name": "voicemail_detection"}]
    stage.facts[call.id] = {"transcript": [{"role": "agent", "tool_calls": tools}]}
    snapshot = await eleven.look_up(call.id)
    assert snapshot is not None
    assert snapshot.events[0].answered_by is AnsweredBy.MACHINE
    tools[0] |= {"tool_has_been_called": False}
    snapshot = await eleven.look_up(call.id)
    assert snapshot is not None
    assert snapshot.events[0].answered_by is None


@pytest.mark.parametrize("kind", ["twilio", "sip_trunking", "exotel"])
@pytest.mark.parametrize("word", ["failed", "done", "processing"])
@pytest.mark.parametrize(
    ("result", "status", "failure", "who"),
    [
        ("answered", CallStatus.COMPLETED, None, None),
        ("voicemail", CallStatus.COMPLETED, None, AnsweredBy.MACHINE),
        ("busy", CallStatus.BUSY, None, None),
        ("no_answer", CallStatus.NO_ANSWER, None, None),
        ("failed", CallStatus.FAILED, FailureClass.UNAVAILABLE, None),
    ],
)
async def test_how_the_telephone_call_went_counts(
    stage: ElevenLabsStage,
    eleven: ElevenLabsProvider,
    call: FarCall,
    kind: str,
    word: str,
    result: str,
    status: CallStatus,
    failure: FailureClass | None,
    who: AnsweredBy | None,
) -> None:
    stage.move(call, *stage.steps)
    leg = {
        "type": kind,
        "direction": "outbound",
        "phone_number_id": "phnum_1",
        "agent_number": "+12025550999",
        "external_number": call.to,
        "call_result": result,
        "call_sid": "CA1",
    }
    if kind != "sip_trunking":
        leg["stream_sid"] = "MZ1"
    shown = stage.shown(call)
    stage.facts[call.id] = {"status": word, "metadata": shown["metadata"] | {"phone_call": leg}}
    snapshot = await eleven.look_up(call.id)
    assert snapshot is not None
    delivery = stage.webhook("post_call_transcription", stage.shown(call))
    for end in (
        snapshot.events[0],
        receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW)[0],
    ):
        assert (end.status, end.failure, end.answered_by) == (status, failure, who)
        assert end.duration_seconds == (60 if status is CallStatus.COMPLETED else None)


async def test_a_result_of_tomorrow_leaves_the_status(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    data = stage.shown(call)
    data["metadata"]["phone_call"] = {"type": "twilio", "call_result": "levitated"}
    delivery = stage.webhook("post_call_transcription", data)
    end, _ = receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW)
    assert end.status is CallStatus.COMPLETED


@pytest.mark.parametrize(
    ("data", "who"),
    [
        ({"answered_by": "machine_end_beep"}, AnsweredBy.MACHINE),
        ({"metadata": {"answered_by": "human"}}, AnsweredBy.HUMAN),
        ({"metadata": {"body": {"AnsweredBy": "fax"}}}, AnsweredBy.MACHINE),
        ({"answered_by": "levitated"}, AnsweredBy.UNKNOWN),
    ],
)
async def test_a_detection_tells_who_answered(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, data: dict[str, Any], who: AnsweredBy
) -> None:
    delivery = stage.webhook("answering_machine_detection", {"conversation_id": "conv_1", **data})
    (event,) = receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.answered_by, event.status, event.kind) == (who, None, EventKind.STATUS)
    none = stage.webhook("answering_machine_detection", {"conversation_id": "conv_1"})
    assert receive_webhook(eleven, none.headers, none.body, none.url, NOW) == ()


@pytest.mark.parametrize(("sip", "failure"), [("404", "rejected"), ("503", "unavailable")])
async def test_a_leg_is_refused_for_good_only_by_a_code(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, sip: str, failure: str
) -> None:
    body = {"CallStatus": "failed", "SipResponseCode": sip}
    data = {"conversation_id": "conv_1", "failure_reason": "unknown", "metadata": {"body": body}}
    delivery = stage.webhook("call_initiation_failure", data)
    (event,) = receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW)
    assert event.failure == failure


async def test_a_transcript_is_of_a_call_that_is_over(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, call: FarCall
) -> None:
    delivery = stage.webhook(
        "post_call_transcription", stage.shown(call) | {"status": "in-progress"}
    )
    end, _ = receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW)
    assert end.status is CallStatus.COMPLETED


@pytest.mark.parametrize("kind", ["post_call_audio", "voice_removal_notice", ""])
async def test_other_webhooks_are_not_about_the_status(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, kind: str
) -> None:
    delivery = stage.webhook(kind, {"conversation_id": "conv_1", "full_audio": "AAAA"})
    assert receive_webhook(eleven, delivery.headers, delivery.body, delivery.url, NOW) == ()


@pytest.mark.parametrize(
    ("http_status", "content", "failure"),
    [
        (429, {"detail": {"code": "rate_limit_exceeded"}}, FailureClass.THROTTLED),
        (429, {"detail": {"code": "concurrent_limit_exceeded"}}, FailureClass.THROTTLED),
        (429, {"detail": {"status": "too_many_concurrent_requests"}}, FailureClass.THROTTLED),
        (429, {"detail": {"status": "system_busy"}}, FailureClass.THROTTLED),
        (400, {"detail": {"status": "system_busy"}}, FailureClass.THROTTLED),
        (429, {"detail": "slow down"}, FailureClass.THROTTLED),
        (401, {"detail": {"status": "invalid_api_key"}}, FailureClass.MISCONFIGURED),
        (404, {"detail": {"code": "agent_not_found"}}, FailureClass.MISCONFIGURED),
        (422, {"detail": [{"loc": ["body"], "msg": "No."}]}, FailureClass.MISCONFIGURED),
        (500, {"detail": {"code": "system_busy"}}, FailureClass.UNKNOWN),
        (200, {"success": False, "message": "No."}, FailureClass.UNAVAILABLE),
        (200, {"success": False, "conversation_id": "conv_1"}, FailureClass.UNKNOWN),
        (200, {"success": True, "conversation_id": None}, FailureClass.UNKNOWN),
    ],
)
async def test_every_answer_without_a_call(
    stage: ElevenLabsStage,
    eleven: ElevenLabsProvider,
    monkeypatch: pytest.MonkeyPatch,
    http_status: int,
    content: dict[str, Any],
    failure: FailureClass,
) -> None:
    monkeypatch.setattr(stage, "created", lambda call: json_answer(content, http_status))
    with pytest.raises(ProviderError) as caught:
        await eleven.place(stage.order())
    assert caught.value.failure is failure


async def test_what_is_ordered(stage: ElevenLabsStage, eleven: ElevenLabsProvider) -> None:
    settings = {"branch_id": "b1", "dynamic_variables": {"shop": "North"}}
    ring = timedelta(hours=1)
    order = stage.order(agent_settings=settings, recording=True, ring_timeout=ring)
    await eleven.place(order)
    (call,) = stage.calls.values()
    sent = call.order["conversation_initiation_client_data"]
    assert sent["dynamic_variables"] == {"shop": "North", "first_name": "Ada"}
    assert sent["branch_id"] == "b1"
    assert call.order["telephony_call_config"] == {
        "ringing_timeout_secs": 999,
        "twilio_call_recording_enabled": True,
    }


async def test_a_sip_trunk_is_another_endpoint(stage: ElevenLabsStage) -> None:
    ids = {"phone_number_ids": {"+12025550999": "phnum_2"}, "telephony": "sip-trunk"}
    async with connected(ElevenLabsProvider, stage, options=ids) as eleven:
        await eleven.place(stage.order())
        assert stage.requests[0].path == "/v1/convai/sip-trunk/outbound-call"
        (call,) = stage.calls.values()
        assert call.order["agent_phone_number_id"] == "phnum_2"
        with pytest.raises(Unsendable, match="phone_number_id"):
            await eleven.place(stage.order(caller_id="+12025550111"))
    with pytest.raises(Misconfigured, match="telephony"):
        ElevenLabsProvider(stage.line(options={"telephony": "pigeon"}))


@pytest.mark.parametrize(
    "header", ["t=,v0=", "t=1", "v0=00", "t=one,v0=00", "t=1814887800 v0=00", "=,=", "t=٣,v0=00"]
)
async def test_a_header_that_is_none(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider, header: str
) -> None:
    delivery = stage.webhook("post_call_audio", {})
    with pytest.raises(WebhookRefused):
        receive_webhook(eleven, {"ElevenLabs-Signature": header}, delivery.body, delivery.url, NOW)
    assert SECRET not in header


@pytest.mark.parametrize(
    "body",
    [
        b'{"at": "10:30", "system__conversation_id": "conv_1"}',
        b"at=10%3A30&system__conversation_id=conv_1",
    ],
)
async def test_a_tool_sends_json_or_a_form(eleven: ElevenLabsProvider, body: bytes) -> None:
    (tool_call,) = eleven.tools().read(body, "book_appointment")
    assert (tool_call.provider_call_id, tool_call.arguments) == ("conv_1", {"at": "10:30"})


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"nothing", b"&".join([b"a=1"] * 300)])
async def test_what_is_no_question(eleven: ElevenLabsProvider, body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        eleven.tools().read(body, "book_appointment")


async def test_a_machine_detection_may_be_asked_for(
    stage: ElevenLabsStage, eleven: ElevenLabsProvider
) -> None:
    detection = {"mode": "detect_message_end", "actions": []}
    settings = {"telephony_call_config": {"twilio_machine_detection": detection}}
    await eleven.place(stage.order(agent_settings=settings))
    (call,) = stage.calls.values()
    assert call.order["telephony_call_config"] == {
        "twilio_machine_detection": detection,
        "ringing_timeout_secs": 25,
        "twilio_call_recording_enabled": False,
    }
    assert "telephony_call_config" not in call.order["conversation_initiation_client_data"]


@pytest.mark.parametrize("telephony", ["twilio", "sip-trunk"])
async def test_only_twilio_records(stage: ElevenLabsStage, telephony: str) -> None:
    options = stage.options() | {"telephony": telephony}
    eleven = ElevenLabsProvider(stage.line(options=options))
    refusal = list(eleven.refused(CallSettings(agent=Agent(id="a"), recording=True)))
    assert [one.path for one in refusal] == [("recording",)] * (telephony == "sip-trunk")
    await eleven.aclose()
