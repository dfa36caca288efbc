"""Retell's far side, checked against its OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.retell.client import RetellProvider
from outdial.providers.adapters.retell.webhook import TOLERANCE, sign
from outdial.providers.port import Provider
from tests.providers.contract.openapi import NotAsPublished, OpenApi
from tests.providers.contract.server import Answer, Request, json_answer
from tests.providers.contract.stage import (
    HOOK,
    NOW,
    TALK_BEGAN,
    Delivery,
    Endings,
    FarCall,
    Fault,
    Stage,
)

KEY = "retell-key"
SPEC = OpenApi(Path(__file__).with_name("openapi.json"))
WORDS = {
    CallStatus.QUEUED: "registered",
    CallStatus.IN_PROGRESS: "ongoing",
    CallStatus.COMPLETED: "ended",
}
_EVENTS = {CallStatus.IN_PROGRESS: "call_started", CallStatus.COMPLETED: "call_ended"}


class RetellStage(Stage):
    provider_class: ClassVar[type[Provider]] = RetellProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (CallStatus.IN_PROGRESS, CallStatus.COMPLETED)
    endings: ClassVar[Endings] = {
        "call_status": {
            "ended": CallStatus.COMPLETED,
            "not_connected": FailureClass.UNAVAILABLE,
            "error": FailureClass.UNAVAILABLE,
        },
        "disconnection_reason": {
            "user_hangup": CallStatus.COMPLETED,
            "dial_busy": CallStatus.BUSY,
            "dial_no_answer": CallStatus.NO_ANSWER,
            "dial_failed": FailureClass.UNAVAILABLE,
            "invalid_destination": FailureClass.REJECTED,
            "telephony_provider_permission_denied": FailureClass.MISCONFIGURED,
            "marked_as_spam": FailureClass.BLOCKED,
            "concurrency_limit_reached": FailureClass.THROTTLED,
            "manual_stopped": CallStatus.CANCELED,
        },
    }
    rejects: ClassVar[bool] = False
    replay_window: ClassVar[timedelta | None] = TOLERANCE
    secret_key: ClassVar[str] = "api_key"

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, dict[str, Any]] = {}
        """More fields of a call object, by its id."""

    def credentials(self) -> dict[str, str]:
        return {"api_key": KEY}

    def is_create(self, request: Request) -> bool:
        return request.path == "/v2/create-phone-call"

    def check_create(self, request: Request) -> None:
        self._check(request)

    def create(self, request: Request) -> FarCall:
        self._check(request)
        body = request.json
        return FarCall(
            id=f"call_{len(self.calls):027x}",
            to=body["to_number"],
            our_id=body["metadata"]["call_id"],
            webhook_url=body["agent_override"]["agent"]["webhook_url"],
            order=body,
        )

    def created(self, call: FarCall) -> Answer:
        return SPEC.check_answer(self.requests[-1], json_answer(self.shown(call), 201))

    def refuse(self, fault: Fault) -> Answer:
        if fault is Fault.THROTTLE:
            return _error(429, "Account rate limited, please throttle your requests.")
        return _error(401, "API key is missing or invalid.")

    def answer(self, request: Request) -> Answer:
        self._check(request)
        if request.path == "/get-concurrency":
            content: Any = {"current_concurrency": 3, "concurrency_limit": 20}
        elif request.path == "/v3/list-calls":
            content = self._listed(request.json)
        else:
            call = self.calls.get(request.path.rsplit("/", 1)[1])
            if call is None:
                return _error(422, "Cannot find requested asset under given api key.")
            if request.method == "POST":
                return self._stop(call)
            content = self.shown(call)
        return SPEC.check_answer(request, json_answer(content))

    def shown(self, call: FarCall) -> dict[str, Any]:
        start = int(NOW.timestamp() * 1000)
        shown = {
            "call_id": call.id,
            "call_type": "phone_call",
            "agent_id": call.order["override_agent_id"],
            "agent_version": 1,
            "call_status": WORDS[call.status],
            "from_number": call.order["from_number"],
            "to_number": call.to,
            "direction": "outbound",
            "metadata": call.order["metadata"],
        }
        if CallStatus.IN_PROGRESS in call.history:
            shown["start_timestamp"] = start
        if call.status is CallStatus.COMPLETED:
            ending = {"end_timestamp": start + 60_000, "duration_ms": 60_000}
            shown |= {**ending, "disconnection_reason": "user_hangup"}
        return shown | self.facts.get(call.id, {})

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        call = {"call_id": call_id, "call_status": "ended" if talked else "not_connected"}
        call |= {field: word} if field == "call_status" else {"disconnection_reason": word}
        if talked:
            begin, end = (int(at.timestamp() * 1000) for at in (TALK_BEGAN, NOW))
            call |= {"start_timestamp": begin, "end_timestamp": end, "duration_ms": end - begin}  # type: ignore[dict-item]
        yield {"event": "call_ended", "call": call}

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        at_the_time = self.shown(call) | {"call_status": WORDS[status]}
        return self.webhook(_EVENTS[status], at_the_time, sent_at=sent_at)

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        odd = {"call_status": "levitating", "disconnection_reason": "flew_away"}
        return self.webhook("call_ended", self.shown(call) | odd)

    def webhook(self, event: str, call: Any, *, sent_at: datetime = NOW) -> Delivery:
        body = json.dumps({"event": event, "call": call}).encode()
        return self.signed(body, sent_at=sent_at)

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        signature = sign(KEY, body, int(sent_at.timestamp() * 1000))
        headers = {"content-type": "application/json", "x-retell-signature": signature}
        return Delivery(headers, body, url)

    def _stop(self, call: FarCall) -> Answer:
        if call.status.terminal:
            return _error(400, "Call has already ended.")
        call.ended_by_api = True
        return Answer(204)

    def _listed(self, body: dict[str, Any]) -> dict[str, Any]:
        (criterion,) = body["filter_criteria"]["metadata"]
        calls = map(self.shown, self.calls.values())
        fitting = [
            call for call in calls if call["metadata"][criterion["key"]] == criterion["value"]
        ]
        return {"items": fitting[: body["limit"]], "has_more": False}

    def _check(self, request: Request) -> None:
        SPEC.check_request(request)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise NotAsPublished("the request carries no key")


def _error(status: int, message: str) -> Answer:
    return json_answer({"status": "error", "message": message}, status)


STAGE = RetellStage
