"""How a call at LiveKit goes: statuses, reasons, and what is asked about them."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.livekit.client import LiveKitProvider
from outdial.providers.adapters.livekit.webhook import ending_of
from outdial.providers.errors import Misconfigured
from outdial.providers.reports.status_map import Meaning
from tests.providers.contract.reference import rows
from tests.providers.contract.running import connected, receive_webhook
from tests.providers.contract.stage import NOW, FarCall
from tests.providers.livekit.stage import LiveKitStage

SINCE = NOW - timedelta(minutes=1)
REASONS = (
    "UNKNOWN_REASON CLIENT_INITIATED DUPLICATE_IDENTITY SERVER_SHUTDOWN PARTICIPANT_REMOVED",
    "ROOM_DELETED STATE_MISMATCH JOIN_FAILURE MIGRATION SIGNAL_CLOSE ROOM_CLOSED",
    "USER_UNAVAILABLE USER_REJECTED SIP_TRUNK_FAILURE CONNECTION_TIMEOUT MEDIA_FAILURE",
    "AGENT_ERROR",
)
"""livekit_models.proto, enum DisconnectReason."""


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
    delivery = stage.webhook("participant_left", call.id, gone)
    (event,) = receive_webhook(livekit, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.status, event.failure) == (meaning.status, meaning.failure)
    stage.facts[call.id] = {"disconnect_reason": reason}
    snapshot = await livekit.look_up(call.id)
    assert snapshot is not None
    assert [one.event_id for one in snapshot.events] == [event.event_id]


def test_every_published_reason_is_known(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        endings = {reason: ending_of(reason, None) for line in REASONS for reason in line.split()}
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
    delivery = stage.webhook("participant_connection_aborted", call.id, stage.shown(call) | last)
    (event,) = receive_webhook(livekit, delivery.headers, delivery.body, delivery.url, NOW)
    assert event.status is expected


async def test_a_reason_that_is_left_out_is_the_first(
    stage: LiveKitStage, livekit: LiveKitProvider, call: FarCall
) -> None:
    delivery = stage.webhook("participant_left", call.id, stage.shown(call))
    (event,) = receive_webhook(livekit, delivery.headers, delivery.body, delivery.url, NOW)
    assert (event.status, event.failure) == (CallStatus.FAILED, FailureClass.UNKNOWN)


async def test_joining_is_no_answer(
    stage: LiveKitStage, livekit: LiveKitProvider, call: FarCall
) -> None:
    delivery = stage.webhook("participant_joined", call.id, stage.shown(call))
    (event,) = receive_webhook(livekit, delivery.headers, delivery.body, delivery.url, NOW)
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
    delivery = stage.webhook(event, room, {"identity": identity, "disconnectReason": "ROOM_CLOSED"})
    assert receive_webhook(livekit, delivery.headers, delivery.body, delivery.url, NOW) == ()


async def test_check_knows_the_trunk(stage: LiveKitStage) -> None:
    async with connected(LiveKitProvider, stage, options={"sip_trunk_id": "ST_x"}) as livekit:
        with pytest.raises(Misconfigured, match="sip_trunk_id"):
            await livekit.check()
    with pytest.raises(Misconfigured, match="sip_trunk_id"):
        LiveKitProvider(stage.line(options={}))
    with pytest.raises(Misconfigured, match="base_url"):
        LiveKitProvider(stage.line(base_url=None))
