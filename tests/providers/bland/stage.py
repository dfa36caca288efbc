"""Bland's far side, checked against a description written from its documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.bland.client import BlandProvider
from outdial.providers.adapters.bland.webhook import sign
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

KEY = "sk-bland-key"
SECRET = "bland-webhook-secret"
SPEC = OpenApi(Path(__file__).with_name("openapi.json"))
QUEUE = {
    CallStatus.QUEUED: "queued",
    CallStatus.IN_PROGRESS: "started",
    CallStatus.COMPLETED: "complete",
}
_ERRORS = {
    Fault.THROTTLE: (429, "Rate limit exceeded"),
    Fault.REJECT: (429, "This number is blacklisted."),
}


class BlandStage(Stage):
    provider_class: ClassVar[type[Provider]] = BlandProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (CallStatus.IN_PROGRESS, CallStatus.COMPLETED)
    endings: ClassVar[Endings] = {
        "status": {
            "completed": CallStatus.COMPLETED,
            "failed": FailureClass.UNAVAILABLE,
            "busy": CallStatus.BUSY,
            "no-answer": CallStatus.NO_ANSWER,
            "canceled": CallStatus.CANCELED,
            "unknown": FailureClass.UNKNOWN,
        },
        "queue_status": {
            "complete": CallStatus.COMPLETED,
            "completed": CallStatus.COMPLETED,
            "pre_queue_error": FailureClass.MISCONFIGURED,
            "queue_error": FailureClass.REJECTED,
            "call_error": FailureClass.UNAVAILABLE,
            "complete_error": CallStatus.COMPLETED,
        },
        "error_phrase": {
            "is not found": FailureClass.REJECTED,
            "temporarily unavailable": CallStatus.NO_ANSWER,
            "is busy": CallStatus.BUSY,
            "Spam or Number Reputation": FailureClass.BLOCKED,
        },
    }
    endless: ClassVar[frozenset[str]] = frozenset({"answered_by", "message"})

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, dict[str, Any]] = {}
        """More fields of a call object, by its id."""
        self.lists_metadata = True

    def credentials(self) -> dict[str, str]:
        return {"api_key": KEY, "webhook_secret": SECRET}

    def is_create(self, request: Request) -> bool:
        return request.method == "POST" and request.path == "/v1/calls"

    def check_create(self, request: Request) -> None:
        self._check(request)

    def create(self, request: Request) -> FarCall:
        self._check(request)
        body = request.json
        return FarCall(
            id=f"c1234567-89ab-cdef-0123-{len(self.calls):012x}",
            to=body["phone_number"],
            our_id=body["metadata"]["call_id"],
            webhook_url=body["webhook"],
            order=body,
        )

    def created(self, call: FarCall) -> Answer:
        content = {"status": "success", "message": "Call successfully queued.", "call_id": call.id}
        return SPEC.check_answer(self.requests[-1], json_answer(content | {"batch_id": None}))

    def refuse(self, fault: Fault) -> Answer:
        if fault is Fault.UNAUTHORIZED:
            error = {"error": "AUTH_FAILURE", "message": "Unauthorized"}
            return json_answer({"data": None, "errors": [error]}, 401)
        status, message = _ERRORS[fault]
        return json_answer({"status": "error", "message": message}, status)

    def answer(self, request: Request) -> Answer:
        self._check(request)
        if request.path == "/v1/me":
            content: dict[str, Any] = {"status": "active", "total_calls": len(self.calls)}
        elif request.path == "/v1/calls":
            content = self._listed(dict(request.query))
        else:
            call = self.calls.get(request.path.split("/")[3])
            if request.path.endswith("/stop"):
                content = self._stop(call)
            elif call is None:
                return json_answer({"status": "error", "message": "Call not found."}, 404)
            else:
                content = self.shown(call)
        return SPEC.check_answer(request, json_answer(content))

    def shown(self, call: FarCall) -> dict[str, Any]:
        shown = {
            "call_id": call.id,
            "to": call.to.removeprefix("+1"),
            "from": call.order.get("from", "+15551234567"),
            "created_at": NOW.isoformat(),
            "completed": call.status.terminal,
            "queue_status": QUEUE[call.status],
            "status": None,
            "answered_by": None,
            "error_message": None,
            "metadata": call.order["metadata"],
        }
        if CallStatus.IN_PROGRESS in call.history:
            shown["started_at"] = (NOW + timedelta(seconds=10)).isoformat()
        if call.status is CallStatus.COMPLETED:
            shown |= {"status": "completed", "answered_by": "human", "corrected_duration": "50"}
        return shown | self.facts.get(call.id, {})

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        call: dict[str, Any] = {"call_id": call_id, "status": "failed", "completed": True}
        if field == "status":
            call["status"] = word
        elif field == "queue_status":
            call |= {"status": None, "queue_status": word}
        else:
            call["error_message"] = f"The number {word}, sorry."
        yield call | (
            {"call_length": 5.0, "concatenated_transcript": "user: Yes."} if talked else {}
        )

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        return self.webhook(self.shown(call)) if status is CallStatus.COMPLETED else None

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        odd = {"queue_status": "levitating", "status": "levitated", "answered_by": "parrot"}
        return self.webhook(self.shown(call) | odd)

    def webhook(self, content: Any) -> Delivery:
        return self.signed(json.dumps(content).encode())

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        headers = {"content-type": "application/json", "X-Webhook-Signature": sign(SECRET, body)}
        return Delivery(headers, body, url)

    def _stop(self, call: FarCall | None) -> dict[str, Any]:
        if call is None or call.status.terminal:
            return {"status": "error", "message": "SID not found for the given c_id."}
        call.ended_by_api = True
        return {"status": "success", "message": "Call ended successfully."}

    def _listed(self, query: dict[str, str]) -> dict[str, Any]:
        calls = [self.shown(call) for call in self.calls.values()]
        made = [call for call in calls if call["created_at"] >= query["start_date"]]
        if not self.lists_metadata:
            made = [{k: v for k, v in call.items() if k != "metadata"} for call in made]
        shown = made[: int(query["limit"])]
        return {"total_count": len(made), "count": len(shown), "calls": shown}

    def _check(self, request: Request) -> None:
        SPEC.check_request(request)
        if request.headers.get("authorization") != KEY:
            raise NotAsPublished("the request carries no key")


STAGE = BlandStage
