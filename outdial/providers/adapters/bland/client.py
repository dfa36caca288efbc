"""The adapter to Bland AI."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.status import FailureClass
from outdial.providers.adapters.bland import webhook
from outdial.providers.adapters.bland.webhook import BlandWebhooks, failure_of
from outdial.providers.carried import Carried, Span
from outdial.providers.credentials import required_credential
from outdial.providers.errors import Unavailable, Unsendable
from outdial.providers.http.answers import (
    content_of,
    json_of,
    placement_error,
    request_error,
    unreadable,
)
from outdial.providers.http.exchange import HeaderAuth
from outdial.providers.http.provider import HttpProvider
from outdial.providers.port import Capabilities, LineConfig, Placed, WebhookReader
from outdial.providers.reports.clock import Clock, system_clock
from outdial.providers.reports.payload import list_at, number_at, text_at

_LISTED = 1000
_CLOCKS_DIFFER = timedelta(seconds=10)
_NO_SUCH_CALL = "SID not found for the given c_id."
"""docs.bland.ai/api-v1/post/calls-id-stop: only the text of the answer shows it."""
_SAME_DIGITS = 10
"""Lists show numbers with and without their country."""
_SPEAKERS = ("task", "pathway_id", "persona_id")


class BlandProvider(HttpProvider):
    """A Bland account.

    Credentials: `api_key` (docs.bland.ai, header authorization), `webhook_secret` as made under
    Account Settings, Keys (docs.bland.ai/tutorials/webhook-signing): until then nothing is signed
    and every webhook is refused.

    The agent is the id of a pathway, or any name with `task` or `persona_id` in its settings; the
    other settings are fields of docs.bland.ai/api-v1/post/calls. `retry` is not for us: Bland
    would call people again by itself. No options.

    Bland decides itself how long it lets a phone ring, and counts the longest call in minutes.
    """

    default_url: ClassVar[str] = "https://api.bland.ai"
    name: ClassVar[str] = "bland"
    reader: ClassVar[type[WebhookReader]] = BlandWebhooks
    speech_settings: ClassVar[frozenset[str]] = frozenset(
        {
            "background_track",
            "block_interruptions",
            "dispositions",
            "first_sentence",
            "ignore_button_press",
            "interruption_threshold",
            "keywords",
            "language",
            "model",
            "noise_cancellation",
            "persona_id",
            "pronunciation_guide",
            "request_data",
            "summary_prompt",
            "task",
            "temperature",
            "voice",
            "wait_for_greeting",
        }
    )
    free_form_settings: ClassVar[frozenset[str]] = frozenset({"request_data"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=False,
        sends_webhooks=True,
        sends_analysis=True,
        bounds_duration=True,
        idempotent_create=False,
        listing_lag=timedelta(seconds=60),
        echo="metadata.call_id",
        concurrent_calls=10,
    )
    carried: ClassVar[Carried] = Carried(
        where="Bland",
        ring_timeout=None,
        max_duration=Span(least=timedelta(minutes=1), whole=timedelta(minutes=1)),
        reserved={
            "phone_number": "the recipient",
            "from": "caller_ids",
            "request_data": "variables",
            "max_duration": "max_duration of the campaign",
            "record": "recording of the campaign",
            "metadata": "us alone, to know the call by",
            "webhook": "us alone, to hear of the call",
            "retry": "retry of the campaign: Bland would call again by itself",
            "start_time": "schedule of the campaign",
        },
    )

    def __init__(self, line: LineConfig, *, clock: Clock = system_clock) -> None:
        auth = HeaderAuth("authorization", required_credential(line, "api_key"))
        super().__init__(line, auth=auth, clock=clock)

    async def place(self, request: PlaceRequest) -> Placed:
        response = await self._http.create("POST", "/v1/calls", json=self._order(request))
        content = json_of(response)
        number, word = text_at(content, "call_id"), text_at(content, "status")
        if response.is_success and word == "success" and number is not None:
            return Placed(provider_call_id=number)
        # Whatever a 5xx says, the call may have been made.
        failure = None if response.is_server_error else failure_of(content)
        if response.is_success and word == "error" and number is None:
            failure = failure or FailureClass.MISCONFIGURED
        raise placement_error(response, self.line.name, failure=failure)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        call = await self._call(provider_call_id)
        return None if call is None else self._snapshot(call)

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        begin = (since - _CLOCKS_DIFFER).isoformat()
        query = {"start_date": begin, "inbound": "false", "limit": str(_LISTED)}
        response = await self._http.ask("GET", "/v1/calls", params=query)
        content = content_of(response, self.line.name)
        listed = list_at(content, "calls")
        for call in listed:
            if text_at(call, "metadata", "call_id") == call_id:
                return self._snapshot(call)
        for call in listed:
            ours = await self._ours(call, call_id, to)
            if ours is not None:
                return self._snapshot(ours)
        if (number_at(content, "total_count") or 0) > len(listed):
            raise Unavailable(
                f"line {self.line.name}: too many calls to find one among them", code="listing"
            )
        return None

    async def end(self, provider_call_id: str) -> None:
        response = await self._http.ask("POST", f"{_path(provider_call_id)}/stop")
        content = json_of(response)
        if response.status_code == httpx.codes.NOT_FOUND:
            return
        if text_at(content, "message") == _NO_SUCH_CALL:
            return
        if not response.is_success or text_at(content, "status") == "error":
            raise request_error(response, self.line.name)

    async def check(self) -> str:
        account = content_of(await self._http.ask("GET", "/v1/me"), self.line.name)
        state = text_at(account, "status") or "unknown"
        return f"Bland at {self._http.base_url}: key accepted, account {state}"

    async def _call(self, number: str) -> dict[str, Any] | None:
        response = await self._http.ask("GET", _path(number))
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return content_of(response, self.line.name)

    async def _ours(self, listed: Any, call_id: str, to: str) -> dict[str, Any] | None:
        """The call in full if it is ours: lists may leave the metadata out."""
        number = text_at(listed, "call_id")
        dialed = "".join(filter(str.isdigit, text_at(listed, "to") or ""))
        alike = dialed[-_SAME_DIGITS:] == to[-_SAME_DIGITS:]
        if number is None or not alike or text_at(listed, "metadata", "call_id") is not None:
            return None
        call = await self._call(number)
        return call if text_at(call, "metadata", "call_id") == call_id else None

    def _order(self, request: PlaceRequest) -> dict[str, Any]:
        settings = request.agent_settings
        if "retry" in settings:
            raise Unsendable(
                f"line {self.line.name}: the agent's settings have retry, with which Bland calls "
                "again by itself; leave it out",
                code="retry",
            )
        order: dict[str, Any] = {
            **settings,
            "phone_number": request.to,
            "request_data": request.variables,
            "metadata": {"call_id": request.call_id, "attempt": request.attempt},
            "max_duration": max(1, request.max_duration // timedelta(minutes=1)),
            "record": bool(request.recording),
            "webhook": request.webhook_url,
        }
        if request.caller_id is not None:
            order["from"] = request.caller_id
        if not any(speaker in settings for speaker in _SPEAKERS):
            order["pathway_id"] = request.agent
        return order

    def _snapshot(self, call: Mapping[str, Any]) -> CallSnapshot:
        events = tuple(webhook.read_call(call, self._clock()))
        if not events:
            raise unreadable(self.line.name)
        return CallSnapshot(provider_call_id=events[0].provider_call_id or "", events=events)


def _path(number: str) -> str:
    return f"/v1/calls/{quote(number, safe='')}"
