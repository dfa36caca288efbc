"""Telnyx's far side, checked against its OpenAPI description, webhooks included."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.telnyx.client import TelnyxProvider
from outdial.providers.adapters.telnyx.webhook import TOLERANCE, call_id_in
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
    iso,
)

KEY = "KEY0123"
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SPEC = OpenApi(Path(__file__).with_name("openapi.json"))
_SCHEMAS = {
    "call.initiated": "CallInitiatedEvent",
    "call.answered": "CallAnsweredEvent",
    "call.hangup": "CallHangupEvent",
    "call.machine.detection.ended": "CallMachineDetectionEndedEvent",
    "call.machine.greeting.ended": "CallMachineGreetingEndedEvent",
    "call.machine.premium.detection.ended": "CallMachinePremiumDetectionEndedEvent",
    "call.machine.premium.greeting.ended": "CallMachinePremiumGreetingEndedEvent",
    "call.cost": "CallCostEvent",
    "call.recording.saved": "CallRecordingSavedEvent",
}
_EVENTS: dict[CallStatus, tuple[str, dict[str, str]]] = {
    CallStatus.RINGING: ("call.initiated", {"direction": "outgoing", "state": "bridging"}),
    CallStatus.IN_PROGRESS: ("call.answered", {"state": "answered"}),
    CallStatus.COMPLETED: (
        "call.hangup",
        {"state": "hangup", "hangup_cause": "normal_clearing", "hangup_source": "callee"},
    ),
}


def public_key(signer: Ed25519PrivateKey) -> str:
    return base64.b64encode(signer.public_key().public_bytes_raw()).decode()


class TelnyxStage(Stage):
    provider_class: ClassVar[type[Provider]] = TelnyxProvider
    steps: ClassVar[tuple[CallStatus, ...]] = tuple(_EVENTS)
    endings: ClassVar[Endings] = {
        "hangup_cause": {
            "normal_clearing": CallStatus.NO_ANSWER,
            "time_limit": CallStatus.COMPLETED,
            "user_busy": CallStatus.BUSY,
            "originator_cancel": CallStatus.CANCELED,
            "not_found": FailureClass.REJECTED,
            "unspecified": FailureClass.UNKNOWN,
        },
        "rejected_sip_cause": {
            "403": FailureClass.MISCONFIGURED,
            "404": FailureClass.REJECTED,
            "486": CallStatus.BUSY,
            "480": CallStatus.NO_ANSWER,
            "607": FailureClass.REFUSED,
        },
        "cleared_sip_cause": {
            "200": CallStatus.COMPLETED,
            "487": CallStatus.NO_ANSWER,
        },
        "start_failed_reason": {
            "invalid_request": FailureClass.MISCONFIGURED,
            "service_error": FailureClass.UNAVAILABLE,
        },
    }
    endless: ClassVar[frozenset[str]] = frozenset(
        {"amd_result", "error_code", "event_type", "greeting_result"}
    )
    unserved: ClassVar[frozenset[str]] = frozenset({"start_failed_reason"})
    same_ids: ClassVar[bool] = False
    replay_window: ClassVar[timedelta | None] = TOLERANCE
    secret_key: ClassVar[str] = "public_key"
    other_secret: ClassVar[str] = public_key(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    unknown_id: ClassVar[str] = "v3:unknown"
    prefix: ClassVar[str] = "/v2"

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, dict[str, Any]] = {}
        """More fields of a call, by its id."""
        self.by_cursor = False
        """Its list goes by a cursor, as the reference of the API has it."""

    def credentials(self) -> dict[str, str]:
        return {"api_key": KEY, "public_key": public_key(SIGNER)}

    def options(self) -> dict[str, Any]:
        return {"connection_id": "1293384261075731461"}

    def tells(self, status: CallStatus) -> bool:
        return status.terminal

    def is_create(self, request: Request) -> bool:
        return request.method == "POST" and request.path == "/v2/calls"

    def check_create(self, request: Request) -> None:
        self._check(request)

    def create(self, request: Request) -> FarCall:
        self._check(request)
        body = request.json
        return FarCall(
            id=f"v3:{len(self.calls):054x}",
            to=body["to"],
            our_id=call_id_in(body["client_state"]),
            webhook_url=body["webhook_url"],
            order=body,
        )

    def created(self, call: FarCall) -> Answer:
        shown = {**self.shown(call), "is_alive": False}
        return SPEC.check_answer(self.requests[-1], json_answer({"data": shown}), self.prefix)

    def refuse(self, fault: Fault) -> Answer:
        if fault is Fault.THROTTLE:
            return error(429, "90103")
        if fault is Fault.REJECT:
            return error(422, "10016", "/to")
        return error(401, "10009")

    def answer(self, request: Request) -> Answer:
        self._check(request)
        if request.path.endswith("/active_calls"):
            content: dict[str, Any] = self._active(dict(request.query))
            return SPEC.check_answer(request, json_answer(content), self.prefix)
        call = self.calls.get(request.path.split("/")[3])
        if call is None:
            return error(422, "90015")
        if request.path.endswith("/hangup"):
            if call.status.terminal:
                return error(422, "90018")
            call.ended_by_api = True
            return SPEC.check_answer(request, json_answer({"data": {"result": "ok"}}), self.prefix)
        return SPEC.check_answer(request, json_answer({"data": self.shown(call)}), self.prefix)

    def shown(self, call: FarCall) -> dict[str, Any]:
        over = call.status.terminal
        shown = {
            **self._ids(call),
            "client_state": call.order["client_state"],
            "is_alive": bool(call.history) and not over,
            "record_type": "call",
            "call_duration": 50 if over else 0,
            "start_time": NOW.isoformat(),
        }
        if over:
            shown["end_time"] = (NOW + timedelta(seconds=60)).isoformat()
        return shown | self.facts.get(call.id, {})

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        if talked:
            yield _event(call_id, "call.answered", {})
        if field == "start_failed_reason":
            yield _event(call_id, "call.conversation.start_failed", {"reason": word})
        elif field == "hangup_cause":
            yield _event(call_id, "call.hangup", {"hangup_cause": word})
        else:
            cause = "call_rejected" if field == "rejected_sip_cause" else "normal_clearing"
            yield _event(call_id, "call.hangup", {"hangup_cause": cause, "sip_hangup_cause": word})

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        kind, payload = _EVENTS[status]
        return self.webhook(call, kind, payload, sent_at=sent_at)

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        payload = {"state": "hangup", "hangup_cause": "levitated"}
        return self.webhook(call, "call.hangup", payload, as_published=False)

    def webhook(
        self,
        call: FarCall,
        kind: str,
        payload: dict[str, Any],
        *,
        sent_at: datetime = NOW,
        as_published: bool = True,
    ) -> Delivery:
        state = call.order["client_state"]
        data = {
            "record_type": "event",
            "event_type": kind,
            # The same event has the same id however often it is sent.
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{call.id} {kind} {payload}")),
            "occurred_at": NOW.isoformat(),
            "payload": {**self._ids(call), "client_state": state, **payload},
        }
        if as_published and kind in _SCHEMAS:
            SPEC.check_schema(_SCHEMAS[kind], {"data": data})
        return self.signed(json.dumps({"data": data}).encode(), sent_at=sent_at)

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        timestamp = str(int(sent_at.timestamp()))
        signature = SIGNER.sign(timestamp.encode() + b"|" + body)
        headers = {
            "content-type": "application/json",
            "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
            "telnyx-timestamp": timestamp,
        }
        return Delivery(headers, body, url)

    def _ids(self, call: FarCall) -> dict[str, Any]:
        leg = str(uuid.uuid5(uuid.NAMESPACE_URL, call.id))
        return {"call_control_id": call.id, "call_leg_id": leg, "call_session_id": leg}

    def _active(self, query: dict[str, str]) -> dict[str, Any]:
        size = int(query["page[size]"])
        begin = (int(query["page[number]"]) - 1) * size
        if self.by_cursor:
            begin = int(query.get("page[after]", 0))
        fields = ("call_control_id", "call_leg_id", "call_session_id", "client_state")
        alive = [
            {**{name: self.shown(call)[name] for name in fields}}
            | {"call_duration": 0, "record_type": "call"}
            for call in self.calls.values()
            if not call.status.terminal
        ]
        meta: dict[str, Any] = {
            "page_number": begin // size + 1,
            "page_size": size,
            "total_pages": -(-len(alive) // size),
            "total_results": len(alive),
        }
        if self.by_cursor:
            meta = {"cursors": {"after": str(begin + size)}}
            if begin + size < len(alive):
                meta["next"] = "/v2/connections/1/active_calls?page[after]=…"
        return {"data": alive[begin : begin + size], "meta": meta}

    def _check(self, request: Request) -> None:
        SPEC.check_request(request, self.prefix)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise NotAsPublished("the request carries no key")


def error(status: int, code: str, pointer: str | None = None) -> Answer:
    one: dict[str, Any] = {"code": code, "title": "No", "detail": "No."}
    if pointer is not None:
        one["source"] = {"pointer": pointer}
    return json_answer({"errors": [one]}, status)


def _event(call_id: str, kind: str, payload: dict[str, Any]) -> Any:
    payload = {"call_control_id": call_id, **payload}
    at = NOW if kind == "call.hangup" else NOW - timedelta(seconds=1)
    return {
        "data": {
            "id": f"{call_id}:{kind}",
            "event_type": kind,
            "occurred_at": iso(at),
            "payload": payload,
        }
    }


STAGE = TelnyxStage
