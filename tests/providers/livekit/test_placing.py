"""What LiveKit says to a dial: a busy person looks like a rate limit."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.livekit.client import LiveKitProvider
from outdial.providers.errors import (
    NotPlaced,
    PlacementUnknown,
    ProviderError,
    Throttled,
    Unsendable,
)
from outdial.providers.reports.status_map import Meaning
from tests.providers.contract.reference import rows
from tests.providers.contract.running import connected
from tests.providers.contract.server import Answer, json_answer
from tests.providers.contract.stage import NOW, NUMBER, FarCall
from tests.providers.livekit.stage import LiveKitStage, twirp

SINCE = NOW - timedelta(minutes=1)


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
    if meaning.failure is FailureClass.REJECTED or sip in ("401", "402", "407"):
        with pytest.raises(NotPlaced) as caught:
            await livekit.place(stage.order())
        assert caught.value.failure is meaning.failure
        assert caught.value.provider_code == f"SIP {sip}"
    else:
        placed = await livekit.place(stage.order())
        (event,) = placed.events
        assert (event.status, event.failure) == (meaning.status, meaning.failure)
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
        with pytest.raises(Unsendable, match="request_timeout"):
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
    metadata = json.loads(agent["metadata"])
    assert metadata["variables"] == {"first_name": "Ada"}
    assert metadata["settings"] == {"voice": "calm"}
    assert NUMBER not in agent["metadata"]


async def test_find_asks_for_the_room(
    stage: LiveKitStage, livekit: LiveKitProvider, call: FarCall
) -> None:
    stage.move(call, CallStatus.RINGING)
    snapshot = await livekit.find(stage.order().call_id, to=NUMBER, since=SINCE)
    assert snapshot is not None
    assert (snapshot.provider_call_id, snapshot.status) == (call.id, CallStatus.RINGING)


async def test_an_answer_nobody_can_read_is_unknown(
    stage: LiveKitStage, livekit: LiveKitProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answered(stage, monkeypatch, json_answer({}))
    with pytest.raises(PlacementUnknown):
        await livekit.place(stage.order())
