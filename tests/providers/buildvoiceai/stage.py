"""BuildVoiceAI's far side: one endpoint, and webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.buildvoiceai.client import BuildVoiceAIProvider
from outdial.providers.port import Provider
from tests.providers.bearer import BEGAN, ENDED, SECRET, BearerStage
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

_ERRORS = {
    Fault.THROTTLE: (429, "Rate limit exceeded. Retry after 12 seconds."),
    Fault.REJECT: (400, "Invalid phone number format"),
    Fault.UNAUTHORIZED: (401, "Invalid API key"),
}
_EVENTS = {CallStatus.IN_PROGRESS: "call.started", CallStatus.COMPLETED: "call.completed"}


class BuildVoiceAIStage(BearerStage):
    provider_class: ClassVar[type[Provider]] = BuildVoiceAIProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (CallStatus.IN_PROGRESS, CallStatus.COMPLETED)
    endings: ClassVar[Endings] = {
        "event": {
            "call.completed": CallStatus.COMPLETED,
            "call.failed": FailureClass.UNAVAILABLE,
            "call_ended": FailureClass.UNKNOWN,
        },
        "status": {
            "initiated": FailureClass.UNKNOWN,
            "completed": CallStatus.COMPLETED,
            "failed": FailureClass.UNAVAILABLE,
            "missed": CallStatus.NO_ANSWER,
            "no-answer": CallStatus.NO_ANSWER,
            "no_answer": CallStatus.NO_ANSWER,
            "busy": CallStatus.BUSY,
            "voicemail": CallStatus.COMPLETED,
        },
    }
    endless: ClassVar[frozenset[str]] = frozenset({"error"})
    throttle_wait: ClassVar[timedelta | None] = timedelta(seconds=12)
    signs_body: ClassVar[bool] = False
    prefix: ClassVar[str] = "/api/v1"
    dial: ClassVar[str] = "/calls/trigger"
    spec: ClassVar[OpenApi] = OpenApi(Path(__file__).with_name("openapi.json"))

    def is_create(self, request: Request) -> bool:
        return super().is_create(request) and "phone_number" in request.json

    def create(self, request: Request) -> FarCall:
        self.check_create(request)
        order = request.json
        call_id = self.new_id("9f1c2d3e-")
        our_id = order["metadata"]["outdial_call_id"]
        return FarCall(id=call_id, to=order["phone_number"], our_id=our_id, order=order)

    def created(self, call: FarCall) -> Answer:
        return self.say({"success": True, "data": {"call_id": call.id, "status": "initiated"}})

    def refuse(self, fault: Fault) -> Answer:
        status, text = _ERRORS[fault]
        headers = {"retry-after": "12"} if fault is Fault.THROTTLE else None
        return self.say({"success": False, "error": text}, status, headers)

    def answer(self, request: Request) -> Answer:
        """The only other request there is: a dial of nobody."""
        return self.say({"success": False, "error": "phone_number is required"}, 400)

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        content: dict[str, Any] = {"event": word if field == "event" else "call_ended"}
        content |= {"call_id": call_id, "ended_at": iso(NOW)}
        content |= {"status": word} if field == "status" else {}
        yield content | ({"duration_seconds": 300, "transcript": "user: Yes."} if talked else {})

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        if status not in _EVENTS:
            return None
        return self.posted({**self.shown(call, status), **self.facts.get(call.id, {})})

    def shown(self, call: FarCall, status: CallStatus) -> dict[str, Any]:
        """As the page of webhook events shows `call.completed`."""
        content: dict[str, Any] = {
            "event": _EVENTS[status],
            "call_id": call.id,
            "agent_id": self.agent,
            "agent_name": "Reminder",
            "direction": "outbound",
            "phone_number": call.to,
            "started_at": iso(BEGAN),
            "metadata": call.order["metadata"],
        }
        if status.terminal:
            content |= {
                "duration_seconds": 127,
                "ended_at": iso(ENDED),
                "sentiment": "positive",
                "summary": "Confirmed.",
                "transcript": [{"role": "agent", "content": "Hello", "timestamp": 0.5}],
            }
        return content

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        return self.posted({"event": "call.levitated", "call_id": call.id, "status": "afloat"})

    def posted(self, content: Any) -> Delivery:
        return self.signed(json.dumps(content).encode())

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        """The secret stands in the URL, which the account's owner enters."""
        headers = {"Content-Type": "application/json"}
        return Delivery(headers, body, f"{url}/{quote(SECRET)}")


STAGE = BuildVoiceAIStage
