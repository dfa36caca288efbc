"""LiveKit's far side, checked against a description written from its protobufs."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import jwt

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.livekit.client import LiveKitProvider
from outdial.providers.adapters.livekit.token import LEEWAY
from outdial.providers.adapters.livekit.webhook import answer_of, read_answer, room_of
from outdial.providers.port import Provider
from tests.providers.contract.openapi import NotAsPublished, OpenApi
from tests.providers.contract.server import Answer, Request, json_answer
from tests.providers.contract.stage import (
    HOOK,
    NOW,
    Delivery,
    Endings,
    FarCall,
    Fault,
    Stage,
)

KEY = "APIabcdef"
SECRET = "a-secret-of-the-length-that-livekit-makes-43"
SPEC = OpenApi(Path(__file__).with_name("openapi.json"))
TRUNK = "ST_trunk"
WORDS = {
    CallStatus.QUEUED: "dialing",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "active",
    CallStatus.COMPLETED: "hangup",
}
HTTP_STATUS = {
    "canceled": 408,
    "invalid_argument": 400,
    "deadline_exceeded": 408,
    "not_found": 404,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 412,
    "aborted": 409,
    "internal": 500,
    "unavailable": 503,
}
"""As Twirp writes its codes."""
_GRANTS = {
    "CreateRoom": ("video", "roomCreate"),
    "DeleteRoom": ("video", "roomCreate"),
    "GetParticipant": ("video", "roomAdmin"),
    "CreateSIPParticipant": ("sip", "call"),
    "ListSIPOutboundTrunk": ("sip", "admin"),
}
_TOKEN_LIFE = timedelta(minutes=5)


class LiveKitStage(Stage):
    provider_class: ClassVar[type[Provider]] = LiveKitProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (
        CallStatus.RINGING,
        CallStatus.IN_PROGRESS,
        CallStatus.COMPLETED,
    )
    endings: ClassVar[Endings] = {
        "disconnect_reason": {
            "CLIENT_INITIATED": CallStatus.CANCELED,
            "USER_UNAVAILABLE": CallStatus.NO_ANSWER,
            "USER_REJECTED": CallStatus.BUSY,
            "SIP_TRUNK_FAILURE": FailureClass.UNAVAILABLE,
            "UNKNOWN_REASON": FailureClass.UNKNOWN,
        },
        "sip_status_code": {
            "300": FailureClass.UNAVAILABLE,
            "404": FailureClass.REJECTED,
            "408": CallStatus.NO_ANSWER,
            "486": CallStatus.BUSY,
            "607": FailureClass.REFUSED,
            "401": FailureClass.MISCONFIGURED,
        },
    }
    endless: ClassVar[frozenset[str]] = frozenset({"sip_call_status", "twirp_code"})
    unanswerable: ClassVar[frozenset[str]] = frozenset({"sip_status_code"})
    replay_window: ClassVar[timedelta | None] = _TOKEN_LIFE + LEEWAY
    future_window: ClassVar[timedelta | None] = LEEWAY
    secret_key: ClassVar[str] = "api_secret"
    other_secret: ClassVar[str] = "another-secret-of-the-length-that-they-make"
    unknown_id: ClassVar[str] = "outdial-unknown"

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, dict[str, Any]] = {}
        """More fields of a participant, by its room."""
        self.rooms: dict[str, dict[str, Any]] = {}

    def credentials(self) -> dict[str, str]:
        return {"api_key": KEY, "api_secret": SECRET}

    def options(self) -> dict[str, Any]:
        return {"sip_trunk_id": TRUNK}

    def is_create(self, request: Request) -> bool:
        return request.path.endswith("/CreateSIPParticipant")

    def check_create(self, request: Request) -> None:
        self._check(request)

    def create(self, request: Request) -> FarCall:
        self._check(request)
        body = request.json
        if body["room_name"] not in self.rooms:
            raise NotAsPublished("nobody would speak: the room has no agent")
        return FarCall(
            id=body["room_name"],
            to=body["sip_call_to"],
            our_id=body["participant_attributes"]["outdial.call_id"],
            order=body,
        )

    def created(self, call: FarCall) -> Answer:
        content = {
            "participant_id": "PA_1",
            "participant_identity": call.order["participant_identity"],
            "room_name": call.id,
            "sip_call_id": "SCL_1",
        }
        return SPEC.check_answer(self.requests[-1], json_answer(content))

    def refuse(self, fault: Fault) -> Answer:
        if fault is Fault.THROTTLE:
            return twirp("resource_exhausted")
        return twirp("not_found", "404") if fault is Fault.REJECT else twirp("unauthenticated")

    def answer(self, request: Request) -> Answer:
        self._check(request)
        method, body = request.path.rsplit("/", 1)[1], request.json
        if method == "CreateRoom":
            self.rooms[body["name"]] = body
            content: dict[str, Any] = {"sid": "RM_1", "name": body["name"]}
        elif method == "ListSIPOutboundTrunk":
            trunk = {"sip_trunk_id": TRUNK, "name": "main"}
            content = {"items": [trunk if one == TRUNK else None for one in body["trunk_ids"]]}
        elif method == "DeleteRoom":
            return self._delete(request, body["room"])
        else:
            call = self.calls.get(body["room"])
            if call is None:
                return twirp("not_found")
            content = self.shown(call)
        return SPEC.check_answer(request, json_answer(content))

    def shown(self, call: FarCall) -> dict[str, Any]:
        shown = {
            "sid": "PA_1",
            "identity": call.order["participant_identity"],
            "state": "ACTIVE",
            "kind": "SIP",
            "attributes": {
                "sip.callStatus": WORDS[call.status],
                "sip.phoneNumber": call.to,
                **call.order["participant_attributes"],
            },
        }
        return shown | self.facts.get(call.id, {})

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        if field == "sip_status_code":
            yield read_answer(room_of(call_id), call_id, answer_of(word), f"SIP {word}", NOW)
            return
        attributes = {"sip.callStatus": "active" if talked else "ringing"}
        participant = {"identity": "callee", "attributes": attributes, "disconnectReason": word}
        content = {"event": "participant_left", "participant": participant}
        yield content | {"room": {"name": room_of(call_id)}, "createdAt": str(int(NOW.timestamp()))}

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        if status is not CallStatus.COMPLETED:
            return None
        gone = self.shown(call) | {"disconnectReason": "CLIENT_INITIATED"}
        return self.webhook("participant_left", call.id, gone, sent_at=sent_at)

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        gone = self.shown(call) | {"disconnectReason": "LEVITATED"}
        return self.webhook("participant_left", call.id, gone)

    def webhook(
        self, event: str, room: str, participant: Any, *, sent_at: datetime = NOW
    ) -> Delivery:
        content = {
            "event": event,
            "id": f"EV_{room}_{event}",
            "createdAt": str(int(NOW.timestamp())),
            "room": {"sid": "RM_1", "name": room},
            "participant": participant,
        }
        return self.signed(json.dumps(content).encode(), sent_at=sent_at)

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        claims = {
            "iss": KEY,
            "nbf": sent_at,
            "exp": sent_at + _TOKEN_LIFE,
            "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        }
        headers = {
            "Content-Type": "application/webhook+json",
            "Authorization": jwt.encode(claims, SECRET, algorithm="HS256"),
        }
        return Delivery(headers, body, url)

    def _delete(self, request: Request, room: str) -> Answer:
        if self.rooms.pop(room, None) is None:
            return twirp("not_found")
        if room in self.calls and not self.calls[room].status.terminal:
            self.calls[room].ended_by_api = True
        return SPEC.check_answer(request, json_answer({}))

    def _check(self, request: Request) -> None:
        SPEC.check_request(request)
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        # A real server looks at its own clock, and so does this.
        claims = jwt.decode(given, SECRET, algorithms=["HS256"], issuer=KEY)
        kind, grant = _GRANTS[request.path.rsplit("/", 1)[1]]
        if claims.get(kind, {}).get(grant) is not True:
            raise NotAsPublished(f"the token does not grant {kind}.{grant}")
        if grant == "roomAdmin" and claims[kind].get("room") != request.json["room"]:
            raise NotAsPublished("the token is for another room")


def twirp(code: str, sip_status_code: str | None = None) -> Answer:
    error: dict[str, Any] = {"code": code, "msg": "No."}
    if sip_status_code is not None:
        error["meta"] = {"sip_status_code": sip_status_code, "sip_status": "No"}
    return json_answer(error, HTTP_STATUS[code])


STAGE = LiveKitStage
