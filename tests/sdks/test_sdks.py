"""Our adapters beside the providers' own SDKs: what is sent, what is told, what is signed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from outdial import providers
from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus
from outdial.providers.adapters.elevenlabs import webhook as elevenlabs
from outdial.providers.adapters.livekit import token as livekit
from outdial.providers.adapters.livekit.webhook import answer_of
from outdial.providers.adapters.retell import webhook as retell
from outdial.providers.adapters.telnyx import webhook as telnyx
from outdial.providers.adapters.twilio import signature as twilio
from outdial.providers.adapters.vapi import webhook as vapi
from outdial.providers.errors import WebhookRefused
from outdial.providers.port import LineConfig
from outdial.providers.reports.status_map import StatusMap, load_maps
from tests.sdks.conftest import BODY, FORM, LINES, ORDER, SECRET, URL, Spoken

LINE = LineConfig(name="main")
STATE = telnyx.client_state("our-1")
NOW = datetime(2027, 3, 1, 15, 30, tzinfo=UTC)
FIRST_FINAL_FAILURE = 300
"""SIP responses below it don't end the dialing of a call, or say that it was answered."""
MAPS: dict[str, StatusMap] = {
    f"{path.parent.name} {name}": one
    for path in Path(providers.__file__).parent.glob("adapters/*/status.json")
    for name, one in load_maps(path).items()
}


def test_every_value_of_every_enumeration_is_in_our_map(
    spoken: Spoken, caplog: pytest.LogCaptureFixture
) -> None:
    """A version of an SDK that adds one fails here until the map knows it."""
    lost = []
    enumerations = spoken.results["enumerations"]
    assert len(enumerations) == 14
    with caplog.at_level(logging.WARNING):
        for name, values in enumerations.items():
            assert len(values) > 1, name
            for value in values:
                if name == "livekit sip_status_code":
                    covered = int(value) < FIRST_FINAL_FAILURE or _answered(value, caplog)
                else:
                    covered = _means_something(MAPS[name], value)
                if not covered:
                    lost.append(f"{name}: {value}")
    assert lost == []


def _answered(code: str, caplog: pytest.LogCaptureFixture) -> bool:
    """Whether a response has a meaning of its own or of its class, and is no surprise."""
    meaning = answer_of(code)
    return meaning.status is not None and code not in caplog.text


def _means_something(words: StatusMap, value: str) -> bool:
    if value in words.rows:
        return True
    return any(value.startswith(beginning) for beginning, _ in words.prefixes)


@pytest.mark.parametrize("provider", sorted(LINES))
def test_the_same_order_is_sent_field_by_field(spoken: Spoken, provider: str) -> None:
    answer = spoken.results["orders"][provider] or {}
    assert provider in spoken.theirs.requests, answer
    ours, theirs = spoken.ours.dial(provider), spoken.theirs.dial(provider)
    assert (ours.method, urlsplit(ours.target).path) == (
        theirs.method,
        urlsplit(theirs.target).path,
    )
    if provider == "livekit":
        assert ours.headers["x-livekit-request-id"] == ORDER.call_id
        assert theirs.headers["x-livekit-request-id"]
        # Theirs is protobuf: what it reads of our JSON is all that we wrote.
        assert {k: v for k, v in ours.json.items() if v is not False} == answer["read"]
        return
    assert _kind(ours.headers) == _kind(theirs.headers)
    for header in ("authorization", "xi-api-key"):
        assert ours.headers.get(header) == theirs.headers.get(header)
    assert answer.get("unknown", []) == []
    if provider == "twilio":
        assert sorted(ours.form) == sorted(theirs.form)
    else:
        assert ours.json == theirs.json


def _kind(headers: Mapping[str, str]) -> str:
    return headers["content-type"].split(";")[0]


def _read_vapi(kind: str) -> Callable[[Any], Any]:
    def read(content: Any) -> Any:
        message = {**content, "type": kind}
        message["call"] = {**(content.get("call") or {}), "id": "call-1"}
        body = json.dumps({"message": message}).encode()
        return vapi.VapiWebhooks(LINE).read(body, URL, NOW)

    return read


def _read_telnyx(content: Any) -> Any:
    """As of a call of ours: it goes out, and has our client_state where it may have one."""
    text = json.dumps(content).replace('"incoming"', '"outgoing"')
    ours = text.replace('"client_state": "text"', f'"client_state": "{STATE}"')
    return telnyx.TelnyxWebhooks(LINE).read(ours.encode(), URL, NOW)


READERS: dict[str, Callable[[Any], Any]] = {
    "elevenlabs conversation": lambda content: elevenlabs.read_conversation(content, NOW),
    "retell call": lambda content: retell.read_call(content, NOW),
    "vapi call": vapi.read_call,
    "vapi end-of-call-report": _read_vapi("end-of-call-report"),
    "vapi status-update": _read_vapi("status-update"),
}
FOLLOWED = {"Analyzed", "Answered", "ConversationEnded", "ConversationStartFailed", "Cost"} | {
    "Hangup",
    "Initiated",
    "RecordingSaved",
    "RecordingTranscriptionSaved",
}


@pytest.mark.parametrize("shape", ["full", "bare"])
def test_every_model_is_read_with_all_fields_and_with_as_few_as_may_be(
    spoken: Spoken, shape: str
) -> None:
    models = spoken.results["models"]
    assert len(models) > 40
    for name, shapes in models.items():
        reader = READERS.get(name, _read_telnyx)
        try:
            events: list[CallEvent] = list(reader(shapes[shape]))
        except WebhookRefused:
            # Without a type an event of Telnyx is none; every other report can be read.
            assert (shape, name.split()[0]) == ("bare", "telnyx"), name
            continue
        kind = name.removeprefix("telnyx Call").removesuffix("WebhookEvent")
        if name in READERS or (shape == "full" and kind in FOLLOWED):
            assert events, name
        for event in events:
            assert event.at.tzinfo == UTC
            assert event.event_id


def test_a_report_of_vapi_ends_the_call_with_as_few_fields_as_may_be(spoken: Spoken) -> None:
    end, _ = READERS["vapi end-of-call-report"](
        spoken.results["models"]["vapi end-of-call-report"]["bare"]
    )
    assert end.status in (CallStatus.COMPLETED, CallStatus.FAILED)
    assert end.at == NOW


def test_signatures_both_ways(spoken: Spoken) -> None:
    signatures, body = spoken.results["signatures"], BODY.encode()
    assert signatures["retell"] is signatures["elevenlabs"] is signatures["livekit"] is True
    moment = datetime.now(UTC)
    retell.verify({"x-retell-signature": signatures["retell sign"]}, body, SECRET, moment)
    livekit.verify({"Authorization": signatures["livekit sign"]}, body, "key", SECRET, moment)
    form = "&".join("=".join(pair) for pair in FORM).encode()
    plain = {"X-Twilio-Signature": signatures["twilio HMAC_SHA1"]}
    twilio.verify(plain, form, URL, SECRET)
    shared = {
        "X-Twilio-Signature": signatures["twilio HMAC_SHA256"],
        "X-Twilio-Webhooks-Signature-Settings": "key=1,algorithm=HMAC_SHA256",
    }
    twilio.verify(shared, form, URL, "token", SECRET)
    for headers in (plain, shared):
        with pytest.raises(WebhookRefused):
            twilio.verify(headers, form, URL, "another", "another")
