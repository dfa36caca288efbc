"""ElevenLabs' far side, checked against its OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.elevenlabs.client import ElevenLabsProvider
from outdial.providers.adapters.elevenlabs.webhook import TOLERANCE, sign
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

KEY = "sk_eleven"
SECRET = "wsec_0123456789"
SPEC = OpenApi(Path(__file__).with_name("openapi.json"))
WORDS = {
    CallStatus.QUEUED: "initiated",
    CallStatus.RINGING: "initiated",
    CallStatus.IN_PROGRESS: "in-progress",
    CallStatus.COMPLETED: "done",
}


class ElevenLabsStage(Stage):
    provider_class: ClassVar[type[Provider]] = ElevenLabsProvider
    steps: ClassVar[tuple[CallStatus, ...]] = (
        CallStatus.RINGING,
        CallStatus.IN_PROGRESS,
        CallStatus.COMPLETED,
    )
    endings: ClassVar[Endings] = {
        "conversation_status": {
            "initiated": CallStatus.COMPLETED,
            "in-progress": CallStatus.COMPLETED,
            "processing": CallStatus.COMPLETED,
            "done": CallStatus.COMPLETED,
            "failed": FailureClass.UNAVAILABLE,
        },
        "call_result": {
            "answered": CallStatus.COMPLETED,
            "voicemail": CallStatus.COMPLETED,
            "busy": CallStatus.BUSY,
            "no_answer": CallStatus.NO_ANSWER,
            "failed": FailureClass.UNAVAILABLE,
        },
        "failure_reason": {
            "busy": CallStatus.BUSY,
            "no-answer": CallStatus.NO_ANSWER,
            "unknown": FailureClass.UNKNOWN,
        },
        "leg_status": {
            "busy": CallStatus.BUSY,
            "no-answer": CallStatus.NO_ANSWER,
            "canceled": CallStatus.CANCELED,
            "failed": FailureClass.UNAVAILABLE,
        },
        "leg_sip_code": {
            "404": FailureClass.REJECTED,
            "410": FailureClass.REJECTED,
            "484": FailureClass.REJECTED,
            "604": FailureClass.REJECTED,
        },
    }
    endless: ClassVar[frozenset[str]] = frozenset({"answered_by", "error_code"})
    unanswerable: ClassVar[frozenset[str]] = frozenset(
        {"failure_reason", "leg_sip_code", "leg_status"}
    )
    rejects: ClassVar[bool] = False
    replay_window: ClassVar[timedelta | None] = TOLERANCE

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, dict[str, Any]] = {}
        """More fields of a conversation, by its id."""

    def credentials(self) -> dict[str, str]:
        return {"api_key": KEY, "webhook_secret": SECRET}

    def options(self) -> dict[str, Any]:
        return {"phone_number_id": "phnum_1"}

    def is_create(self, request: Request) -> bool:
        return request.path.endswith("/outbound-call")

    def check_create(self, request: Request) -> None:
        self._check(request)

    def create(self, request: Request) -> FarCall:
        self._check(request)
        body = request.json
        return FarCall(
            id=f"conv_{len(self.calls):026x}",
            to=body["to_number"],
            our_id=body["conversation_initiation_client_data"]["user_id"],
            order=body,
        )

    def created(self, call: FarCall) -> Answer:
        content = {"success": True, "message": "Success", "conversation_id": call.id}
        leg = "sip_call_id" if "sip" in self.requests[-1].path else "callSid"
        return SPEC.check_answer(self.requests[-1], json_answer(content | {leg: "CA1"}))

    def refuse(self, fault: Fault) -> Answer:
        if fault is Fault.THROTTLE:
            return _error(429, "concurrent_limit_exceeded")
        return json_answer({"detail": {"status": "invalid_api_key", "message": "No."}}, 401)

    def answer(self, request: Request) -> Answer:
        self._check(request)
        if request.path == "/v1/convai/conversations":
            return SPEC.check_answer(request, json_answer(self._listed(dict(request.query))))
        call = self.calls.get(request.path.rsplit("/", 1)[1])
        if call is None:
            return _error(404, "document_not_found")
        return SPEC.check_answer(request, json_answer(self.shown(call)))

    def shown(self, call: FarCall) -> dict[str, Any]:
        start = int(NOW.timestamp())
        over = call.status.terminal
        client_data = call.order["conversation_initiation_client_data"]
        shown = {
            "agent_id": call.order["agent_id"],
            "conversation_id": call.id,
            "status": WORDS[call.status],
            "user_id": client_data["user_id"],
            "metadata": {
                "start_time_unix_secs": start,
                "accepted_time_unix_secs": start + 5
                if CallStatus.IN_PROGRESS in call.history
                else None,
                "call_duration_secs": 60 if over else 0,
                "cost_fiat": 0.08 if over else None,
            },
            "analysis": None,
            "conversation_initiation_client_data": client_data,
            "has_audio": over,
            "has_user_audio": over,
            "has_response_audio": over,
            "has_auxiliary_audio": False,
            "transcript": [],
        }
        return shown | self.facts.get(call.id, {})

    def ending_reports(self, call_id: str, field: str, word: str, *, talked: bool) -> Iterator[Any]:
        data: dict[str, Any] = {"conversation_id": call_id, "status": "failed", "metadata": {}}
        kind = "post_call_transcription"
        if field in ("failure_reason", "leg_status", "leg_sip_code"):
            kind, data["failure_reason"] = "call_initiation_failure", word
            if field != "failure_reason":
                leg = {"CallStatus": word if field == "leg_status" else "failed"}
                leg |= {"SipResponseCode": word} if field == "leg_sip_code" else {}
                data |= {"failure_reason": "unknown", "metadata": {"body": leg}}
        elif field == "call_result":
            data["metadata"] = {"phone_call": {"call_result": word}}
        else:
            data["status"] = word
        if talked:
            begin = int(TALK_BEGAN.timestamp())
            data["metadata"] |= {
                "start_time_unix_secs": begin,
                "accepted_time_unix_secs": begin,
                "call_duration_secs": 300,
            }
        yield {"type": kind, "event_timestamp": int(NOW.timestamp()), "data": data}

    def deliver(
        self, call: FarCall, status: CallStatus, *, sent_at: datetime = NOW
    ) -> Delivery | None:
        if status is not CallStatus.COMPLETED:
            return None
        return self.webhook("post_call_transcription", self.shown(call), sent_at=sent_at)

    def deliver_unheard_of(self, call: FarCall) -> Delivery | None:
        odd = {"failure_reason": "levitated", "metadata": {"type": "pigeon", "body": []}}
        return self.webhook("call_initiation_failure", {"conversation_id": call.id, **odd})

    def webhook(self, kind: str, data: Any, *, sent_at: datetime = NOW) -> Delivery:
        content = {"type": kind, "event_timestamp": int(NOW.timestamp()), "data": data}
        return self.signed(json.dumps(content).encode(), sent_at=sent_at)

    def signed(self, body: bytes, *, url: str = HOOK, sent_at: datetime = NOW) -> Delivery:
        signature = sign(SECRET, body, int(sent_at.timestamp()))
        headers = {"content-type": "application/json", "ElevenLabs-Signature": signature}
        return Delivery(headers, body, url)

    def _listed(self, query: dict[str, str]) -> dict[str, Any]:
        user_id = query.get("user_id")
        calls = [self.shown(c) for c in self.calls.values() if user_id in (None, c.our_id)]
        summaries = [
            {
                "agent_id": call["agent_id"],
                "conversation_id": call["conversation_id"],
                "start_time_unix_secs": call["metadata"]["start_time_unix_secs"],
                "call_duration_secs": call["metadata"]["call_duration_secs"],
                "message_count": 0,
                "status": call["status"],
                "call_successful": "unknown",
            }
            for call in calls
        ]
        return {"conversations": summaries[: int(query["page_size"])], "has_more": False}

    def _check(self, request: Request) -> None:
        SPEC.check_request(request)
        if request.headers.get("xi-api-key") != KEY:
            raise NotAsPublished("the request carries no key")


def _error(status: int, code: str) -> Answer:
    return json_answer({"detail": {"type": "error", "code": code, "message": "No."}}, status)


STAGE = ElevenLabsStage
