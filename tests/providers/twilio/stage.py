"""Twilio's far side, checked against its OpenAPI description."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.twilio.client import TwilioProvider
from outdial.providers.adapters.twilio.signature import sign
from outdial.providers.port import Provider
from outdial.providers.signing import CALL_ID, query_of, with_query
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

ACCOUNT = "AC" + "0a" * 16
TOKEN = "12345"
SPEC = OpenApi(Path(__file__).with_name("openapi.json"))
WORDS = {
    CallStatus.QUEUED: "queued",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "in-progress",
    CallStatus.COMPLETED: "completed",
    CallStatus.NO_ANSWER: "no-answer",
    CallStatus.BUSY: "busy",
    CallStatus.FAILED: "failed",
    CallStatus.CANCELED: "canceled",
}
_ERRORS = {
    Fault.THROTTLE: (429, 20429),
    Fault.REJECT: (400, 21211),
    Fault.UNAUTHORIZED: (401, 20003),
}


class TwilioStage(Stage):
    provider_class: ClassVar[type[Provider]] = TwilioProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (
        CallStatus.RINGING,
        CallStatus.IN_PROGRESS,
        CallStatus.COMPLETED,
    )
    endings: ClassVar[Endings] = {
        "call_status": {
            "completed": CallStatus.COMPLETED,
            "busy": CallStatus.BUSY,
            "no-answer": CallStatus.NO_ANSWER,
            "failed": FailureClass.REJECTED,
            "canceled": CallStatus.CANCELED,
        },
        "sip_code": {
            "404": FailureClass.REJECTED,
            "403": FailureClass.MISCONFIGURED,
            "600": CallStatus.BUSY,
            "607": FailureClass.REFUSED,
            "480": FailureClass.UNAVAILABLE,
        },
        "error_code": {
            "13224": FailureClass.REJECTED,
            "20003": FailureClass.MISCONFIGURED,
            "10004": FailureClass.THROTTLED,
        },
    }
    endless: ClassVar[frozenset[str]] = frozenset({"answered_by"})
    agent: ClassVar[str] = "https://agents.example.com/reminder.xml"
    key: ClassVar[str] = "account_sid"
    secret_key: ClassVar[str] = "auth_token"
    unknown_id: ClassVar[str] = "CA" + "ff" * 16

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, dict[str, str]] = {}
        """More fields of a call resource, by its sid."""

    def credentials(self) -> dict[str, str]:
        return {"account_sid": ACCOUNT, "auth_token": TOKEN}

    def is_create(self, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/Calls.json")

    def check_create(self, request: Request) -> None:
        self._check(request)
        form = dict(request.form)
        if not ("Url" in form or "Twiml" in form):
            raise NotAsPublished("one of Url, Twiml and ApplicationSid must be given")

    def create(self, request: Request) -> FarCall:
        self.check_create(request)
        form = dict(request.form)
        callback = form["StatusCallback"]
        return FarCall(
            id=f"CA{len(self.calls):032x}",
            to=form["To"],
            our_id=query_of(callback, "call_id") or None,
            webhook_url=callback,
            order=form,
        )

    def created(self, call: FarCall) -> Answer:
        return SPEC.check_answer(self.requests[-1], json_answer(self.shown(call), 201))

    def refuse(self, fault: Fault) -> Answer:
        status, code = _ERRORS[fault]
        info = f"https://www.twilio.com/docs/errors/{code}"
        content = {"code": code, "message": "No.", "more_info": info, "status": status}
        return json_answer(content, status)

    def answer(self, request: Request) -> Answer:
        self._check(request)
        if request.path.endswith("/Calls.json"):
            return SPEC.check_answer(request, json_answer(self._listed(dict(request.query))))
        call = self.calls.get(request.path.rsplit("/", 1)[1].removesuffix(".json"))
        if call is None:
            return json_answer({"code": 20404, "message": "Not found.", "status": 404}, 404)
        if request.method == "POST":
            if call.status.terminal:
                return json_answer({"code": 21220, "message": "Over.", "status": 400}, 400)
            call.ended_by_api = dict(request.form) == {"Status": "completed"}
        return SPEC.check_answer(request, json_answer(self.shown(call)))

    def shown(self, call: FarCall) -> dict[str, Any]:
        over = call.status.terminal
        return {
            "sid": call.id,
            "account_sid": ACCOUNT,
            "to": call.to,
            "from": call.order["From"],
            "status": WORDS[call.status],
            "direction": "outbound-api",
            "date_created": format_datetime(NOW),
            "date_updated": format_datetime(NOW + timedelta(seconds=len(call.history))),
            "start_time": format_datetime(NOW) if call.history else None,
            "end_time": format_datetime(NOW + timedelta(seconds=60)) if over else None,
            "duration": "55" if over else None,
            "price": None,
            **self.facts.get(call.id, {}),
        }

    def call_url(self, url: str, call_id: str) -> str:
        return with_query(url, **{CALL_ID: call_id})

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        form = {"CallSid": call_id, "CallStatus": word if field == "call_status" else "failed"}
        if field == "sip_code":
            form["SipResponseCode"] = word
        if field == "error_code":
            form["ErrorCode"] = word
        if talked:
            yield urlencode(form | {"CallStatus": "in-progress"}).encode()
            form["CallDuration"] = "300"
        yield urlencode(form).encode()

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        return self.callback(call, CallStatus=WORDS[status])

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        return self.callback(call, CallStatus="levitating", AnsweredBy="parrot")

    def callback(self, call: FarCall, **fields: str) -> Delivery:
        form = {
            "CallSid": call.id,
            "AccountSid": ACCOUNT,
            "From": call.order["From"],
            "To": call.to,
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
            "Timestamp": format_datetime(NOW),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": "0",
            **fields,
        }
        return self.signed(urlencode(form).encode(), url=call.webhook_url or "")

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        form = parse_qsl(body.decode(), keep_blank_values=True)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": sign(TOKEN, url, form),
        }
        return Delivery(headers, body, url)

    def _listed(self, query: dict[str, str]) -> dict[str, Any]:
        fitting = [self.shown(call) for call in self.calls.values() if call.to == query.get("To")]
        return {"calls": fitting[::-1], "page": 0, "page_size": int(query["PageSize"])}

    def _check(self, request: Request) -> None:
        SPEC.check_request(request)
        basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            raise NotAsPublished("the request carries no account and token")


STAGE = TwilioStage
