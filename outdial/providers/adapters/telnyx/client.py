"""The adapter to Telnyx Call Control."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.telnyx import webhook
from outdial.providers.adapters.telnyx.webhook import TelnyxWebhooks, failure_of
from outdial.providers.carried import Carried, Span
from outdial.providers.credentials import required_option
from outdial.providers.errors import Unavailable
from outdial.providers.http.answers import content_of, json_of, placement_error, request_error
from outdial.providers.http.provider import HttpProvider
from outdial.providers.orders import required_caller_id
from outdial.providers.port import Capabilities, LineConfig, Placed, WebhookReader
from outdial.providers.reports.listed_calls import NEVER_PROVEN
from outdial.providers.reports.payload import list_at, number_at, object_at, text_at, value_at

_OVER = frozenset({"90018", "90015"})
"""The call has ended; the id is of no call (any more)."""
_RING = (timedelta(seconds=5), timedelta(minutes=10))
_TALK = (timedelta(seconds=30), timedelta(hours=4))
_PAGES = 20
_PAGE = 250


class TelnyxProvider(HttpProvider):
    """A Call Control application of a Telnyx account.

    Credentials: `api_key` (developers.telnyx.com/docs/development/api-guide/authentication),
    `public_key` of the account, in base64, to check webhooks with.
    Options: `connection_id` of the application, which needs a webhook URL of its own too.

    The agent is the id of an AI assistant; its settings are fields of a dial, such as
    `answering_machine_detection` (developers.telnyx.com/api-reference/call-commands/dial).

    A call that is over is known for ten minutes, and not why it ended: that is in webhooks alone.
    """

    default_url: ClassVar[str] = "https://api.telnyx.com/v2"
    name: ClassVar[str] = "telnyx"
    reader: ClassVar[type[WebhookReader]] = TelnyxWebhooks
    speech_settings: ClassVar[frozenset[str]] = frozenset(
        {
            "answering_machine_detection",
            "answering_machine_detection_config",
            "language",
            "voice",
        }
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=False,
        sends_webhooks=True,
        sends_analysis=False,
        bounds_duration=True,
        idempotent_create=True,
        # Only calls that go on are listed, so one that is not may be over.
        listing_lag=NEVER_PROVEN,
        idempotency_window=timedelta(seconds=60),
        echo="data.payload.client_state",
        calls_per_second=30.0,
        concurrent_calls=2,
    )
    carried: ClassVar[Carried] = Carried(
        where="the assistant at Telnyx (recording_settings of its telephony settings)",
        recording_off=False,
        ring_timeout=Span(least=_RING[0], most=_RING[1]),
        max_duration=Span(least=_TALK[0], most=_TALK[1]),
        reserved={
            "to": "the recipient",
            "from": "caller_ids",
            "connection_id": "the line's connection_id",
            "timeout_secs": "ring_timeout of the campaign",
            "time_limit_secs": "max_duration of the campaign",
            "record": "recording of the campaign",
            "assistant.id": "agent of the campaign",
            "assistant.dynamic_variables": "variables",
            "retry_on_timeout": "us alone: other routes would ring for longer than ring_timeout",
            "client_state": "us alone, to know the call by",
            "command_id": "us alone, to know the call by",
            "webhook_url": "us alone, to hear of the call",
            "webhook_url_method": "us alone, to hear of the call",
        },
    )

    def __init__(self, line: LineConfig) -> None:
        super().__init__(line)
        self._connection_id = required_option(line, "connection_id")

    async def place(self, request: PlaceRequest) -> Placed:
        response = await self._http.create("POST", "/calls", json=self._order(request))
        number = text_at(json_of(response), "data", "call_control_id")
        if response.is_success and number is not None:
            return Placed(provider_call_id=number)
        code, pointer = _error_in(response)
        failure = failure_of(response.status_code, code, pointer)
        raise placement_error(response, self.line.name, code=code, failure=failure)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        response = await self._http.ask("GET", _path(provider_call_id))
        if response.status_code == httpx.codes.NOT_FOUND or _error_in(response)[0] in _OVER:
            return None
        call = object_at(self._content(response), "data")
        return CallSnapshot(
            provider_call_id=provider_call_id, events=tuple(webhook.read_call(call))
        )

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        query = {"page[number]": "1", "page[size]": str(_PAGE)}
        for number in range(1, _PAGES + 1):
            content = await self._active_calls(query)
            for call in list_at(content, "data"):
                provider_call_id = text_at(call, "call_control_id")
                if (
                    provider_call_id
                    and webhook.call_id_in(text_at(call, "client_state")) == call_id
                ):
                    return CallSnapshot(provider_call_id=provider_call_id)
            following = _next_page(object_at(content, "meta"), number)
            if following is None:
                return None
            query |= following
        raise Unavailable(
            f"line {self.line.name}: too many calls to find one among them", code="listing"
        )

    async def end(self, provider_call_id: str) -> None:
        response = await self._http.ask(
            "POST", f"{_path(provider_call_id)}/actions/hangup", json={}
        )
        if response.status_code != httpx.codes.NOT_FOUND and _error_in(response)[0] not in _OVER:
            self._content(response)

    async def check(self) -> str:
        await self._active_calls({"page[number]": "1", "page[size]": "1"})
        return f"Telnyx at {self._http.base_url}: key and connection accepted"

    async def _active_calls(self, query: Mapping[str, str]) -> dict[str, Any]:
        path = f"/connections/{quote(self._connection_id, safe='')}/active_calls"
        return self._content(await self._http.ask("GET", path, params=query))

    def _content(self, response: httpx.Response) -> dict[str, Any]:
        if not response.is_success:
            code, pointer = _error_in(response)
            failure = failure_of(response.status_code, code, pointer)
            raise request_error(response, self.line.name, code=code, failure=failure)
        return content_of(response, self.line.name)

    def _order(self, request: PlaceRequest) -> dict[str, Any]:
        settings = request.agent_settings
        order: dict[str, Any] = {
            **settings,
            "connection_id": self._connection_id,
            "to": request.to,
            "from": required_caller_id(self.line, request, "Telnyx"),
            "assistant": {
                **object_at(settings, "assistant"),
                "id": request.agent,
                "dynamic_variables": request.variables,
            },
            "timeout_secs": _seconds(request.ring_timeout, *_RING),
            "time_limit_secs": _seconds(request.max_duration, *_TALK),
            # Other routes would be tried after the time we let it ring.
            "retry_on_timeout": False,
            "client_state": webhook.client_state(request.call_id),
            "command_id": request.call_id,
            "webhook_url": request.webhook_url,
            "webhook_url_method": "POST",
        }
        if request.recording:
            order["record"] = "record-from-answer"
        return order


def _next_page(meta: Mapping[str, Any], number: int) -> dict[str, str] | None:
    """What to ask for the page after this one; None when it was the last.

    telnyx-python counts pages; the reference of the API shows a cursor, which is followed too.
    """
    if number < (number_at(meta, "total_pages") or 0):
        return {"page[number]": str(number + 1)}
    after = text_at(meta, "cursors", "after")
    if after is not None and text_at(meta, "next") is not None:
        return {"page[number]": str(number + 1), "page[after]": after}
    return None


def _path(call_control_id: str) -> str:
    return f"/calls/{quote(call_control_id, safe='')}"


def _seconds(duration: timedelta, least: timedelta, most: timedelta) -> int:
    return round(min(max(duration, least), most).total_seconds())


def _error_in(response: httpx.Response) -> tuple[str | None, str | None]:
    """The code of an error, and the field it is about; None when the answer carries none."""
    if response.is_success:
        return None, None
    errors = list_at(json_of(response), "errors")
    error = errors[0] if errors else None
    code = value_at(error, "code")
    return (str(code) if isinstance(code, int | str) else None), text_at(error, "source", "pointer")
