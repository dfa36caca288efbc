"""Voxpria's far side: the Calls API, and signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.voxpria.client import VoxpriaProvider
from outdial.providers.port import Provider
from tests.providers.bearer import SECRET, BearerStage
from tests.providers.contract.openapi import OpenApi
from tests.providers.contract.server import Answer, Request
from tests.providers.contract.stage import (
    HOOK,
    NOW,
    Delivery,
    Endings,
    FarCall,
    Fault,
    iso,
)

_STATUS = {Fault.THROTTLE: 429, Fault.REJECT: 400, Fault.UNAUTHORIZED: 401}
_EVENTS = {CallStatus.IN_PROGRESS: "call.started", CallStatus.COMPLETED: "call.completed"}


class VoxpriaStage(BearerStage):
    provider_class: ClassVar[type[Provider]] = VoxpriaProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (
        CallStatus.RINGING,
        CallStatus.IN_PROGRESS,
        CallStatus.COMPLETED,
    )
    endings: ClassVar[Endings] = {
        "event": {
            "call.completed": CallStatus.COMPLETED,
            "call.failed": FailureClass.UNAVAILABLE,
            "call.ended": FailureClass.UNKNOWN,
        },
        "status": {
            "queued": FailureClass.UNKNOWN,
            "ringing": FailureClass.UNKNOWN,
            "in_progress": FailureClass.UNKNOWN,
            "completed": CallStatus.COMPLETED,
            "failed": FailureClass.UNAVAILABLE,
            "no_answer": CallStatus.NO_ANSWER,
            "busy": CallStatus.BUSY,
        },
    }
    rejects: ClassVar[bool] = False
    echoes: ClassVar[bool] = False
    throttle_wait: ClassVar[timedelta | None] = timedelta(seconds=30)
    dial: ClassVar[str] = "/api/v1/calls"
    spec: ClassVar[OpenApi] = OpenApi(Path(__file__).with_name("openapi.json"))

    def __init__(self) -> None:
        super().__init__()
        self.shows_variables = False
        """Whether the list gives back the variables of a call."""

    def create(self, request: Request) -> FarCall:
        self.check_create(request)
        order = request.json
        our_id = order["variables"]["outdialCallId"]
        return FarCall(self.new_id("call_"), order["toNumber"], our_id, order=order)

    def created(self, call: FarCall) -> Answer:
        return self.say({"success": True, "data": self.listed(call) | {"status": "queued"}})

    def refuse(self, fault: Fault) -> Answer:
        status = _STATUS[fault]
        headers = {"retry-after": "30"} if fault is Fault.THROTTLE else None
        return self.say({"success": False, "error": "No."}, status, headers)

    def answer(self, request: Request) -> Answer:
        self.check_create(request)
        if request.path == self.dial:
            query = dict(request.query)
            size, page = int(query["limit"]), int(query["page"])
            listed = [self.listed(call) for call in self.calls.values()]
            return self.say({"success": True, "data": listed[(page - 1) * size : page * size]})
        call = self.calls.get(request.path.rpartition("/")[2])
        if call is None:
            return self.say({"success": False, "error": "Not found"}, 404)
        return self.say({"success": True, "data": self.shown(call)})

    def listed(self, call: FarCall) -> dict[str, Any]:
        variables = {"variables": call.order["variables"]} if self.shows_variables else {}
        return {
            "callId": call.id,
            "status": call.status.value,
            "toNumber": call.to,
            "agentId": call.order["agentId"],
            "createdAt": iso(NOW),
            **variables,
            **self.facts.get(call.id, {}),
        }

    def shown(self, call: FarCall) -> dict[str, Any]:
        content: dict[str, Any] = {
            "callId": call.id,
            "status": call.status.value,
            "startedAt": self.began(call),
            "completedAt": self.ended(call),
        }
        if call.status is CallStatus.COMPLETED:
            content |= {
                "duration": 127,
                "recording": "https://recordings.example.com/1.mp3",
                "transcript": "Agent: Hello!",
                "outcome": "successful",
            }
        return content

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        data: dict[str, Any] = {"callId": call_id} | ({"duration": 300} if talked else {})
        event = word if field == "event" else "call.ended"
        data |= {"status": word} if field == "status" else {}
        yield {"event": event, "timestamp": iso(NOW), "data": data}

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        if status not in _EVENTS:
            return None
        data = {"callId": call.id, "status": status.value, "duration": 127, "toNumber": call.to}
        return self.posted({"event": _EVENTS[status], "timestamp": iso(NOW), "data": data})

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        data = {"callId": call.id, "status": "afloat"}
        return self.posted({"event": "call.levitated", "timestamp": iso(NOW), "data": data})

    def posted(self, content: Any) -> Delivery:
        return self.signed(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Voxpria-Signature": f"sha256={signed}"}
        return Delivery(headers, body, url)


STAGE = VoxpriaStage
