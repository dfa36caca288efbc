"""What is special about LiveKit."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import pytest

from domain.call import CallStatus, FailureClass
from providers.livekit import status
from providers.livekit.client import LiveKitProvider
from providers.port import (
    Misconfigured,
    NotPlaced,
    PlacementUnknown,
    ProviderError,
    Throttled,
    WebhookRefused,
)
from providers.status_map import Meaning
from tests.providers.contract.reference import rows
from tests.providers.contract.running import connected, running
from tests.providers.contract.server import Answer, json_answer
from tests.providers.contract.stage import NOW, NUMBER, FarCall
from tests.providers.livekit.stage import KEY, SECRET, LiveKitStage, twirp

SINCE = NOW - timedelta(minutes=1)
REASONS = (
    "UNKNOWN_REASON CLIENT_INITIATED DUPLICATE_IDENTITY SERVER_SHUTDOWN PARTICIPANT_REMOVED",
    "ROOM_DELETED STATE_MISMATCH JOIN_FAILURE MIGRATION SIGNAL_CLOSE ROOM_CLOSED",
    "USER_UNAVAILABLE USER_REJECTED SIP_TRUNK_FAILURE CONNECTION_TIMEOUT MEDIA_FAILURE",
    "AGENT_ERROR",
)
"""livekit_models.proto, enum DisconnectReason."""


@pytest.fixture
async def stage() -> AsyncIterator[LiveKitStage]:
    async with running(LiveKitStage) as stage:
        yield stage


@pytest.fixture
async def livekit(stage: LiveKitStage) -> AsyncIterator[LiveKitProvider]:
    async with connected(LiveKitProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: LiveKitStage, livekit: LiveKitProvider) -> FarCall:
    placed = await livekit.place(stage.order())
    return stage.calls[placed.provider_call_id]


@pytest.mark.parametrize(("word", "meaning"), rows("livekit", "sip.callStatus"))
async def test_every_status(
    stage: LiveKitStage, livekit: LiveKitProvider, call: FarCall, word: str, meaning: Meaning
) -> None:
    stage.facts[call.id] = {"attributes": {"sip.callStatus": word}}
    snapshot = await livekit.look_up(call.id)
    assert snapshot is not None
    (event,) = snapshot.events
    assert event.status is meaning.status
    assert event.call_id == stage.order().call_id


@pytest.mark.parametrize(("reason", "meaning"), rows("livekit", "disconnect_reason"))
async def test_every_reason(
    stage: LiveKitStage, livekit: LiveKitProvider, call: FarCall, reason: str, meaning: Meaning
) -> None:
    stage.move(call, *stage.steps)
    gone = stage.shown(call) | {"disconnectReason": reason}
    told = stage.webhook("participant_left", call.id, gone)
    (event,) = livekit.receive(told.headers, told.body, told.url, NOW)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    stage.facts[call.id] = {"disconnect_reason": reason}
    snapshot = await livekit.look_up(call.id)
    assert snapshot is not None
    assert [one.event_id for one in snapshot.events] == [event.event_id]


def test_every_published_reason_is_known(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        endings = {
            reason: status.ending_of(reason, None) for line in REASONS for reason in line.split()
        }
    assert caplog.records == []
    assert [reason for reason, end in endings.items() if end.status is None] == ["MIGRATION"]


@pytest.mark.parametrize(
    ("word", "reason", "expected"),
    [
        ("active", "PARTICIPANT_REMOVED", CallStatus.COMPLETED),
        ("active", "ROOM_DELETED", CallStatus.COMPLETED),
        ("ringing", "ROOM_DELETED", CallStatus.CANCELED),
        ("ringing", "CLIENT_INITIATED", CallStatus.CANCELED),
        ("dialing", "USER_UNAVAILABLE", CallStatus.NO_ANSWER),
        ("hangup", "CLIENT_INITIATED", CallStatus.COMPLETED),
    ],
)
async def test_the_last_status_tells_what_was_ended(
    stage: LiveKitStage,
    livekit: LiveKitProvider,
    call: FarCall,
    word: str,
    reason: str,
    expected: CallStatus,
) -> None:
    last = {"attributes": {"sip.callStatus": word}, "disconnectReason": reason}
    told = stage.webhook("participant_connection_aborted", call.id, stage.shown(call) | last)
    (event,) = livekit.receive(told.headers, told.body, told.url, NOW)
    assert event.status is expected


async def test_a_reason_that_is_left_out_is_the_first(
    stage: LiveKitStage, livekit: LiveKitProvider, call: FarCall
) -> None:
    told = stage.webhook("participant_left", call.id, stage.shown(call))
    (event,) = livekit.receive(told.headers, told.body, told.url, NOW)
    assert (event.status, event.failure) == (CallStatus.FAILED, FailureClass.UNKNOWN)


async def test_joining_is_no_answer(
    stage: LiveKitStage, livekit: LiveKitProvider, call: FarCall
) -> None:
    told = stage.webhook("participant_joined", call.id, stage.shown(call))
    (event,) = livekit.receive(told.headers, told.body, told.url, NOW)
    assert event.status is CallStatus.QUEUED


@pytest.mark.parametrize(
    ("event", "room", "identity"),
    [
        ("room_finished", "outdial-1", "callee"),
        ("track_published", "outdial-1", "callee"),
        ("participant_left", "outdial-1", "agent-AJ_1"),
        ("participant_left", "meeting", "callee"),
        ("", "outdial-1", "callee"),
    ],
)
async def test_other_webhooks_are_not_about_the_status(
    stage: LiveKitStage, livekit: LiveKitProvider, event: str, room: str, identity: str
) -> None:
    told = stage.webhook(event, room, {"identity": identity, "disconnectReason": "ROOM_CLOSED"})
    assert livekit.receive(told.headers, told.body, told.url, NOW) == ()


def _answered(stage: LiveKitStage, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(stage, "created", lambda call: answer)


_TWIRP_BY_SIP = {
    **dict.fromkeys(("486", "480", "600"), "resource_exhausted"),
    **dict.fromkeys(("404", "410", "604"), "not_found"),
    **dict.fromkeys(("408", "504"), "deadline_exceeded"),
    "487": "aborted",
    **dict.fromkeys(("401", "402", "403", "603", "607", "608"), "permission_denied"),
    "407": "unauthenticated",
    **dict.fromkeys(("500", "502", "503"), "failed_precondition"),
}
"""livekit/protocol livekit/sip.go; most others are invalid_argument."""


@pytest.mark.parametrize(("sip", "meaning"), rows("livekit", "sip_status_code"))
async def test_every_sip_response(
    stage: LiveKitStage,
    livekit: LiveKitProvider,
    monkeypatch: pytest.MonkeyPatch,
    sip: str,
    meaning: Meaning,
) -> None:
    """A busy person is no rate limit, although the HTTP status is the same."""
    code = _TWIRP_BY_SIP.get(sip, "invalid_argument")
    _answered(stage, monkeypatch, twirp(code, sip))
    if meaning.status is CallStatus.FAILED:
        with pytest.raises(NotPlaced) as caught:
            await livekit.place(stage.order())
        assert caught.value.failure is meaning.failure
        assert caught.value.code == f"SIP {sip}"
    else:
        placed = await livekit.place(stage.order())
        (event,) = placed.events
        assert event.status is meaning.status
        assert event.provider_call_id == placed.provider_call_id
        assert event.call_id == stage.order().call_id
    assert stage.rooms == {}, "the agent was left waiting"


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("resource_exhausted", FailureClass.THROTTLED),
        ("invalid_argument", FailureClass.MISCONFIGURED),
        ("permission_denied", FailureClass.MISCONFIGURED),
        ("unauthenticated", FailureClass.MISCONFIGURED),
        ("not_found", FailureClass.MISCONFIGURED),
        ("unavailable", FailureClass.UNKNOWN),
        ("deadline_exceeded", FailureClass.UNKNOWN),
        ("internal", FailureClass.UNKNOWN),
    ],
)
async def test_every_error_without_a_sip_response(
    stage: LiveKitStage,
    livekit: LiveKitProvider,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    failure: FailureClass,
) -> None:
    """The table has a 503 and a deadline as faults of LiveKit; to us they leave open whether
    anybody was dialed."""
    _answered(stage, monkeypatch, twirp(code))
    with pytest.raises(ProviderError) as caught:
        await livekit.place(stage.order())
    assert caught.value.failure is failure
    # Where it may have been dialed the room is left alone: to close it would hang up.
    assert (stage.rooms != {}) == isinstance(caught.value, PlacementUnknown)


async def test_a_ring_that_was_long_enough_is_no_answer(
    stage: LiveKitStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = stage.options() | {"wait_until_answered": True}
    patient = timedelta(seconds=27)
    async with connected(
        LiveKitProvider, stage, options=options, request_timeout=patient
    ) as livekit:
        _answered(stage, monkeypatch, twirp("canceled"))
        placed = await livekit.place(stage.order())
        assert [event.status for event in placed.events] == [CallStatus.NO_ANSWER]
        (call,) = stage.calls.values()
        assert call.order["wait_until_answered"] is True


async def test_who_waits_for_an_answer_needs_the_time(stage: LiveKitStage) -> None:
    options = stage.options() | {"wait_until_answered": True}
    async with connected(LiveKitProvider, stage, options=options) as livekit:
        with pytest.raises(Misconfigured, match="request_timeout"):
            await livekit.place(stage.order())
    assert stage.requests == []


async def test_a_sip_response_nobody_knows_is_unknown(
    stage: LiveKitStage, livekit: LiveKitProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answered(stage, monkeypatch, twirp("invalid_argument", "499"))
    with pytest.raises(PlacementUnknown):
        await livekit.place(stage.order())


async def test_no_room_no_call(
    stage: LiveKitStage, livekit: LiveKitProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "answer", lambda request: twirp("resource_exhausted"))
    with pytest.raises(Throttled):
        await livekit.place(stage.order())
    monkeypatch.setattr(stage, "answer", lambda request: twirp("unavailable"))
    with pytest.raises(NotPlaced):
        await livekit.place(stage.order())
    assert stage.creates == 0


async def test_what_is_ordered(stage: LiveKitStage, livekit: LiveKitProvider) -> None:
    await livekit.place(stage.order(agent_settings={"voice": "calm"}))
    (call,) = stage.calls.values()
    assert call.order["sip_number"] == "+12025550999"
    assert (call.order["ringing_timeout"], call.order["max_call_duration"]) == ("25s", "600s")
    (agent,) = stage.rooms[call.id]["agents"]
    assert agent["agent_name"] == stage.agent
    told = json.loads(agent["metadata"])
    assert told["variables"] == {"first_name": "Ada"}
    assert told["settings"] == {"voice": "calm"}
    assert NUMBER not in agent["metadata"]


async def test_find_asks_for_the_room(
    stage: LiveKitStage, livekit: LiveKitProvider, call: FarCall
) -> None:
    stage.move(call, CallStatus.RINGING)
    found = await livekit.find(stage.order().call_id, to=NUMBER, since=SINCE)
    assert found is not None
    assert (found.provider_call_id, found.status) == (call.id, CallStatus.RINGING)


async def test_check_knows_the_trunk(stage: LiveKitStage) -> None:
    async with connected(LiveKitProvider, stage, options={"sip_trunk_id": "ST_x"}) as livekit:
        with pytest.raises(Misconfigured, match="sip_trunk_id"):
            await livekit.check()
    with pytest.raises(Misconfigured, match="sip_trunk_id"):
        LiveKitProvider(stage.line(options={}))
    with pytest.raises(Misconfigured, match="base_url"):
        LiveKitProvider(stage.line(base_url=None))


def _told(stage: LiveKitStage) -> tuple[dict[str, Any], bytes]:
    told = stage.webhook("room_started", "outdial-1", {})
    claims = jwt.decode(
        told.headers["Authorization"], options={"verify_signature": False}, algorithms=["HS256"]
    )
    return claims, told.body


@pytest.mark.parametrize(
    ("change", "secret", "algorithm"),
    [
        ({"iss": "APIother"}, SECRET, "HS256"),
        ({"sha256": ""}, SECRET, "HS256"),
        ({"exp": None}, SECRET, "HS256"),
        ({"exp": "soon"}, SECRET, "HS256"),
        ({}, SECRET * 2, "HS512"),
        ({}, "", "none"),
    ],
)
async def test_a_token_that_is_not_good(
    stage: LiveKitStage,
    livekit: LiveKitProvider,
    change: dict[str, Any],
    secret: str,
    algorithm: str,
) -> None:
    claims, body = _told(stage)
    kept = {name: value for name, value in (claims | change).items() if value is not None}
    forged = jwt.encode(kept, secret or None, algorithm=algorithm)  # type: ignore[arg-type]
    with pytest.raises(WebhookRefused):
        livekit.receive({"Authorization": forged}, body, "", NOW)


@pytest.mark.parametrize("header", ["", "Bearer ", "a.b.c", "é", "Basic abc"])
async def test_a_header_that_is_no_token(
    stage: LiveKitStage, livekit: LiveKitProvider, header: str
) -> None:
    _, body = _told(stage)
    with pytest.raises(WebhookRefused):
        livekit.receive({"Authorization": header}, body, "", NOW)


async def test_a_good_token_may_be_called_a_bearer(
    stage: LiveKitStage, livekit: LiveKitProvider
) -> None:
    claims, body = _told(stage)
    signed = jwt.encode(claims, SECRET, algorithm="HS256")
    assert livekit.receive({"Authorization": f"Bearer {signed}"}, body, "", NOW) == ()
    assert claims["iss"] == KEY


async def test_an_answer_nobody_can_read_is_unknown(
    stage: LiveKitStage, livekit: LiveKitProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answered(stage, monkeypatch, json_answer({}))
    with pytest.raises(PlacementUnknown):
        await livekit.place(stage.order())
