"""The adapter to Voxpria."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.voxpria.webhook import (
    OUR_ID,
    STATUS,
    VoxpriaWebhooks,
    event_of,
    id_of,
)
from outdial.providers.carried import Carried
from outdial.providers.http.answers import (
    content_of,
    json_of,
    placement_error,
    request_error,
    unreadable,
)
from outdial.providers.http.provider import HttpProvider
from outdial.providers.http.rate_limits import until_reset, with_wait
from outdial.providers.port import Capabilities, Placed, WebhookReader
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.listed_calls import NEVER_PROVEN, Listed, ours
from outdial.providers.reports.payload import list_at, object_at, text_at

BASE_URL = "https://app.voxpria.com"

_CALLS = "api/v1/calls"
_PAGE = 50
_MOST_PAGES = 4
"""The order of the list is in no document; looking further costs more of the hour's requests."""
_RESET = "x-ratelimit-reset"


class VoxpriaProvider(HttpProvider):
    """A line at Voxpria (voxpria.com/docs/calls-api, /webhooks-api, /authentication).

    Credentials: `api_key`; `webhook_secret`, the `whsec_…` that registering our URL as a webhook
    gave. No options.

    Our id travels among the variables of the call. No document says that they come back, nor what
    the list of calls looks like: it is read from `data`, its calls with the fields of the dial's
    answer; a call whose answer was lost is found by our id where it stands there, else by number
    and time, so not finding it proves nothing. Caller id, ring time, longest talk and recording
    are settings of the agent there: its longest talk should not be longer than the campaign's.
    There is no hanging up. Errors have a status and no documented code. Limits: 1,000 requests an
    hour, 100 dials a minute.
    """

    default_url: ClassVar[str] = BASE_URL
    name: ClassVar[str] = "voxpria"
    reader: ClassVar[type[WebhookReader]] = VoxpriaWebhooks
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=False,
        reports_ringing=True,
        sends_webhooks=True,
        sends_analysis=False,  # transcript and recording come with the end
        idempotent_create=False,
        listing_lag=NEVER_PROVEN,
        calls_per_second=100 / 60,
    )
    carried: ClassVar[Carried] = Carried(
        where="the agent at Voxpria",
        caller_id=False,
        recording_on=False,
        recording_off=False,
        ring_timeout=None,
        max_duration=None,
        settings=frozenset(),
    )

    async def place(self, request: PlaceRequest) -> Placed:
        order = {
            "agentId": request.agent,
            "toNumber": request.to,
            "variables": {**request.variables, OUR_ID: request.call_id},
        }
        response = await self._http.create("POST", _CALLS, json=order)
        call_id = text_at(json_of(response), "data", "callId")
        if response.is_success and call_id is not None:
            return Placed(provider_call_id=call_id)
        error = placement_error(response, self.line.name)
        raise with_wait(error, until_reset(response, _RESET, self._clock()))

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        response = await self._http.ask("GET", f"{_CALLS}/{quote(provider_call_id, safe='')}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        call = object_at(content_of(response, self.line.name), "data")
        if not call:
            raise unreadable(self.line.name)
        meaning = STATUS.meaning_of(text_at(call, "status"))
        event = event_of(provider_call_id, call, meaning, self._clock())
        events = () if event is None else (event,)
        return CallSnapshot(provider_call_id=provider_call_id, events=events)

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        listed: list[Listed] = []
        for page in range(1, _MOST_PAGES + 1):
            calls = await self._page(page, _PAGE)
            listed += [one for one in map(_listed, calls) if one is not None]
            if len(calls) < _PAGE:
                break
        provider_call_id = ours(listed, call_id=call_id, to=to, since=since)
        return None if provider_call_id is None else await self.look_up(provider_call_id)

    async def check(self) -> str:
        await self._page(1, 1)
        return f"Voxpria at {self._http.base_url}: key accepted"

    async def _page(self, page: int, limit: int) -> list[Any]:
        query = {"page": page, "limit": limit}
        response = await self._http.ask("GET", _CALLS, params=query)
        if not response.is_success:
            raise request_error(response, self.line.name)
        content = json_of(response)
        if not isinstance(content, dict):
            raise unreadable(self.line.name)
        return list_at(content, "data") or list_at(content, "data", "calls")


def _listed(call: Any) -> Listed | None:
    fields = object_at(call)
    provider_call_id = id_of(fields)
    if provider_call_id is None:
        return None
    made_at = text_at(fields, "createdAt") or text_at(fields, "startedAt")
    return Listed(
        provider_call_id=provider_call_id,
        call_id=text_at(fields, "variables", OUR_ID),
        to=text_at(fields, "toNumber"),
        made_at=from_iso(made_at),
    )
