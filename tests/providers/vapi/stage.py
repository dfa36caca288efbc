"""Vapi's far side, checked against its OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.vapi.client import VapiProvider
from outdial.providers.adapters.vapi.webhook import SECRET_HEADER
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
    iso,
)

KEY = "vapi-private-key"
SECRET = "vapi-webhook-secret"
PUBLIC_KEY = "vapi-public-key"
SPEC = OpenApi(Path(__file__).with_name("openapi.json"))
WORDS = {
    CallStatus.QUEUED: "queued",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "in-progress",
    CallStatus.COMPLETED: "ended",
}


_SIP = "call.in-progress.error-providerfault-outbound-sip"


class VapiStage(Stage):
    provider_class: ClassVar[type[Provider]] = VapiProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (
        CallStatus.RINGING,
        CallStatus.IN_PROGRESS,
        CallStatus.COMPLETED,
    )
    endings: ClassVar[Endings] = {
        "ended_reason": {
            "assistant-ended-call": CallStatus.COMPLETED,
            "customer-busy": CallStatus.BUSY,
            "customer-did-not-answer": CallStatus.NO_ANSWER,
            f"{_SIP}-403-forbidden": FailureClass.MISCONFIGURED,
            f"{_SIP}-503-service-unavailable": FailureClass.UNAVAILABLE,
            "twilio-reported-customer-misdialed": FailureClass.REJECTED,
            "manually-canceled": CallStatus.CANCELED,
            "call.start.error-subscription-concurrency-limit-reached": FailureClass.THROTTLED,
        },
    }
    endless: ClassVar[frozenset[str]] = frozenset({"message", "status"})
    rejects: ClassVar[bool] = False
    signs_body: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, dict[str, Any]] = {}
        """More fields of a call object, by its id."""

    control_is_locked = False
    """monitorPlan.controlAuthenticationEnabled."""

    def credentials(self) -> dict[str, str]:
        return {"api_key": KEY, "webhook_secret": SECRET}

    def options(self) -> dict[str, Any]:
        return {"phone_number_id": "0190b5c4-1111-7c3e-9d44-5f7d3c1e0009"}

    def is_create(self, request: Request) -> bool:
        return request.method == "POST" and request.path == "/call"

    def check_create(self, request: Request) -> None:
        self._check(request)
        body = request.json
        if not (body.get("assistantId") and body.get("phoneNumberId") and body.get("customer")):
            raise NotAsPublished("an assistant, a phone number and a customer must be given")

    def create(self, request: Request) -> FarCall:
        self.check_create(request)
        body = request.json
        return FarCall(
            id=f"0190b5c4-2222-7c3e-9d44-{len(self.calls):012x}",
            to=body["customer"]["number"],
            our_id=body["assistantOverrides"]["metadata"]["call_id"],
            webhook_url=body["assistantOverrides"]["server"]["url"],
            order=body,
        )

    def created(self, call: FarCall) -> Answer:
        return SPEC.check_answer(self.requests[-1], json_answer(self.shown(call), 201))

    def refuse(self, fault: Fault) -> Answer:
        if fault is Fault.THROTTLE:
            return json_answer({"error": "Over Concurrency Limit"}, 400)
        return json_answer({"message": "Invalid Key.", "error": "Unauthorized"}, 401)

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/control/"):
            return self._control(request)
        self._check(request)
        if request.path == "/call":
            return SPEC.check_answer(request, json_answer(self._listed(dict(request.query))))
        call = self.calls.get(request.path.rsplit("/", 1)[1])
        if call is None:
            return json_answer({"message": "Couldn't get call.", "statusCode": 404}, 404)
        return SPEC.check_answer(request, json_answer(self.shown(call)))

    def shown(self, call: FarCall) -> dict[str, Any]:
        order = {k: v for k, v in call.order.items() if k != "name"}
        answered = CallStatus.IN_PROGRESS in call.history
        shown = {
            "id": call.id,
            "orgId": "0190b5c4-3333-7c3e-9d44-5f7d3c1e0009",
            "type": "outboundPhoneCall",
            "createdAt": _iso(NOW),
            "updatedAt": _iso(NOW + timedelta(seconds=len(call.history))),
            "status": WORDS[call.status],
            "monitor": {"controlUrl": f"{self.base_url}/control/{call.id}"},
            **order,
        }
        if answered:
            shown["startedAt"] = _iso(NOW + timedelta(seconds=2))
        if call.status is CallStatus.COMPLETED:
            shown |= {"endedAt": _iso(NOW + timedelta(seconds=62)), **_ENDING}
        return shown | self.facts.get(call.id, {})

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        message: dict[str, Any] = {"type": "end-of-call-report", "call": {"id": call_id}}
        message |= {"endedReason": word, "timestamp": int(NOW.timestamp() * 1000)}
        message |= {"startedAt": iso(TALK_BEGAN), "endedAt": iso(NOW)} if talked else {}
        yield {"message": message}

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        return self.message(call, type="status-update", status=WORDS[status], **_reason(status))

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        reason = "call.start.error-levitation"
        return self.message(call, type="status-update", status="ended", endedReason=reason)

    def message(self, call: FarCall, **fields: Any) -> Delivery:
        message = {"timestamp": int(NOW.timestamp() * 1000), "call": self.shown(call), **fields}
        headers = {"content-type": "application/json"}
        headers |= call.order["assistantOverrides"]["server"].get("headers", {})
        return Delivery(headers, json.dumps({"message": message}).encode())

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        """As an assistant's server or an account's has it: the secret in a header."""
        return Delivery({"content-type": "application/json", SECRET_HEADER: SECRET}, body, url)

    def _control(self, request: Request) -> Answer:
        given = request.headers.get("authorization")
        if given not in (None, f"Bearer {PUBLIC_KEY}"):
            raise NotAsPublished("the private key is not for the control URL")
        if self.control_is_locked and given is None:
            return json_answer({"message": "Unauthorized"}, 401)
        call = self.calls[request.path.rsplit("/", 1)[1]]
        call.ended_by_api = request.json == {"type": "end-call"}
        return json_answer({})

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        calls = sorted(map(self.shown, self.calls.values()), key=lambda c: str(c["createdAt"]))
        fitting = (
            call
            for call in reversed(calls)
            if query.get("createdAtGe", "") <= call["createdAt"] < query.get("createdAtLt", "Z")
        )
        return list(fitting)[: int(query["limit"])]

    def _check(self, request: Request) -> None:
        SPEC.check_request(request)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise NotAsPublished("the request carries no private key")


def _reason(status: CallStatus) -> dict[str, str]:
    return {"endedReason": _ENDING["endedReason"]} if status is CallStatus.COMPLETED else {}


def _iso(instant: datetime) -> str:
    return instant.isoformat()


_ENDING = {"endedReason": "customer-ended-call"}

STAGE = VapiStage
