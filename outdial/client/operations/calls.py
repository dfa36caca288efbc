"""Operations of the API: calls. Written by `make openapi`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from outdial.client.models.calls import (
    Call,
    CallDetails,
    CallPage,
    CallRecording,
    CallTranscript,
    NewCall,
)
from outdial.client.models.shared import CallStatus
from outdial.client.request import Request
from outdial.client.sending import Sender


class Calls(Sender):
    """Single calls, and the calls of campaigns."""

    def create_call(
        self,
        body: NewCall,
        *,
        idempotency_key: str | None = None,
    ) -> Call:
        """Request a call. It is stored and placed when its time has come, within every limit and
        rule; poll it, or receive webhooks. 404: there is no such contact."""
        request = Request(
            "POST",
            "/calls",
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return self._send(request, 202, Call)

    def list_calls(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Sequence[CallStatus] | None = None,
        to: str | None = None,
        agent: str | None = None,
        campaign: str | None = None,
        contact_id: str | None = None,
        created_from: datetime | None = None,
        created_before: datetime | None = None,
    ) -> CallPage:
        """All calls, those of campaigns included, newest first."""
        request = Request(
            "GET",
            "/calls",
            query={
                "limit": limit,
                "cursor": cursor,
                "status": status,
                "to": to,
                "agent": agent,
                "campaign": campaign,
                "contact_id": contact_id,
                "created_from": created_from,
                "created_before": created_before,
            },
        )
        return self._send(request, 200, CallPage)

    def get_call(
        self,
        call_id: str,
    ) -> CallDetails:
        """A call with its attempts and events. A requested call keeps its id over all attempts."""
        request = Request(
            "GET",
            "/calls/{call_id}",
            parameters={"call_id": call_id},
        )
        return self._send(request, 200, CallDetails)

    def get_call_transcript(
        self,
        call_id: str,
    ) -> CallTranscript:
        """The transcript of the latest attempt; 404 while there is none."""
        request = Request(
            "GET",
            "/calls/{call_id}/transcript",
            parameters={"call_id": call_id},
        )
        return self._send(request, 200, CallTranscript)

    def get_call_recording(
        self,
        call_id: str,
    ) -> CallRecording:
        """The URL of the latest attempt's recording; 404 while there is none."""
        request = Request(
            "GET",
            "/calls/{call_id}/recording",
            parameters={"call_id": call_id},
        )
        return self._send(request, 200, CallRecording)

    def end_call(
        self,
        call_id: str,
    ) -> Call:
        """Hang up, or cancel a call that has not been placed. A call that has ended is not
        changed."""
        request = Request(
            "POST",
            "/calls/{call_id}/end",
            parameters={"call_id": call_id},
        )
        return self._send(request, 200, Call)
