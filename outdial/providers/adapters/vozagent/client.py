"""The adapter to VozAgent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.vozagent.webhook import STATUS, VozAgentWebhooks, events_of
from outdial.providers.carried import Carried
from outdial.providers.errors import Misconfigured
from outdial.providers.http.answers import (
    content_of,
    json_of,
    placement_error,
    request_error,
    unreadable,
)
from outdial.providers.http.provider import HttpProvider
from outdial.providers.port import Capabilities, LineConfig, Placed, WebhookReader
from outdial.providers.reports.clock import Clock, system_clock
from outdial.providers.reports.instants import from_iso
from outdial.providers.reports.listed_calls import NEVER_PROVEN, Listed, ours
from outdial.providers.reports.payload import list_at, text_at

BASE_URL = "https://api.vozagent.ai/v1"
TAG = "outdial:"
"""How the contact's tag with our call id begins."""

_ASSISTANT_FIELDS = {"id": "assistant_id", "name": "assistant_name"}
_VARIABLES = ("first_name", "last_name")


class VozAgentProvider(HttpProvider):
    """A line at VozAgent (docs.vozagent.ai/developers/api, pages calls/create, get and list).

    Credentials: `api_key`, with the scope calls:write; `webhook_secret`, of our own making, which
    the URL of the webhook registered there ends with: `/hooks/<line>/<webhook_secret>`. Options:
    `assistant_by`, "id" (default) or "name": what a campaign's agent is. Agent settings: `source`,
    `tags`, `notes`, as they are.

    A call is placed to a contact, which VozAgent finds or makes by the number. Of a recipient it
    takes `first_name` and `last_name`; other variables go into the notes, a line each. Nothing
    gives our id back with a call. It travels as a tag of the contact, by which a call whose
    answer was lost is found; whether a contact that was there before gets the tag is in no
    document, so not finding it proves nothing. The caller id, how long it rings, the longest talk
    and recording are settings of the assistant: its longest talk should not be longer than the
    campaign's. There is no hanging up. Limits are called "standard" and have no numbers.
    """

    default_url: ClassVar[str] = BASE_URL
    name: ClassVar[str] = "vozagent"
    reader: ClassVar[type[WebhookReader]] = VozAgentWebhooks
    speech_settings: ClassVar[frozenset[str]] = frozenset(
        {
            "notes",
            "source",
            "tags",
        }
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=False,
        reports_ringing=False,
        sends_webhooks=True,
        sends_analysis=True,
        idempotent_create=False,
        listing_lag=NEVER_PROVEN,
        echo="tags of the contact",
    )
    carried: ClassVar[Carried] = Carried(
        where="the assistant at VozAgent",
        caller_id=False,
        recording_on=False,
        recording_off=False,
        ring_timeout=None,
        max_duration=None,
        settings=frozenset({"source", "tags", "notes"}),
    )

    def __init__(self, line: LineConfig, *, clock: Clock = system_clock) -> None:
        super().__init__(line, clock=clock)
        self._assistant = _assistant_field(line)

    async def place(self, request: PlaceRequest) -> Placed:
        order = {self._assistant: request.agent, **_order(request)}
        response = await self._http.create("POST", "calls/outbound", json=order)
        content = json_of(response)
        call_id = text_at(content, "call_id")
        if response.is_success and call_id is not None:
            return Placed(provider_call_id=call_id)
        # Of the codes only invalid_request is documented, and it may be about any field.
        code = text_at(content, "error", "code")
        raise placement_error(response, self.line.name, code=code)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        response = await self._http.ask("GET", f"calls/{quote(provider_call_id, safe='')}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        call = content_of(response, self.line.name)
        meaning = STATUS.meaning_of(text_at(call, "call_status"))
        events = events_of(provider_call_id, call, meaning, self._clock())
        return CallSnapshot(provider_call_id=provider_call_id, events=events)

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        tag = f"{TAG}{call_id}"
        listed: list[Listed] = []
        for contact in await self._list("contacts", tags=tag, limit="100"):
            # Were the filter ignored, every contact would come.
            contact_id = text_at(contact, "id")
            if contact_id and text_at(contact, "phone_number") == to and tag in _tags(contact):
                listed += await self._outbound_calls(contact_id, to)
        provider_call_id = ours(listed, call_id=call_id, to=to, since=since)
        return None if provider_call_id is None else await self.look_up(provider_call_id)

    async def check(self) -> str:
        assistants = await self._list("assistants", limit="100")
        return f"VozAgent at {self._http.base_url}: key accepted, {len(assistants)} assistants"

    async def _outbound_calls(self, contact_id: str, to: str) -> list[Listed]:
        listed = await self._list("calls", contact_id=contact_id, call_type="outbound", limit="100")
        calls = [_listed(call, to) for call in listed if text_at(call, "contact_id") == contact_id]
        return [call for call in calls if call is not None]

    async def _list(self, path: str, **query: str) -> list[Any]:
        response = await self._http.ask("GET", path, params=query)
        if not response.is_success:
            raise request_error(response, self.line.name)
        content = json_of(response)
        if not isinstance(content, list):
            raise unreadable(self.line.name)
        return content


def _assistant_field(line: LineConfig) -> str:
    by = line.options.get("assistant_by", "id")
    field = _ASSISTANT_FIELDS.get(by) if isinstance(by, str) else None
    if field is None:
        raise Misconfigured(
            f'line {line.name}: options.assistant_by is {by!r}, and should be "id" or "name"',
            code="assistant_by",
        )
    return field


def _tags(contact: Any) -> list[Any]:
    return list_at(contact, "tags")


def _order(request: PlaceRequest) -> dict[str, Any]:
    settings = request.agent_settings
    tags = [text_at(settings, "tags"), *list_at(settings, "tags"), f"{TAG}{request.call_id}"]
    rest = {name: text for name, text in request.variables.items() if name not in _VARIABLES}
    notes = [text_at(settings, "notes"), *(f"{name}: {text}" for name, text in rest.items())]
    order = {
        "phone_number": request.to,
        **{name: request.variables.get(name) for name in _VARIABLES},
        "source": text_at(settings, "source"),
        "tags": list(filter(None, tags)),
        "notes": "\n".join(filter(None, notes)) or None,
    }
    return {name: value for name, value in order.items() if value is not None}


def _listed(call: Any, to: str) -> Listed | None:
    call_id = text_at(call, "id")
    if call_id is None:
        return None
    made_at = from_iso(text_at(call, "call_started_at"))
    return Listed(provider_call_id=call_id, call_id=None, to=to, made_at=made_at)
