"""What is special about Twilio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.definition.agent import Agent
from outdial.providers.adapters.twilio.client import TwilioProvider
from outdial.providers.adapters.twilio.signature import sign, verify
from outdial.providers.carried import CallSettings
from outdial.providers.errors import (
    Misconfigured,
    ProviderError,
    Unavailable,
    Unsendable,
    WebhookRefused,
)
from outdial.providers.http.answers import refusal_of
from outdial.providers.reports.status_map import Meaning
from tests.providers.contract.openapi import NotAsPublished
from tests.providers.contract.reference import answerers, rows, vectors
from tests.providers.contract.running import connected, receive_webhook, running
from tests.providers.contract.server import Answer, json_answer
from tests.providers.contract.stage import HOOK, NOW, NUMBER, FarCall
from tests.providers.twilio.stage import TwilioStage

SINCE = NOW - timedelta(minutes=1)


@pytest.fixture
async def stage() -> AsyncIterator[TwilioStage]:
    async with running(TwilioStage) as stage:
        yield stage


@pytest.fixture
async def twilio(stage: TwilioStage) -> AsyncIterator[TwilioProvider]:
    async with connected(TwilioProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: TwilioStage, twilio: TwilioProvider) -> FarCall:
    placed = await twilio.place(stage.order())
    return stage.calls[placed.provider_call_id]


def reported(stage: TwilioStage, twilio: TwilioProvider, call: FarCall, **fields: str) -> CallEvent:
    delivery = stage.callback(call, **fields)
    (event,) = receive_webhook(twilio, delivery.headers, delivery.body, delivery.url, NOW)
    return event


@pytest.mark.parametrize("vector", vectors("twilio"), ids=lambda vector: vector["scheme"])
def test_signature_vector(vector: dict[str, Any]) -> None:
    body = (vector.get("body") or urlencode([tuple(pair) for pair in vector["params"]])).encode()
    verify(vector["headers"], body, vector["url"], vector["secret"])
    verify(vector["headers"], body, vector["url"] + "#rc=3", vector["secret"])
    with pytest.raises(WebhookRefused):
        verify(vector["headers"], body.replace(b"1", b"2"), vector["url"] + "&more", "12345")
    with pytest.raises(WebhookRefused):
        verify(vector["headers"], body, vector["url"], "54321")


def test_a_json_body_is_signed_through_its_hash() -> None:
    (vector,) = vectors("twilio json")
    with pytest.raises(WebhookRefused, match="bodySHA256"):
        verify(vector["headers"], b'{"property": "other"}', vector["url"], vector["secret"])


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "hmac_sha1"])
def test_a_shared_key_signs_where_the_line_has_it(algorithm: str) -> None:
    """`request_validator.py` of twilio-python 9.13.0."""
    body, form = b"CallSid=CA1", [("CallSid", "CA1")]
    headers = {
        "X-Twilio-Signature": sign("shared", HOOK, form, algorithm=algorithm.upper()),
        "X-Twilio-Webhooks-Signature-Settings": f"key=webhooks_sharedkey_1,algorithm={algorithm}",
    }
    verify(headers, body, HOOK, "token", "shared")
    for key in ("token", "", None):
        with pytest.raises(WebhookRefused):
            verify(headers, body, HOOK, "token", key)
    with pytest.raises(WebhookRefused):  # the token signs nothing that says it is of a shared key
        verify(
            headers | {"X-Twilio-Signature": sign("token", HOOK, form)}, body, HOOK, "token", "s"
        )
    headers["X-Twilio-Webhooks-Signature-Settings"] = "key=1,algorithm=HMAC_MD5"
    with pytest.raises(WebhookRefused, match="algorithm"):
        verify(headers, body, HOOK, "token", "shared")


def test_a_callback_may_have_hundreds_of_parameters() -> None:
    form = [(f"SipHeader_X-{n}", str(n)) for n in range(400)]
    body = urlencode(form).encode()
    verify({"X-Twilio-Signature": sign("token", HOOK, form)}, body, HOOK, "token")
    with pytest.raises(WebhookRefused):
        verify({"X-Twilio-Signature": ""}, b"&".join([body] * 3), HOOK, "token")


@pytest.mark.parametrize(("word", "meaning"), rows("twilio", "map"))
async def test_every_status(
    stage: TwilioStage, twilio: TwilioProvider, call: FarCall, word: str, meaning: Meaning
) -> None:
    event = reported(stage, twilio, call, CallStatus=word)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    if word != "initiated":
        stage.facts[call.id] = {"status": word}
        snapshot = await twilio.look_up(call.id)
        assert snapshot is not None
        (polled,) = snapshot.events
        assert polled.status is meaning.status
        # Why it failed stands in the callback alone, and without that no number is given up.
        assert polled.failure is (FailureClass.UNAVAILABLE if word == "failed" else None)
        assert polled.event_id == event.event_id


@pytest.mark.parametrize(("word", "who"), answerers("twilio", "answered_by"))
async def test_who_answered(
    stage: TwilioStage, twilio: TwilioProvider, call: FarCall, word: str, who: AnsweredBy
) -> None:
    event = reported(stage, twilio, call, CallStatus="completed", AnsweredBy=word)
    assert event.answered_by is who
    alone = reported(stage, twilio, call, AnsweredBy=word, MachineDetectionDuration="3100")
    assert (alone.answered_by, alone.status) == (who, None)
    assert alone.event_id != event.event_id


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({}, FailureClass.REJECTED),
        ({"SipResponseCode": "404"}, FailureClass.REJECTED),
        ({"SipResponseCode": "503"}, FailureClass.UNAVAILABLE),
        ({"SipResponseCode": "403"}, FailureClass.MISCONFIGURED),
        ({"SipResponseCode": "999"}, FailureClass.REJECTED),
        ({"ErrorCode": "21215", "SipResponseCode": "503"}, FailureClass.REJECTED),
        ({"ErrorCode": "31337", "SipResponseCode": "503"}, FailureClass.UNAVAILABLE),
    ],
)
async def test_why_a_call_failed(
    stage: TwilioStage,
    twilio: TwilioProvider,
    call: FarCall,
    fields: dict[str, str],
    failure: FailureClass,
) -> None:
    event = reported(stage, twilio, call, CallStatus="failed", **fields)
    assert (event.status, event.failure) == (CallStatus.FAILED, failure)


@pytest.mark.parametrize(
    ("code", "status", "failure"),
    [
        *(
            (code, 400, FailureClass.REJECTED)
            for code in (13224, 21211, 21214, 21215, 21216, 21217)
        ),
        *((code, 400, FailureClass.MISCONFIGURED) for code in (21205, 21210, 21212, 99999)),
        (20003, 401, FailureClass.MISCONFIGURED),
        (20404, 404, FailureClass.MISCONFIGURED),
        (20429, 429, FailureClass.THROTTLED),
        *((code, 400, FailureClass.THROTTLED) for code in (10004, 22005, 86008)),
        (20500, 500, FailureClass.UNKNOWN),
        (20503, 503, FailureClass.UNKNOWN),
    ],
)
async def test_every_error_code(
    stage: TwilioStage,
    twilio: TwilioProvider,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    status: int,
    failure: FailureClass,
) -> None:
    answer = json_answer({"code": code, "message": f"{NUMBER} is bad", "status": status}, status)
    monkeypatch.setattr(stage, "created", lambda call: answer)
    with pytest.raises(ProviderError) as caught:
        await twilio.place(stage.order())
    assert caught.value.failure is failure
    assert caught.value.provider_code == str(code)
    assert NUMBER not in str(caught.value)


async def test_what_is_ordered(stage: TwilioStage, twilio: TwilioProvider) -> None:
    settings = {"machine_detection": "DetectMessageEnd"}
    await twilio.place(stage.order(recording=True, agent_settings=settings))
    (call,) = stage.calls.values()
    assert call.order["Timeout"] == "25"
    assert call.order["TimeLimit"] == "600"
    assert call.order["Record"] == "true"
    assert call.order["AsyncAmd"] == "true"
    assert call.order["Url"] == f"{stage.agent}?first_name=Ada"
    events = parse_qs(stage.requests[0].body.decode())["StatusCallbackEvent"]
    assert events == ["initiated", "ringing", "answered", "completed"]


async def test_the_status_url_keeps_its_query(stage: TwilioStage, twilio: TwilioProvider) -> None:
    await twilio.place(stage.order(webhook_url="https://calls.example.com/hooks/main?a=b"))
    (call,) = stage.calls.values()
    query = parse_qs(urlsplit(call.webhook_url or "").query)
    assert query == {"a": ["b"], "call_id": [stage.order().call_id]}


async def test_an_agent_may_be_written_out(stage: TwilioStage, twilio: TwilioProvider) -> None:
    twiml = "<Response><Say>Hello</Say></Response>"
    await twilio.place(stage.order(agent="reminder", agent_settings={"twiml": twiml}))
    (call,) = stage.calls.values()
    assert call.order["Twiml"] == twiml
    assert "Url" not in call.order


@pytest.mark.parametrize(
    ("change", "error"),
    [({"caller_id": None}, Misconfigured), ({"agent": "reminder"}, Unsendable)],
)
async def test_what_twilio_cannot_do_without(
    stage: TwilioStage, twilio: TwilioProvider, change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await twilio.place(stage.order(**change))
    assert stage.requests == []


async def test_an_agent_that_is_no_url_is_refused_at_launch(twilio: TwilioProvider) -> None:
    (refusal,) = twilio.refused(CallSettings(agent=Agent(id="reminder")))
    assert refusal.path == ("agent",)
    assert refusal.message == (
        f"line {twilio.line.name} can't carry it: found 'reminder', which should be an https URL "
        "of TwiML, or have twiml set"
    )
    written = Agent(id="reminder", settings={"twiml": "<Response/>"})
    assert not list(twilio.refused(CallSettings(agent=written)))
    assert not list(twilio.refused(CallSettings(agent=Agent(id="https://example.com/twiml"))))


async def test_an_api_key_asks_and_the_token_still_verifies(stage: TwilioStage) -> None:
    key = {"api_key": "SK1", "api_key_secret": "s"}
    provider = TwilioProvider(stage.line(credentials=stage.credentials() | key))
    with pytest.raises(NotAsPublished):
        await provider.check()
    assert stage.violations.pop().startswith("GET")  # the stage knows account and token only
    assert stage.requests[0].headers["authorization"] == "Basic U0sxOnM="
    await provider.aclose()
    with pytest.raises(Misconfigured, match="api_key_secret"):
        TwilioProvider(stage.line(credentials=stage.credentials() | {"api_key": "SK1"}))


async def test_find_takes_the_call_made_since(
    stage: TwilioStage, twilio: TwilioProvider, call: FarCall
) -> None:
    stage.move(call, CallStatus.NO_ANSWER)
    older = {"date_created": format_datetime(NOW - timedelta(hours=1))}
    inbound = {"direction": "inbound"}
    for facts in (older, inbound):
        placed = await twilio.place(stage.order())
        stage.facts[placed.provider_call_id] = facts
    snapshot = await twilio.find("our-1", to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert (snapshot.provider_call_id, snapshot.status) == (call.id, CallStatus.NO_ANSWER)
    later = NOW + timedelta(minutes=1)
    assert await twilio.find("our-1", to=NUMBER, since=later) is None


async def test_find_does_not_guess_behind_a_full_page(
    stage: TwilioStage, twilio: TwilioProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        call = FarCall(f"CA{number:032x}", NUMBER, None, order={"From": "+12025550999"})
        stage.calls[call.id] = call
        stage.facts[call.id] = {"direction": "inbound"}
    with pytest.raises(Unavailable):
        await twilio.find("our-1", to=NUMBER, since=SINCE)
    stage.facts[call.id] = {"date_created": format_datetime(NOW - timedelta(hours=1))}
    assert await twilio.find("our-1", to=NUMBER, since=SINCE) is None


async def test_the_price_comes_later_and_is_an_event_of_its_own(
    stage: TwilioStage, twilio: TwilioProvider, call: FarCall
) -> None:
    stage.move(call, *stage.steps)
    before = await twilio.look_up(call.id)
    stage.facts[call.id] = {"price": "-0.0170", "price_unit": "USD"}
    after = await twilio.look_up(call.id)
    assert before is not None
    assert after is not None
    assert after.events[:1] == before.events
    (priced,) = after.events[1:]
    assert (priced.kind, priced.cost, priced.status) == (EventKind.ANALYSIS, 0.017, None)
    assert before.events[0].duration_seconds == 55


@pytest.mark.parametrize(("unit", "counted"), [("USD", True), ("EUR", False), ("", True)])
async def test_a_price_in_another_currency_than_the_lines_is_left_out(
    stage: TwilioStage, call: FarCall, unit: str, counted: bool
) -> None:
    stage.move(call, *stage.steps)
    stage.facts[call.id] = {"price": "-0.0170", "price_unit": unit}
    priced = TwilioProvider(stage.line(currency="USD"))
    found = await priced.look_up(call.id)
    assert found is not None
    assert [each.cost for each in found.events if each.cost] == [0.017] * counted


async def test_a_callback_without_a_time_happened_when_it_came(
    stage: TwilioStage, twilio: TwilioProvider, call: FarCall
) -> None:
    delivery = stage.callback(call, CallStatus="ringing", Timestamp="soon")
    (event,) = receive_webhook(twilio, delivery.headers, delivery.body, delivery.url, NOW)
    assert event.at == NOW


async def test_a_resource_nobody_can_read_is_unavailable(
    stage: TwilioStage, twilio: TwilioProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: json_answer({"sid": "CA1"}))
    with pytest.raises(Unavailable, match="unreadable"):
        await twilio.look_up("CA1")
    monkeypatch.setattr(stage, "answer", lambda request: Answer(200, b"[]"))
    with pytest.raises(Unavailable, match="unreadable"):
        await twilio.look_up("CA1")


def test_a_refusal_of_each_class_is_an_error_of_its_own() -> None:
    classes = set(FailureClass) - {FailureClass.UNKNOWN}
    assert {refusal_of(one, "no").failure for one in classes} == classes


async def test_settings_are_fields_of_a_call(stage: TwilioStage, twilio: TwilioProvider) -> None:
    settings = {
        "machine_detection": "Enable",
        "machine_detection_timeout": 20,
        "send_digits": "W1234#",
        "recording_channels": "dual",
    }
    assert list(twilio.refused(CallSettings(agent=Agent(id="https://a", settings=settings)))) == []
    await twilio.place(stage.order(agent_settings=settings))
    (call,) = stage.calls.values()
    assert call.order["MachineDetectionTimeout"] == "20"
    assert (call.order["SendDigits"], call.order["RecordingChannels"]) == ("W1234#", "dual")


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"url": "https://a"}, ("agent", "settings", "url")),
        ({"to": "+12025550199"}, ("agent", "settings", "to")),
        ({"sip_auth_username": "x"}, ("agent", "settings", "sip_auth_username")),
        ({"trim": ["x"]}, ("agent", "settings", "trim")),
        ({"twiml": "<Response/>"}, ("variables", "first_name")),
    ],
)
async def test_what_twilio_is_not_handed_is_refused(
    twilio: TwilioProvider, settings: dict[str, Any], path: tuple[str, ...]
) -> None:
    agent = Agent(id="https://a", settings=settings)
    requested = CallSettings(agent=agent, variables=frozenset({"first_name"}))
    assert [refusal.path for refusal in twilio.refused(requested)] == [path]
