"""Voxanne's far side: contacts that are called back, and signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.voxanne.client import VoxanneProvider
from outdial.providers.port import Provider
from tests.providers.bearer import BEGAN, ENDED, SECRET, BearerStage
from tests.providers.contract.openapi import OpenApi
from tests.providers.contract.server import Answer, Request
from tests.providers.contract.stage import (
    HOOK,
    NOW,
    TALK_BEGAN,
    Delivery,
    Endings,
    FarCall,
    Fault,
    iso,
)

_ERRORS = {
    Fault.THROTTLE: (429, {"error": "Too many requests", "retryAfter": 60}),
    Fault.REJECT: (400, {"error": "Contact has no phone number"}),
    Fault.UNAUTHORIZED: (401, {"error": "Invalid or expired token"}),
}
_EVENTS = {CallStatus.IN_PROGRESS: "call.started", CallStatus.COMPLETED: "call.ended"}


class VoxanneStage(BearerStage):
    provider_class: ClassVar[type[Provider]] = VoxanneProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (CallStatus.IN_PROGRESS, CallStatus.COMPLETED)
    endings: ClassVar[Endings] = {
        "status": {
            "queued": CallStatus.COMPLETED,
            "ended": FailureClass.UNKNOWN,
            "no_answer": CallStatus.NO_ANSWER,
            "busy": CallStatus.BUSY,
            "failed": FailureClass.UNAVAILABLE,
            "cancelled": CallStatus.CANCELED,
        },
        "ended_reason": {
            "assistant-ended-call": CallStatus.COMPLETED,
            "manually-canceled": CallStatus.CANCELED,
            "customer-busy": CallStatus.BUSY,
            "customer-did-not-answer": CallStatus.NO_ANSWER,
            "twilio-failed-to-connect-call": FailureClass.UNAVAILABLE,
            "call.in-progress.x": FailureClass.UNKNOWN,
        },
        "outcome": {
            "completed": CallStatus.COMPLETED,
            "no_answer": CallStatus.NO_ANSWER,
            "busy": CallStatus.BUSY,
            "failed": FailureClass.UNAVAILABLE,
            "cancelled": CallStatus.CANCELED,
        },
    }
    endless: ClassVar[frozenset[str]] = frozenset({"event"})
    rejects: ClassVar[bool] = False
    echoes: ClassVar[bool] = False
    replay_window: ClassVar[timedelta | None] = timedelta(seconds=300)
    throttle_wait: ClassVar[timedelta | None] = timedelta(seconds=60)
    spec: ClassVar[OpenApi] = OpenApi(Path(__file__).with_name("openapi.json"))

    def __init__(self) -> None:
        super().__init__()
        self.contacts: list[dict[str, Any]] = []

    def is_create(self, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/call-back")

    def create(self, request: Request) -> FarCall:
        self.check_create(request)
        contact_id = request.path.split("/")[3]
        (number,) = [one["phone"] for one in self.contacts if one["id"] == contact_id]
        order = {"contact_id": contact_id, **request.json}
        return FarCall(self.new_id("vapi-"), number, None, order=order)

    def created(self, call: FarCall) -> Answer:
        content = {
            "callTrackingId": "tracking-1",
            "vapiCallId": call.id,
            "contactId": call.order["contact_id"],
            "phone": call.to,
            "status": "ringing",
            "message": "Call initiated",
        }
        return self.say(content, 201)

    def refuse(self, fault: Fault) -> Answer:
        status, content = _ERRORS[fault]
        return self.say(content, status)

    def answer(self, request: Request) -> Answer:
        self.check_create(request)
        if request.path == "/api/agents":
            return self.say([{"id": "member-1", "email": "a@example.com"}])
        if request.path == "/api/contacts":
            return self._contacts(request)
        if request.path == "/api/calls":
            return self.say([self.listed(call) for call in self.calls.values()][::-1])
        call = self.calls.get(request.path.rpartition("/")[2])
        if call is None:
            return self.say({"error": "Call not found"}, 404)
        return self.say(self.shown(call))

    def _contacts(self, request: Request) -> Answer:
        if request.method == "POST":
            contact = {"id": f"contact-{len(self.contacts)}", **request.json}
            self.contacts.append(contact)
            return self.say(contact, 201)
        search = dict(request.query)["search"]
        fitting = [one for one in self.contacts if search in one["phone"]]
        pages = {"page": 1, "limit": 100, "total": len(fitting), "pages": 1}
        return self.say({"contacts": fitting, "pagination": pages})

    def listed(self, call: FarCall) -> dict[str, Any]:
        return {
            "id": f"row-{call.id}",
            "vapi_call_id": call.id,
            "from": "+12025550999",
            "phone_number": call.to,
            "outcome": None,
            "created_at": iso(NOW),
            **self.facts.get(call.id, {}),
        }

    def shown(self, call: FarCall) -> dict[str, Any]:
        over = call.status.terminal
        return {
            "id": call.id,
            "status": "ended" if over else call.status.value.replace("_", "-"),
            "endedReason": "customer-ended-call" if over else None,
            "customer": {"number": call.to},
            "startedAt": self.began(call),
            "endedAt": self.ended(call),
            **({"artifact": {"transcript": "AI: Hello."}} if over else {}),
        }

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        name = {"status": "status", "ended_reason": "endedReason", "outcome": "outcome"}[field]
        call = {"id": call_id, name: word}
        call |= {"startedAt": iso(TALK_BEGAN), "endedAt": iso(NOW)} if talked else {}
        yield {"type": "call.ended", "call": call}

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        fields: dict[str, Any] = {"id": call.id, "status": status.value, "startedAt": iso(BEGAN)}
        if status.terminal:
            fields |= {
                "status": "ended",
                "endedReason": "customer-ended-call",
                "endedAt": iso(ENDED),
            }
        return self.posted({"type": _EVENTS[status], "call": fields}, sent_at)

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        fields = {"id": call.id, "status": "ended", "endedReason": "call.levitated"}
        return self.posted({"type": "call.ended", "call": fields})

    def posted(self, content: Any, sent_at: datetime = NOW) -> Delivery:
        return self.signed(json.dumps(content).encode(), sent_at=sent_at)

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        second = str(int(sent_at.timestamp()))
        signed = hmac.new(SECRET.encode(), f"{second}.".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": "application/json",
            "X-Vapi-Signature": signed.hexdigest(),
            "X-Vapi-Timestamp": second,
        }
        return Delivery(headers, body, url)


STAGE = VoxanneStage
