"""The adapter to the Voice API of thinnestAI."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.thinnestai.webhook import (
    STATUS,
    ThinnestAIWebhooks,
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
from outdial.providers.orders import required_caller_id
from outdial.providers.port import Capabilities, Placed, WebhookReader
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.listed_calls import NEVER_PROVEN, Listed, ours
from outdial.providers.reports.payload import list_at, object_at, text_at
from outdial.providers.signing import CALL_ID, with_query, with_token

BASE_URL = "https://api.thinnest.ai"
OUR_ID = "outdial_call_id"
"""Our call id in the context of a call."""

_PAGE = "100"
_OVER = frozenset({httpx.codes.NOT_FOUND, httpx.codes.CONFLICT, httpx.codes.GONE})
"""Answers to ending what is over already; no document names one."""
_RESET = "x-ratelimit-reset"


class ThinnestAIProvider(HttpProvider):
    """A line at thinnestAI (docs.thinnest.ai/docs/deploy/voice-api).

    Credentials: `api_key` (docs/authentication); `webhook_secret`, of our own making, with which
    the URL ends that we name for each call; `signing_secret`, only for webhooks of the account. No
    options.

    The caller id is required and has to be verified there. Variables and our id travel as the
    call's `context`; our id also in its webhook URL, which is what comes back. How long it rings
    can't be set. What status, list and details answer is in no document: fields are read with the
    names used elsewhere in the API, a list under `sessions` or bare. A call whose answer was lost
    is found by our id where the list gives the context back, else by number and time, so not
    finding it proves nothing. Limits a minute: 10 dials, 60 looks at a status, 30 lists.
    """

    default_url: ClassVar[str] = BASE_URL
    name: ClassVar[str] = "thinnestai"
    reader: ClassVar[type[WebhookReader]] = ThinnestAIWebhooks
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=True,
        sends_webhooks=True,
        sends_analysis=False,
        bounds_duration=True,
        idempotent_create=False,
        listing_lag=NEVER_PROVEN,
        echo="query of the webhook URL",
        calls_per_second=10 / 60,
    )
    carried: ClassVar[Carried] = Carried(
        where="the agent at thinnestAI", ring_timeout=None, settings=frozenset()
    )

    async def place(self, request: PlaceRequest) -> Placed:
        order = self._order(request)
        response = await self._http.create("POST", "voice/outbound/dial", json=order)
        call_id = id_of(object_at(json_of(response)))
        if response.is_success and call_id is not None:
            return Placed(provider_call_id=call_id)
        # Errors are a sentence and a status, no code: what was wrong with which field is unknown.
        error = placement_error(response, self.line.name)
        raise with_wait(error, until_reset(response, _RESET, self._clock()))

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        path = f"voice/status/{quote(provider_call_id, safe='')}"
        response = await self._http.ask("GET", path)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return self._snapshot(provider_call_id, content_of(response, self.line.name))

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        begin = since.replace(microsecond=0).isoformat()
        sessions = await self._sessions(start_date=begin, limit=_PAGE)
        listed = [one for one in map(_listed, sessions) if one is not None]
        provider_call_id = ours(listed, call_id=call_id, to=to, since=since)
        return None if provider_call_id is None else await self.look_up(provider_call_id)

    async def end(self, provider_call_id: str) -> None:
        path = f"voice/end/{quote(provider_call_id, safe='')}"
        response = await self._http.ask("POST", path)
        if not response.is_success and response.status_code not in _OVER:
            raise request_error(response, self.line.name)

    async def check(self) -> str:
        await self._sessions(limit="1")
        return f"thinnestAI at {self._http.base_url}: key accepted"

    async def _sessions(self, **query: str) -> list[Any]:
        response = await self._http.ask("GET", "voice/sessions", params=query)
        if not response.is_success:
            raise request_error(response, self.line.name)
        content = json_of(response)
        if isinstance(content, list):
            return content
        if not isinstance(content, dict):
            raise unreadable(self.line.name)
        return list_at(content, "sessions") or list_at(content, "data")

    def _snapshot(self, provider_call_id: str, call: Mapping[str, Any]) -> CallSnapshot:
        meaning = STATUS.meaning_of(text_at(call, "status"))
        event = event_of(provider_call_id, call, meaning, self._clock())
        events = () if event is None else (event,)
        return CallSnapshot(provider_call_id=provider_call_id, events=events)

    def _order(self, request: PlaceRequest) -> dict[str, Any]:
        secret = self.line.credentials.get("webhook_secret", "")
        return {
            "agent_id": request.agent,
            "to_number": request.to,
            "from_number": required_caller_id(self.line, request, "thinnestAI"),
            "context": {**request.variables, OUR_ID: request.call_id},
            "max_duration": int(request.max_duration.total_seconds()),
            "recording": bool(request.recording),
            "webhook_url": with_query(
                with_token(request.webhook_url, secret), **{CALL_ID: request.call_id}
            ),
        }


def _listed(session: Any) -> Listed | None:
    call = object_at(session)
    provider_call_id = id_of(call) or text_at(call, "id")
    if provider_call_id is None:
        return None
    made_at = text_at(call, "created_at") or text_at(call, "started_at")
    return Listed(
        provider_call_id=provider_call_id,
        call_id=text_at(call, "context", OUR_ID),
        to=text_at(call, "to_number"),
        made_at=from_iso(made_at),
    )
