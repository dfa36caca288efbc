"""The adapter to Retell AI."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.retell import webhook
from outdial.providers.adapters.retell.tools import RetellTools
from outdial.providers.adapters.retell.webhook import RetellWebhooks
from outdial.providers.carried import CallSettings, Carried, NotCarried, Span
from outdial.providers.credentials import required_credential
from outdial.providers.http.answers import (
    content_of,
    json_of,
    placement_error,
    request_error,
    unreadable,
)
from outdial.providers.http.provider import HttpProvider
from outdial.providers.orders import required_caller_id
from outdial.providers.port import Capabilities, LineConfig, Placed, WebhookReader
from outdial.providers.reports.clock import Clock, system_clock
from outdial.providers.reports.payload import list_at, number_at, object_at, text_at
from outdial.providers.tools import ToolFormat

_UNKNOWN_CALL = frozenset({httpx.codes.NOT_FOUND, httpx.codes.UNPROCESSABLE_ENTITY})
"""Retell answers 422 for an id that it doesn't know."""
_STORED = "data_storage_setting"
_NOTHING = "basic_attributes_only"
_RING = (timedelta(seconds=5), timedelta(seconds=300))
_TALK = (timedelta(minutes=1), timedelta(hours=2))


class RetellProvider(HttpProvider):
    """A Retell workspace.

    Credentials: `api_key` (docs.retellai.com/accounts/api-keys-overview), the one with the
    webhook badge, since it signs webhooks too (docs.retellai.com/features/secure-webhook).
    The agent is the id of an agent; its settings override it for the call, such as
    `voicemail_option` (docs.retellai.com/api-references/create-phone-call, agent_override).
    A line needs caller ids: Retell dials from a number of the workspace.

    A call that must not be recorded has no transcript either: what Retell stores is one setting,
    `data_storage_setting`. Without a word about recording, the agent's own holds.
    """

    default_url: ClassVar[str] = "https://api.retellai.com"
    name: ClassVar[str] = "retell"
    reader: ClassVar[type[WebhookReader]] = RetellWebhooks
    speech_settings: ClassVar[frozenset[str]] = frozenset(
        {
            "ambient_sound",
            "ambient_sound_volume",
            "backchannel_frequency",
            "backchannel_words",
            "begin_message_delay_ms",
            "boosted_keywords",
            "enable_backchannel",
            "enable_voicemail_detection",
            "end_call_after_silence_ms",
            "interruption_sensitivity",
            "language",
            "normalize_for_speech",
            "pronunciation_dictionary",
            "reminder_max_count",
            "reminder_trigger_ms",
            "responsiveness",
            "voice_id",
            "voice_model",
            "voice_speed",
            "voice_temperature",
            "voicemail_detection_timeout_ms",
            "voicemail_message",
            "voicemail_option",
            "volume",
        }
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=False,
        sends_webhooks=True,
        sends_analysis=True,
        bounds_duration=True,
        idempotent_create=True,
        listing_lag=timedelta(seconds=60),
        idempotency_window=timedelta(hours=1),
        echo="call.metadata.call_id",
        concurrent_calls=20,
    )
    carried: ClassVar[Carried] = Carried(
        where="the agent at Retell",
        ring_timeout=Span(least=_RING[0], most=_RING[1]),
        max_duration=Span(least=_TALK[0], most=_TALK[1]),
        reserved={
            "ring_duration_ms": "ring_timeout of the campaign",
            "max_call_duration_ms": "max_duration of the campaign",
            "webhook_url": "us alone, to hear of the call",
        },
    )

    def __init__(self, line: LineConfig, *, clock: Clock = system_clock) -> None:
        super().__init__(line, clock=clock)
        self._key = required_credential(line, "api_key")

    async def place(self, request: PlaceRequest) -> Placed:
        body = self._order(request)
        response = await self._http.create("POST", "/v2/create-phone-call", json=body)
        created = response.status_code == httpx.codes.CREATED
        number = text_at(json_of(response), "call_id") if created else None
        if number is None:
            raise placement_error(response, self.line.name)
        return Placed(provider_call_id=number)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        path = f"/v2/get-call/{quote(provider_call_id, safe='')}"
        response = await self._http.ask("GET", path)
        if response.status_code in _UNKNOWN_CALL:
            return None
        events = webhook.read_call(content_of(response, self.line.name), self._clock())
        if not events:
            raise unreadable(self.line.name)
        return CallSnapshot(provider_call_id=provider_call_id, events=tuple(events))

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        ours = {"type": "string", "op": "eq", "key": "call_id", "value": call_id}
        body = {"filter_criteria": {"metadata": [ours]}, "limit": 10}
        response = await self._http.ask("POST", "/v3/list-calls", json=body)
        for call in list_at(content_of(response, self.line.name), "items"):
            number = text_at(call, "call_id")
            if number is not None and text_at(call, "metadata", "call_id") == call_id:
                return await self.look_up(number)
        return None

    async def end(self, provider_call_id: str) -> None:
        path = f"/v2/stop-call/{quote(provider_call_id, safe='')}"
        response = await self._http.ask("POST", path)
        if response.is_success or response.status_code in _UNKNOWN_CALL:
            return
        # Without codes, a refusal to stop what is over looks like any other.
        snapshot = await self.look_up(provider_call_id)
        if snapshot is not None and not snapshot.status.terminal:
            raise request_error(response, self.line.name)

    async def check(self) -> str:
        account = content_of(await self._http.ask("GET", "/get-concurrency"), self.line.name)
        opened = number_at(account, "current_concurrency") or 0
        limit = number_at(account, "concurrency_limit") or 0
        return (
            f"Retell at {self._http.base_url}: key accepted, "
            f"{opened:.0f} calls open, concurrency {limit:.0f}"
        )

    def tools(self) -> ToolFormat:
        return RetellTools(self.verify_sender)

    def refused(self, requested: CallSettings) -> Iterable[NotCarried]:
        yield from super().refused(requested)
        storage = text_at(requested.agent.settings, _STORED)
        if requested.recording is None or storage is None:
            return
        if _stored(requested.recording, storage) != storage:
            yield NotCarried(
                ("agent", "settings", _STORED),
                f"line {self.line.name} can't carry both: retell records by this setting, and "
                f"{storage} contradicts recording of the campaign; leave one of them out",
            )

    def _order(self, request: PlaceRequest) -> dict[str, Any]:
        settings = request.agent_settings
        agent = {
            **object_at(settings),
            "ring_duration_ms": _milliseconds(request.ring_timeout, *_RING),
            "max_call_duration_ms": _milliseconds(request.max_duration, *_TALK),
            "webhook_url": request.webhook_url,
            "webhook_events": sorted({*list_at(settings, "webhook_events"), *webhook.FOLLOWED}),
        }
        if request.recording is not None:
            agent[_STORED] = _stored(request.recording, text_at(settings, _STORED))
        return {
            "from_number": required_caller_id(self.line, request, "Retell"),
            "to_number": request.to,
            "override_agent_id": request.agent,
            "agent_override": {"agent": agent},
            "idempotency_key": request.call_id,
            "metadata": {"call_id": request.call_id, "attempt": request.attempt},
            "retell_llm_dynamic_variables": request.variables,
        }


def _stored(recording: bool, storage: str | None) -> str:
    """What Retell keeps of a call: without a recording there is no transcript either."""
    if not recording:
        return _NOTHING
    return storage if storage is not None and storage != _NOTHING else "everything"


def _milliseconds(duration: timedelta, least: timedelta, most: timedelta) -> int:
    return min(max(duration, least), most) // timedelta(milliseconds=1)
