"""The adapter to Voxanne AI."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.voxanne.contacts import contact_for
from outdial.providers.adapters.voxanne.webhook import (
    VoxanneWebhooks,
    analysis_of,
    meaning_of,
    status_of,
)
from outdial.providers.carried import Carried
from outdial.providers.errors import Unavailable
from outdial.providers.http.answers import (
    content_of,
    json_of,
    placement_error,
    request_error,
    unreadable,
)
from outdial.providers.http.provider import HttpProvider
from outdial.providers.http.rate_limits import with_wait
from outdial.providers.port import Capabilities, Placed, WebhookReader
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.listed_calls import NEVER_PROVEN, Listed, ours
from outdial.providers.reports.payload import number_at, text_at
from outdial.providers.reports.status_map import Meaning

BASE_URL = "https://api.voxanne.ai"
_PAGE = "50"
_IDS = ("vapiCallId", "vapi_call_id", "id")
"""A call's details and webhooks go by the id of the voice platform behind."""


class VoxanneProvider(HttpProvider):
    """A line at Voxanne AI (voxanne.ai/api-reference; what it leaves open is as in the product's
    public source).

    Credentials: `api_key`; `webhook_secret`, with which `x-vapi-signature` is made. No options.

    It calls contacts, never numbers: the contact with the number is looked for and made when
    there is none, then called back. The agent goes along as `agentId`, though the organization's
    outbound agent may be used whatever it says; caller id, ring time, longest talk, recording and
    variables can't be given. Its longest talk should not be longer than the campaign's. Nothing
    carries our id: a call whose answer was lost is found in the list by number and time, so not
    finding it proves nothing. There is no hanging up. Limits: 1,000 requests an hour, and 100 in
    15 minutes from one address; a dial takes two or three, so about two dials a minute.
    """

    default_url: ClassVar[str] = BASE_URL
    name: ClassVar[str] = "voxanne"
    reader: ClassVar[type[WebhookReader]] = VoxanneWebhooks
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=False,
        reports_ringing=False,
        sends_webhooks=True,
        sends_analysis=True,
        idempotent_create=False,
        listing_lag=NEVER_PROVEN,
        calls_per_second=100 / (15 * 60) / 3,
    )
    carried: ClassVar[Carried] = Carried(
        where="the agent at Voxanne",
        caller_id=False,
        recording_on=False,
        recording_off=False,
        ring_timeout=None,
        max_duration=None,
        variables=frozenset({"name", "first_name", "last_name"}),
        settings=frozenset(),
    )

    async def place(self, request: PlaceRequest) -> Placed:
        contact_id = await self._contact(request)
        path = f"api/contacts/{quote(contact_id, safe='')}/call-back"
        agent = {"agentId": request.agent} if request.agent else {}
        response = await self._http.create("POST", path, json=agent)
        content = json_of(response)
        call_id = _id_in(content) or text_at(content, "callTrackingId")
        if response.is_success and call_id is not None:
            return Placed(provider_call_id=call_id)
        raise with_wait(placement_error(response, self.line.name), _wait(response))

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        response = await self._http.ask("GET", f"api/calls/{quote(provider_call_id, safe='')}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        call = content_of(response, self.line.name)
        events = status_of(provider_call_id, call, meaning_of(call, Meaning()), self._clock())
        if events and events[-1].status and events[-1].status.terminal:
            events += analysis_of(provider_call_id, call, call, events[-1].at)
        return CallSnapshot(provider_call_id=provider_call_id, events=events)

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        response = await self._http.ask("GET", "api/calls", params={"limit": _PAGE})
        if not response.is_success:
            raise request_error(response, self.line.name)
        content = json_of(response)
        if not isinstance(content, list):
            raise unreadable(self.line.name)
        listed = [one for one in map(_listed, content) if one is not None]
        provider_call_id = ours(listed, call_id=call_id, to=to, since=since)
        return None if provider_call_id is None else await self.look_up(provider_call_id)

    async def check(self) -> str:
        response = await self._http.ask("GET", "api/agents")
        if not response.is_success:
            raise request_error(response, self.line.name)
        return f"Voxanne at {self._http.base_url}: key accepted"

    async def _contact(self, request: PlaceRequest) -> str:
        # Not the time of one request for each: the dial still has to leave in time.
        limit = self.line.request_timeout.total_seconds() / 2
        try:
            async with asyncio.timeout(limit):
                return await contact_for(self._http, self.line.name, request)
        except TimeoutError as exc:
            raise Unavailable(
                f"line {self.line.name}: Voxanne took too long to name the contact, "
                "so nobody was dialed",
                code="contact",
            ) from exc


def _id_in(call: Any) -> str | None:
    return next((call_id for name in _IDS if (call_id := text_at(call, name))), None)


def _listed(call: Any) -> Listed | None:
    call_id = _id_in(call)
    directions = {text_at(call, "direction"), text_at(call, "call_direction")}
    if call_id is None or "inbound" in directions:
        return None
    made_at = text_at(call, "created_at") or text_at(call, "createdAt")
    to = text_at(call, "to") or text_at(call, "phone_number") or text_at(call, "customer", "number")
    return Listed(provider_call_id=call_id, call_id=None, to=to, made_at=from_iso(made_at))


def _wait(response: httpx.Response) -> timedelta | None:
    """Seconds until a limit ends: in the body, or in the draft standard's header."""
    retry_after = number_at(json_of(response), "retryAfter")
    seconds = (
        number_at(response.headers.get("ratelimit-reset")) if retry_after is None else retry_after
    )
    if seconds is None or seconds < 0:
        return None
    return timedelta(seconds=min(seconds, timedelta(hours=1).total_seconds()))
