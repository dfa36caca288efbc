"""Every word of every status map as the end of a call, in the shape in which its provider tells it.

After a talk, the report carries the facts that this provider tells of one; without, it carries
none. `events_of` reads it by the real adapter and line, as the webhook door does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from outdial.domain.call.event import CallEvent
from outdial.providers.adapters.livekit.webhook import answer_of, read_answer, room_of
from outdial.providers.lines import Line, LinePolicy
from outdial.providers.port import LineConfig
from tests.providers.contract.registry import stages
from tests.providers.contract.stage import HOOK, NOW

TOMORROW = "a-word-of-tomorrow"
TALK = timedelta(minutes=5)
BEGAN = NOW - TALK
CALL = "0190b5c4-77aa-7c3e-9d44-5f7d3c1e0001"
_ROOT = Path(__file__).parents[2] / "outdial" / "providers"


@dataclass(frozen=True)
class Ending:
    provider: str
    field: str
    word: str
    talked: bool

    def __str__(self) -> str:
        return f"{self.provider}:{self.field}={self.word}{' after a talk' if self.talked else ''}"


def _vapi(field: str, word: str, talked: bool) -> Iterator[Any]:
    message: dict[str, Any] = {"type": "end-of-call-report", "call": {"id": CALL}}
    message |= {"endedReason": word, "timestamp": int(NOW.timestamp() * 1000)}
    message |= {"startedAt": _iso(BEGAN), "endedAt": _iso(NOW)} if talked else {}
    yield {"message": message}


def _retell(field: str, word: str, talked: bool) -> Iterator[Any]:
    call = {"call_id": CALL, "call_status": "ended" if talked else "not_connected"}
    call |= {field: word} if field == "call_status" else {"disconnection_reason": word}
    if talked:
        begin, end = (int(at.timestamp() * 1000) for at in (BEGAN, NOW))
        call |= {"start_timestamp": begin, "end_timestamp": end, "duration_ms": end - begin}  # type: ignore[dict-item]
    yield {"event": "call_ended", "call": call}


def _twilio(field: str, word: str, talked: bool) -> Iterator[Any]:
    form = {"CallSid": CALL, "CallStatus": word if field == "call_status" else "failed"}
    if field == "sip_code":
        form["SipResponseCode"] = word
    if field == "error_code":
        form["ErrorCode"] = word
    if talked:
        yield urlencode(form | {"CallStatus": "in-progress"}).encode()
        form["CallDuration"] = "300"
    yield urlencode(form).encode()


def _telnyx(field: str, word: str, talked: bool) -> Iterator[Any]:
    if talked:
        yield _telnyx_event("call.answered", {})
    if field == "start_failed_reason":
        yield _telnyx_event("call.conversation.start_failed", {"reason": word})
    elif field == "hangup_cause":
        yield _telnyx_event("call.hangup", {"hangup_cause": word})
    else:
        cause = "call_rejected" if field == "rejected_sip_cause" else "normal_clearing"
        yield _telnyx_event("call.hangup", {"hangup_cause": cause, "sip_hangup_cause": word})


def _telnyx_event(kind: str, payload: dict[str, Any]) -> Any:
    payload = {"call_control_id": CALL, **payload}
    at = NOW if kind == "call.hangup" else NOW - timedelta(seconds=1)
    return {
        "data": {
            "id": f"{CALL}:{kind}",
            "event_type": kind,
            "occurred_at": _iso(at),
            "payload": payload,
        }
    }


def _bland(field: str, word: str, talked: bool) -> Iterator[Any]:
    call: dict[str, Any] = {"call_id": CALL, "status": "failed", "completed": True}
    if field == "status":
        call["status"] = word
    elif field == "queue_status":
        call |= {"status": None, "queue_status": word}
    else:
        call["error_message"] = f"The number {word}, sorry."
    yield call | ({"call_length": 5.0, "concatenated_transcript": "user: Yes."} if talked else {})


def _elevenlabs(field: str, word: str, talked: bool) -> Iterator[Any]:
    data: dict[str, Any] = {"conversation_id": CALL, "status": "failed", "metadata": {}}
    kind = "post_call_transcription"
    if field in ("failure_reason", "leg_status", "leg_sip_code"):
        kind, data["failure_reason"] = "call_initiation_failure", word
        if field != "failure_reason":
            leg = {"CallStatus": word if field == "leg_status" else "failed"}
            leg |= {"SipResponseCode": word} if field == "leg_sip_code" else {}
            data |= {"failure_reason": "unknown", "metadata": {"body": leg}}
    elif field == "call_result":
        data["metadata"] = {"phone_call": {"call_result": word}}
    else:
        data["status"] = word
    if talked:
        begin = int(BEGAN.timestamp())
        data["metadata"] |= {
            "start_time_unix_secs": begin,
            "accepted_time_unix_secs": begin,
            "call_duration_secs": 300,
        }
    yield {"type": kind, "event_timestamp": int(NOW.timestamp()), "data": data}


def _livekit(field: str, word: str, talked: bool) -> Iterator[Any]:
    if field == "sip_status_code":
        yield read_answer(room_of(CALL), CALL, answer_of(word), f"SIP {word}", NOW)
        return
    attributes = {"sip.callStatus": "active" if talked else "ringing"}
    participant = {"identity": "callee", "attributes": attributes, "disconnectReason": word}
    content = {"event": "participant_left", "participant": participant}
    yield content | {"room": {"name": room_of(CALL)}, "createdAt": str(int(NOW.timestamp()))}


def _voxanne(field: str, word: str, talked: bool) -> Iterator[Any]:
    name = {"status": "status", "ended_reason": "endedReason", "outcome": "outcome"}[field]
    call = {"id": CALL, name: word}
    call |= {"startedAt": _iso(BEGAN), "endedAt": _iso(NOW)} if talked else {}
    yield {"type": "call.ended", "call": call}


def _voxpria(field: str, word: str, talked: bool) -> Iterator[Any]:
    data: dict[str, Any] = {"callId": CALL} | ({"duration": 300} if talked else {})
    event = word if field == "event" else "call.ended"
    data |= {"status": word} if field == "status" else {}
    yield {"event": event, "timestamp": _iso(NOW), "data": data}


def _buildvoiceai(field: str, word: str, talked: bool) -> Iterator[Any]:
    content: dict[str, Any] = {"event": word if field == "event" else "call_ended"}
    content |= {"call_id": CALL, "ended_at": _iso(NOW)}
    content |= {"status": word} if field == "status" else {}
    yield content | ({"duration_seconds": 300, "transcript": "user: Yes."} if talked else {})


def _thinnestai(field: str, word: str, talked: bool) -> Iterator[Any]:
    content: dict[str, Any] = {"event": word if field == "event" else "voice.call.ended"}
    content |= {"call_id": CALL, "timestamp": _iso(NOW)}
    content |= {"status": word} if field == "status" else {}
    yield content | ({"duration": 300} if talked else {})


def _vozagent(field: str, word: str, talked: bool) -> Iterator[Any]:
    call: dict[str, Any] = {"call_id": CALL, "call_ended_at": _iso(NOW)}
    call |= {"call_status": word} if field == "status" else {}
    call |= {"duration_seconds": 300, "transcript": "user: Yes."} if talked else {}
    yield {"event": word if field == "event" else "call.completed", "data": call}


_SHAPES: dict[str, tuple[Callable[[str, str, bool], Iterator[Any]], tuple[str, ...]]] = {
    "vapi": (_vapi, ("ended_reason",)),
    "retell": (_retell, ("call_status", "disconnection_reason")),
    "twilio": (_twilio, ("call_status", "sip_code", "error_code")),
    "telnyx": (
        _telnyx,
        ("hangup_cause", "rejected_sip_cause", "cleared_sip_cause", "start_failed_reason"),
    ),
    "bland": (_bland, ("status", "queue_status", "error_phrase")),
    "elevenlabs": (
        _elevenlabs,
        ("conversation_status", "call_result", "failure_reason", "leg_status", "leg_sip_code"),
    ),
    "livekit": (_livekit, ("disconnect_reason", "sip_status_code")),
    "voxanne": (_voxanne, ("status", "ended_reason", "outcome")),
    "voxpria": (_voxpria, ("event", "status")),
    "buildvoiceai": (_buildvoiceai, ("event", "status")),
    "thinnestai": (_thinnestai, ("event", "status")),
    "vozagent": (_vozagent, ("event", "status")),
}
NO_END = {
    ("bland", "answered_by"), ("bland", "message"), ("buildvoiceai", "error"),
    ("elevenlabs", "answered_by"), ("elevenlabs", "error_code"), ("livekit", "sip_call_status"),
    ("livekit", "twirp_code"), ("telnyx", "amd_result"), ("telnyx", "error_code"),
    ("telnyx", "event_type"), ("telnyx", "greeting_result"), ("twilio", "answered_by"),
    ("vapi", "message"), ("vapi", "status"), ("voxanne", "event"),
}  # fmt: skip
"""Maps that tell no end: who answered, answers to a placement, calls that go on."""


def maps_of(provider: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_ROOT / "adapters" / provider / "status.json").read_text())
    return found


def endings() -> list[Ending]:
    """Every word that may end a call, one of tomorrow for each field; after a talk and without."""
    found = []
    for provider, (_, fields) in _SHAPES.items():
        maps = maps_of(provider)
        for field in fields:
            prefixes = maps[field].get("prefixes", [])
            words = [*maps[field]["rows"], *(begin + "x" for begin, _ in prefixes)]
            for word in [*words, TOMORROW]:
                found += [Ending(provider, field, word, talked) for talked in (False, True)]
    return found


def providers() -> set[str]:
    return set(_SHAPES)


def fields() -> set[tuple[str, str]]:
    return {(provider, field) for provider, (_, fields) in _SHAPES.items() for field in fields}


@cache
def _line(provider: str) -> Line:
    # Nobody is asked anything: reports are read, and their signatures are another test's matter.
    return line_of(provider)


def bodies_of(ending: Ending, call_id: str) -> list[bytes]:
    """The reports of a call that its provider knows by this id; none for an answer to a dial."""
    shape, _ = _SHAPES[ending.provider]
    found = []
    for body in shape(ending.field, ending.word, ending.talked):
        if not isinstance(body, CallEvent):
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            found.append(raw.replace(CALL.encode(), call_id.encode()))
    return found


def answers_of(ending: Ending, call_id: str) -> tuple[CallEvent, ...]:
    """What the answer to the placement tells of the end; nothing where webhooks tell it."""
    shape, _ = _SHAPES[ending.provider]
    told = [e for e in shape(ending.field, ending.word, ending.talked) if isinstance(e, CallEvent)]
    texts = (event.model_dump_json().replace(CALL, call_id) for event in told)
    return tuple(CallEvent.model_validate_json(text) for text in texts)


def line_of(provider: str) -> Line:
    """A line of this provider, named after it, on which nothing is sent."""
    stage = stages()[provider]()
    config = LineConfig(
        name=provider,
        base_url="http://127.0.0.1:1",
        credentials=stage.credentials(),
        options=stage.options(),
    )
    return Line(provider, stage.provider_class(config), LinePolicy())


def events_of(ending: Ending) -> list[CallEvent]:
    """What the adapter reads in the reports that tell of this end, in their order."""
    line = _line(ending.provider)
    shape, _ = _SHAPES[ending.provider]
    told: list[CallEvent] = []
    for body in shape(ending.field, ending.word, ending.talked):
        if isinstance(body, CallEvent):
            told += line.normalize([body])
            continue
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        told += line.normalize(line.provider.webhooks.read(raw, HOOK, NOW))
    return told


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
