"""The adapter to ElevenLabs Agents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.status import FailureClass
from outdial.providers.adapters.elevenlabs import webhook
from outdial.providers.adapters.elevenlabs.tools import ElevenLabsTools
from outdial.providers.adapters.elevenlabs.webhook import ElevenLabsWebhooks, failure_of
from outdial.providers.carried import CallSettings, Carried, NotCarried, Span
from outdial.providers.credentials import required_credential, text_option
from outdial.providers.errors import Misconfigured
from outdial.providers.http.answers import content_of, json_of, placement_error, unreadable
from outdial.providers.http.exchange import HeaderAuth
from outdial.providers.http.provider import HttpProvider
from outdial.providers.orders import phone_number_id
from outdial.providers.port import Capabilities, LineConfig, Placed, WebhookReader
from outdial.providers.reports.clock import Clock, system_clock
from outdial.providers.reports.payload import list_at, object_at, text_at, value_at
from outdial.providers.tools import ToolFormat

_CALL_CONFIG = "telephony_call_config"
_TELEPHONY = ("twilio", "sip-trunk")
_RING = (timedelta(seconds=1), timedelta(seconds=999))


class ElevenLabsProvider(HttpProvider):
    """An ElevenLabs workspace.

    Credentials: `api_key` (elevenlabs.io/docs/api-reference/authentication), `webhook_secret` of
    the workspace's post-call webhook, which has to point to this line
    (elevenlabs.io/docs/agents-platform/workflows/post-call-webhooks).

    The agent is the id of an agent; its settings are fields of
    conversation_initiation_client_data, such as `conversation_config_override`, which the agent's
    security settings have to allow (elevenlabs.io/docs/agents-platform/customization), or
    `telephony_call_config`, such as its `twilio_machine_detection`: the verdict is a webhook of its
    own, which has to be switched on beside the post-call webhook.

    Options: `phone_number_id` (elevenlabs.io/docs/agents-platform/phone-numbers), or
    `phone_number_ids`, by caller id; `telephony`, `twilio` (default) or `sip-trunk`.

    There is no way to end a call: how long one may last has to be set in the agent.
    """

    default_url: ClassVar[str] = "https://api.elevenlabs.io"
    name: ClassVar[str] = "elevenlabs"
    reader: ClassVar[type[WebhookReader]] = ElevenLabsWebhooks
    speech_settings: ClassVar[frozenset[str]] = frozenset(
        {
            "conversation_config_override",
            "dynamic_variables",
            "user_id",
        }
    )
    free_form_settings: ClassVar[frozenset[str]] = frozenset({"dynamic_variables"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=False,
        reports_ringing=False,
        sends_webhooks=True,
        sends_analysis=True,
        idempotent_create=False,
        listing_lag=timedelta(seconds=60),
        echo="data.conversation_initiation_client_data.user_id",
        concurrent_calls=4,
    )
    carried: ClassVar[Carried] = Carried(
        where="the agent at ElevenLabs (record_voice in its privacy settings)",
        recording_off=False,
        ring_timeout=Span(least=_RING[0], most=_RING[1]),
        max_duration=None,
        reserved={
            "user_id": "us alone, to know the call by",
            "telephony_call_config.ringing_timeout_secs": "ring_timeout of the campaign",
            "telephony_call_config.twilio_call_recording_enabled": "recording of the campaign",
        },
    )

    def __init__(self, line: LineConfig, *, clock: Clock = system_clock) -> None:
        auth = HeaderAuth("xi-api-key", required_credential(line, "api_key"))
        super().__init__(line, auth=auth, clock=clock)
        telephony = text_option(line, "telephony") or _TELEPHONY[0]
        if telephony not in _TELEPHONY:
            raise Misconfigured(
                f"line {line.name}: options.telephony is {telephony!r}, and should be one of "
                f"{', '.join(_TELEPHONY)}",
                code="telephony",
            )
        self._telephony = telephony

    async def place(self, request: PlaceRequest) -> Placed:
        path = f"/v1/convai/{self._telephony}/outbound-call"
        response = await self._http.create("POST", path, json=self._order(request))
        content = json_of(response)
        number, success = text_at(content, "conversation_id"), value_at(content, "success")
        if response.is_success and success is True and number is not None:
            return Placed(provider_call_id=number)
        code = _code_of(content)
        failure = None if response.is_server_error else failure_of(code)
        if response.is_success and success is False and number is None:
            # Refused by the telephone company, in a sentence that no document lists.
            failure = FailureClass.UNAVAILABLE
        raise placement_error(response, self.line.name, code=code, failure=failure)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        path = f"/v1/convai/conversations/{quote(provider_call_id, safe='')}"
        response = await self._http.ask("GET", path)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        events = webhook.read_conversation(self._content(response), self._clock())
        if not events:
            raise unreadable(self.line.name)
        return CallSnapshot(provider_call_id=provider_call_id, events=tuple(events))

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        query = {"user_id": call_id, "page_size": "10"}
        response = await self._http.ask("GET", "/v1/convai/conversations", params=query)
        for conversation in list_at(self._content(response), "conversations"):
            number = text_at(conversation, "conversation_id")
            if number is not None:
                return await self.look_up(number)
        return None

    async def check(self) -> str:
        path, query = "/v1/convai/conversations", {"page_size": "1"}
        self._content(await self._http.ask("GET", path, params=query))
        return f"ElevenLabs at {self._http.base_url}: key accepted"

    def tools(self) -> ToolFormat:
        return ElevenLabsTools(self.line.credentials.get("tool_secret"))

    def _content(self, response: httpx.Response) -> dict[str, Any]:
        return content_of(response, self.line.name, code=_code_of(json_of(response)))

    def refused(self, requested: CallSettings) -> Iterable[NotCarried]:
        yield from super().refused(requested)
        if requested.recording and self._telephony != _TELEPHONY[0]:
            yield NotCarried(
                ("recording",),
                f"line {self.line.name} can't carry it: elevenlabs has only Twilio record a call, "
                f"and the line's telephony is {self._telephony}; leave it out, and set "
                "record_voice in the agent's privacy settings",
            )

    def _order(self, request: PlaceRequest) -> dict[str, Any]:
        settings = request.agent_settings
        least, most = _RING
        ring = round(min(max(request.ring_timeout, least), most).total_seconds())
        client_data = {
            **{name: value for name, value in settings.items() if name != _CALL_CONFIG},
            "user_id": request.call_id,
            "dynamic_variables": {
                **object_at(settings, "dynamic_variables"),
                **request.variables,
            },
        }
        return {
            "agent_id": request.agent,
            "agent_phone_number_id": phone_number_id(self.line, request, "ElevenLabs"),
            "to_number": request.to,
            "conversation_initiation_client_data": client_data,
            _CALL_CONFIG: {
                **object_at(settings, _CALL_CONFIG),
                "ringing_timeout_secs": ring,
                "twilio_call_recording_enabled": bool(request.recording),
            },
        }


def _code_of(content: Any) -> str | None:
    """The code of an error: `detail.code` today, `detail.status` before."""
    return text_at(content, "detail", "code") or text_at(content, "detail", "status")
