"""The adapter to Vapi."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.vapi import order, webhook
from outdial.providers.adapters.vapi.tools import VapiTools
from outdial.providers.adapters.vapi.webhook import VapiWebhooks
from outdial.providers.carried import CallSettings, Carried, NotCarried
from outdial.providers.credentials import required_credential, text_option
from outdial.providers.errors import Misconfigured, Unavailable
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
from outdial.providers.reports.payload import text_at
from outdial.providers.tools import ToolFormat

_PAGE = 100
_PAGES = 10
"""A thousand calls within the minutes after a lost response, in one account."""
_CLOCKS_DIFFER = timedelta(seconds=10)


class VapiProvider(HttpProvider):
    """A Vapi organization.

    Credentials: `api_key` (the private key, docs.vapi.ai/api-reference), `webhook_secret`; and
    `public_key`, where assistants have `controlAuthenticationEnabled`, to end calls with.
    The agent is the id of an assistant; its settings are assistant overrides, such as
    `voicemailDetection` (docs.vapi.ai/assistants/dynamic-variables).

    Options: `phone_number_id` (docs.vapi.ai/phone-numbers), or `phone_number_ids`, by caller id;
    `credential_id`, an HMAC credential of Vapi's with `webhook_secret` as its key: messages are
    then signed, and otherwise carry the secret (docs.vapi.ai/server-url/server-authentication).

    `transport`, by whom its numbers are connected: `twilio` (default) or `vapi.sip`. With any other
    (`telnyx`, `vonage`), Vapi decides itself how long it lets a phone ring.
    """

    default_url: ClassVar[str] = "https://api.vapi.ai"
    name: ClassVar[str] = "vapi"
    reader: ClassVar[type[WebhookReader]] = VapiWebhooks
    speech_settings: ClassVar[frozenset[str]] = frozenset(
        {
            "backgroundSound",
            "endCallMessage",
            "endCallPhrases",
            "firstMessage",
            "firstMessageInterruptionsEnabled",
            "firstMessageMode",
            "name",
            "silenceTimeoutSeconds",
            "transcriber",
            "variableValues",
            "voice",
            "voicemailDetection",
            "voicemailMessage",
        }
    )
    free_form_settings: ClassVar[frozenset[str]] = frozenset({"variableValues"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=True,
        sends_webhooks=True,
        sends_analysis=True,
        bounds_duration=True,
        idempotent_create=False,
        listing_lag=timedelta(seconds=30),
        echo="call.assistantOverrides.metadata.call_id, call.customer.externalId",
        concurrent_calls=10,
    )
    carried: ClassVar[Carried] = order.CARRIED

    def __init__(self, line: LineConfig) -> None:
        super().__init__(line)
        text_option(line, "credential_id")  # refused now, not with the first call

    def refused(self, requested: CallSettings) -> Iterable[NotCarried]:
        yield from super().refused(requested)
        yield from order.refused_by(self.line, requested)

    async def place(self, request: PlaceRequest) -> Placed:
        body = order.order_of(request, self.line)
        response = await self._http.create("POST", "/call", json=body)
        content = json_of(response)
        created = response.status_code == httpx.codes.CREATED
        failure = order.failure_in(response.status_code, content)
        # Even a call that was blocked may have an id: then what became of it is to be asked for.
        if created and failure is None:
            number = text_at(order.call_in(content), "id")
            if number is not None:
                return Placed(provider_call_id=number)
        raise placement_error(response, self.line.name, failure=failure)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        call = await self._call(provider_call_id)
        return None if call is None else self._snapshot(call)

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        query = {"limit": str(_PAGE), "createdAtGe": (since - _CLOCKS_DIFFER).isoformat()}
        for _ in range(_PAGES):
            listed = await self._list(query)
            for call in listed:
                if webhook.our_id_of(call) == call_id:
                    return self._snapshot(call)
            if len(listed) < _PAGE:
                return None
            query["createdAtLt"] = min(text_at(call, "createdAt") or "" for call in listed)
        raise Unavailable(
            f"line {self.line.name}: too many calls to find one among them", code="listing"
        )

    async def end(self, provider_call_id: str) -> None:
        call = await self._call(provider_call_id)
        if call is None or text_at(call, "status") == webhook.ENDED:
            return
        control = text_at(call, "monitor", "controlUrl")
        if control is None or not control.startswith(("https://", self._http.base_url)):
            raise Unavailable(
                f"line {self.line.name}: the call can't be controlled (yet)", code="controlUrl"
            )
        # The address is itself the secret, and not the API: our key is not for it.
        end = {"type": "end-call"}
        response = await self._http.ask("POST", control, json=end, auth=None)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            # monitorPlan.controlAuthenticationEnabled: it wants the public key beside the address.
            response = await self._http.ask("POST", control, json=end, auth=self._control_auth())
        if not response.is_success and response.status_code != httpx.codes.NOT_FOUND:
            raise request_error(response, self.line.name)

    async def check(self) -> str:
        await self._list({"limit": "1"})
        return f"Vapi at {self._http.base_url}: key accepted"

    def tools(self) -> ToolFormat:
        return VapiTools(self.verify_sender)

    def _control_auth(self) -> HeaderAuth:
        if not self.line.credentials.get("public_key"):
            raise Misconfigured(
                f"line {self.line.name}: the assistant has controlAuthenticationEnabled, so ending "
                "a call needs credentials.public_key, the public key of the organization",
                code="public_key",
            )
        key = required_credential(self.line, "public_key")
        return HeaderAuth("authorization", f"Bearer {key}")

    async def _call(self, number: str) -> dict[str, Any] | None:
        response = await self._http.ask("GET", f"/call/{quote(number, safe='')}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return content_of(response, self.line.name)

    async def _list(self, query: Mapping[str, str]) -> list[Any]:
        response = await self._http.ask("GET", "/call", params=query)
        if not response.is_success:
            raise request_error(response, self.line.name)
        listed = json_of(response)
        if not isinstance(listed, list):
            raise unreadable(self.line.name)
        return listed

    def _snapshot(self, call: Mapping[str, Any]) -> CallSnapshot:
        events = tuple(webhook.read_call(call))
        if not events:
            raise unreadable(self.line.name)
        return CallSnapshot(provider_call_id=events[0].provider_call_id or "", events=events)
