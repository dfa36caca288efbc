"""thinnestAI's far side: the Voice API, and the webhooks of a call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.thinnestai.client import ThinnestAIProvider
from outdial.providers.port import Provider
from outdial.providers.signing import CALL_ID, with_query, with_token
from tests.providers.bearer import BearerStage
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

WORDS = {CallStatus.QUEUED: "initiating"}
_ERRORS = {
    Fault.THROTTLE: (429, "Rate limit exceeded"),
    Fault.REJECT: (400, "Bad number"),
    Fault.UNAUTHORIZED: (401, "Unauthorized"),
}


class ThinnestAIStage(BearerStage):
    provider_class: ClassVar[type[Provider]] = ThinnestAIProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (
        CallStatus.RINGING,
        CallStatus.IN_PROGRESS,
        CallStatus.COMPLETED,
    )
    endings: ClassVar[Endings] = {
        "event": {
            "call.completed": CallStatus.COMPLETED,
            "call.failed": FailureClass.UNAVAILABLE,
            "call.no_answer": CallStatus.NO_ANSWER,
        },
        "status": {
            "completed": CallStatus.COMPLETED,
            "failed": FailureClass.UNAVAILABLE,
            "no_answer": CallStatus.NO_ANSWER,
            "busy": CallStatus.BUSY,
            "voicemail": CallStatus.COMPLETED,
            "canceled": CallStatus.CANCELED,
            "cancelled": CallStatus.CANCELED,
        },
    }
    rejects: ClassVar[bool] = False
    signs_body: ClassVar[bool] = False
    throttle_wait: ClassVar[timedelta | None] = timedelta(seconds=30)
    dial: ClassVar[str] = "/voice/outbound/dial"
    spec: ClassVar[OpenApi] = OpenApi(Path(__file__).with_name("openapi.json"))

    def __init__(self) -> None:
        super().__init__()
        self.shows_context = True
        """Whether sessions give back the context of their call."""

    def create(self, request: Request) -> FarCall:
        self.check_create(request)
        order = request.json
        url = order["webhook_url"]
        (our_id,) = parse_qs(urlsplit(url).query)["call_id"]
        if our_id != order["context"]["outdial_call_id"]:
            raise AssertionError("our id is not the same in the URL and in the context")
        call_id = self.new_id("call_")
        return FarCall(call_id, order["to_number"], our_id, webhook_url=url, order=order)

    def created(self, call: FarCall) -> Answer:
        shown = self.shown(call)
        del shown["context"]
        return self.say(shown | {"status": "initiating"})

    def refuse(self, fault: Fault) -> Answer:
        status, detail = _ERRORS[fault]
        headers = {"retry-after": "30"} if fault is Fault.THROTTLE else None
        return self.say({"detail": detail, "status": status}, status, headers)

    def answer(self, request: Request) -> Answer:
        self.check_create(request)
        if request.path == "/voice/sessions":
            shown = [self.shown(call) for call in self.calls.values()]
            if not self.shows_context:
                shown = [{k: v for k, v in one.items() if k != "context"} for one in shown]
            return self.say({"sessions": shown, "total": len(shown)})
        call = self.calls.get(request.path.rpartition("/")[2])
        if call is None:
            return self.say({"detail": "Session not found", "status": 404}, 404)
        if request.method == "POST":
            call.ended_by_api = True
            return self.say({})
        return self.say(self.shown(call))

    def shown(self, call: FarCall) -> dict[str, Any]:
        return {
            "call_id": call.id,
            "status": WORDS.get(call.status, call.status.value),
            "agent_id": call.order["agent_id"],
            "to_number": call.to,
            "from_number": call.order["from_number"],
            "context": call.order["context"],
            "created_at": iso(NOW),
            **self.facts.get(call.id, {}),
        }

    def call_url(self, url: str, call_id: str) -> str:
        url = with_token(url, self.credentials()[self.secret_key])
        return with_query(url, **{CALL_ID: call_id})

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        content: dict[str, Any] = {"event": word if field == "event" else "voice.call.ended"}
        content |= {"call_id": call_id, "timestamp": iso(NOW)}
        content |= {"status": word} if field == "status" else {}
        yield content | ({"duration": 300} if talked else {})

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        word = WORDS.get(status, status.value)
        return self.posted(call, event=f"call.{word}", status=word)

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        return self.posted(call, event="call.levitated", status="afloat")

    def posted(self, call: FarCall, **content: Any) -> Delivery:
        body = json.dumps({"call_id": call.id, "timestamp": iso(NOW), **content}).encode()
        return self.signed(body, url=call.webhook_url or "")

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        """The URL came with the order, and its secret too."""
        return Delivery({"Content-Type": "application/json"}, body, url)


STAGE = ThinnestAIStage
