"""VozAgent's far side. What its webhooks look like is in no document; see the adapter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.vozagent.client import VozAgentProvider
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

WORDS = {CallStatus.IN_PROGRESS: "in-progress", CallStatus.NO_ANSWER: "no-answer"}
_EVENTS = {CallStatus.IN_PROGRESS: "call.started", CallStatus.COMPLETED: "call.completed"}
_ERRORS = {
    Fault.THROTTLE: (429, "rate_limited"),
    Fault.REJECT: (400, "invalid_request"),
    Fault.UNAUTHORIZED: (401, "unauthorized"),
}


class VozAgentStage(BearerStage):
    provider_class: ClassVar[type[Provider]] = VozAgentProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (CallStatus.IN_PROGRESS, CallStatus.COMPLETED)
    endings: ClassVar[Endings] = {
        "event": {
            "call.completed": CallStatus.COMPLETED,
        },
        "status": {
            "queued": CallStatus.COMPLETED,
            "failed": FailureClass.UNAVAILABLE,
            "no-answer": CallStatus.NO_ANSWER,
            "busy": CallStatus.BUSY,
            "canceled": CallStatus.CANCELED,
        },
    }
    rejects: ClassVar[bool] = False
    echoes: ClassVar[bool] = False
    signs_body: ClassVar[bool] = False
    prefix: ClassVar[str] = "/v1"
    dial: ClassVar[str] = "/calls/outbound"
    spec: ClassVar[OpenApi] = OpenApi(Path(__file__).with_name("openapi.json"))

    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, list[str]] = {}
        """Tags by number; the contact of a number has the number in its id."""
        self.keeps_tags = True
        """Whether a contact that was there before gets the tags of a call."""

    def create(self, request: Request) -> FarCall:
        self.check_create(request)
        order = request.json
        number = order["phone_number"]
        if number not in self.contacts:
            self.contacts[number] = list(order["tags"])
        elif self.keeps_tags:
            self.contacts[number] += order["tags"]
        (our_id,) = [tag.removeprefix("outdial:") for tag in order["tags"] if ":" in tag]
        return FarCall(id=self.new_id("call-"), to=number, our_id=our_id, order=order)

    def created(self, call: FarCall) -> Answer:
        content = {
            "call_id": call.id,
            "status": "queued",
            "direction": "outbound",
            "to_phone": call.to,
            "assistant_name": "Voz",
            "contact_id": _contact(call.to),
            "is_new_contact": True,
            "created_at": iso(NOW),
        }
        return self.say(content, 201)

    def refuse(self, fault: Fault) -> Answer:
        status, code = _ERRORS[fault]
        return self.say({"error": {"code": code, "message": "No."}}, status)

    def answer(self, request: Request) -> Answer:
        self.check_create(request)
        path, query = request.path.removeprefix(self.prefix), dict(request.query)
        if path == "/assistants":
            return self.say([{"id": "a1", "name": "Voz"}])
        if path == "/contacts":
            return self.say(self._tagged(query["tags"]))
        if path == "/calls":
            calls = [self.listed(call) for call in self.calls.values()]
            return self.say([one for one in calls if one["contact_id"] == query["contact_id"]])
        call = self.calls.get(path.rpartition("/")[2])
        if call is None:
            return self.say({"error": {"code": "not_found", "message": "No."}}, 404)
        return self.say(self.shown(call))

    def listed(self, call: FarCall) -> dict[str, Any]:
        return {
            "id": call.id,
            "contact_id": _contact(call.to),
            "assistant_id": self.agent,
            "call_type": "outbound",
            "call_status": WORDS.get(call.status, call.status.value),
            "duration_seconds": 127 if call.status.terminal else None,
            # Where it shows when it began: without that a call can't be told from older ones.
            "call_started_at": iso(NOW),
            "call_ended_at": self.ended(call),
            "appointment_booked": False,
            **self.facts.get(call.id, {}),
        }

    def shown(self, call: FarCall) -> dict[str, Any]:
        over = call.status.terminal
        return {
            "customer_phone_number": call.to,
            "transcript": "Assistant: Hello!" if over else None,
            "analysis_summary": "Confirmed." if over else None,
            "recording_url": "https://storage.example.com/1.mp3" if over else None,
            "cost": 0.15 if over else None,
            **self.listed(call),
        }

    def _tagged(self, tag: str) -> list[dict[str, Any]]:
        return [
            {"id": _contact(number), "phone_number": number, "tags": tags}
            for number, tags in self.contacts.items()
            if tag in tags
        ]

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        call: dict[str, Any] = {"call_id": call_id, "call_ended_at": iso(NOW)}
        call |= {"call_status": word} if field == "status" else {}
        call |= {"duration_seconds": 300, "transcript": "user: Yes."} if talked else {}
        yield {"event": word if field == "event" else "call.completed", "data": call}

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        return self.posted(
            _EVENTS[status], self.shown(call) | {"call_status": WORDS.get(status, status)}
        )

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        return self.posted("call.levitated", {"call_id": call.id, "call_status": "afloat"})

    def posted(self, event: str, data: Any) -> Delivery:
        content = {"event": event, "timestamp": iso(NOW), "data": data}
        return self.signed(json.dumps(content).encode())

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        """The secret stands in the URL, which the account's owner enters."""
        headers = {"Content-Type": "application/json"}
        return Delivery(headers, body, f"{url}/{quote(SECRET)}")


def _contact(number: str) -> str:
    return f"contact-{number.removeprefix('+')}"


STAGE = VozAgentStage
