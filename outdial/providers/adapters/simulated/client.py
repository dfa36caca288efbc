"""The adapter to the simulated network: one HTTP exchange for each method of the port."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.simulated import webhook
from outdial.providers.adapters.simulated.errors import (
    CALL_NOT_FOUND,
    NEVER_SENT,
    NO_SUCH_PLACE,
    code_of,
    placement_error,
    request_error,
)
from outdial.providers.adapters.simulated.webhook import SimulatedWebhooks
from outdial.providers.carried import Carried
from outdial.providers.errors import Misconfigured, PlacementUnknown, Unavailable
from outdial.providers.http import departure
from outdial.providers.http.exchange import certificates, proxy_of
from outdial.providers.port import (
    Capabilities,
    LineConfig,
    Placed,
    Provider,
    WebhookReader,
)

_KEEP_ALIVE_SECONDS = 2.0
"""Shorter than any server's: one that closes an idle connection just as a create leaves on it
would turn that call into an unknown one."""
_IDLE_CONNECTIONS = 10
"""httpx looks at every idle connection before each request."""
_CONNECTIONS = 200
"""As many calls as one claim may start."""


class SimulatedProvider(Provider):
    """A line at a simulated network.

    Credentials: `api_key`, `webhook_secret`. Options: `people`, settings of the model of people
    for the calls of this line alone; the agent's setting `people` takes precedence. Raises
    Misconfigured for a key or an address that can't be used at all.
    """

    name: ClassVar[str] = "simulated"
    reader: ClassVar[type[WebhookReader]] = SimulatedWebhooks
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=True,
        can_find=True,
        can_end=True,
        reports_ringing=True,
        sends_webhooks=True,
        sends_analysis=True,
        bounds_duration=True,
        idempotent_create=False,
        listing_lag=timedelta(0),
    )
    notes_departure: ClassVar[bool] = True
    carried: ClassVar[Carried] = Carried(where="the simulated network")

    def __init__(self, line: LineConfig) -> None:
        super().__init__(line)
        self._limit = line.request_timeout.total_seconds()
        api_key = line.credentials.get("api_key", "")
        if not (api_key.isascii() and api_key.isprintable()):
            raise Misconfigured(
                f"line {line.name}: api_key has characters that no HTTP header can carry",
                code="api_key",
            )
        try:
            self._http = _http_client(line, api_key)
        except httpx.InvalidURL as exc:
            raise self._no_such_place() from exc

    def beyond_speech(self, agent_id: str | None, settings: Mapping[str, Any]) -> list[str]:
        """Nobody reads them."""
        return []

    async def place(self, request: PlaceRequest) -> Placed:
        try:
            async with asyncio.timeout(self._limit):
                response = await self._http.post(
                    "/v1/calls", json=self._order(request), extensions=departure.dialing()
                )
        except NEVER_SENT as exc:
            raise self._unreachable(exc) from exc
        except NO_SUCH_PLACE as exc:
            raise self._no_such_place() from exc
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as exc:
            kind = type(exc).__name__
            raise PlacementUnknown(
                f"line {self.line.name}: no answer to a create that may have arrived ({kind})",
                code=kind,
            ) from exc
        call_id = _id_of(response) if response.status_code == httpx.codes.CREATED else None
        if call_id is None:
            raise placement_error(response, self.line.name)
        return Placed(provider_call_id=call_id)

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        response = await self._request("GET", f"/v1/calls/{quote(provider_call_id, safe='')}")
        if code_of(response) == CALL_NOT_FOUND:
            return None
        return self._snapshot(self._content(response))

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        query = {"metadata_call_id": call_id, "since": since.isoformat()}
        response = await self._request("GET", "/v1/calls", params=query)
        calls = self._content(response).get("calls")
        if not isinstance(calls, list):
            raise self._unreadable()
        return self._snapshot(calls[0]) if calls else None

    async def end(self, provider_call_id: str) -> None:
        path = f"/v1/calls/{quote(provider_call_id, safe='')}/end"
        response = await self._request("POST", path)
        if code_of(response) != CALL_NOT_FOUND:  # a call nobody knows any more is over
            self._content(response)

    async def check(self) -> str:
        account = self._content(await self._request("GET", "/v1/account"))
        limit = account.get("max_concurrent") or "no limit"
        return (
            f"simulated network at {self.line.base_url}: key accepted, "
            f"{account.get('open')} calls open, concurrency {limit}"
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    def _order(self, request: PlaceRequest) -> dict[str, Any]:
        order: dict[str, Any] = {
            "to": request.to,
            "from": request.caller_id,
            "agent": request.agent,
            "variables": request.variables,
            "metadata": {"call_id": request.call_id, "attempt": request.attempt},
            "ring_timeout_s": request.ring_timeout.total_seconds(),
            "max_duration_s": request.max_duration.total_seconds(),
            "recording": bool(request.recording),
            "webhook_url": request.webhook_url,
        }
        own = request.agent_settings.get("people")
        people = self.line.options.get("people", {}) | (own if isinstance(own, dict) else {})
        if people:
            order["model"] = people
        return order

    async def _request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """A request that may be repeated: whatever breaks, it is only `Unavailable`."""
        try:
            async with asyncio.timeout(self._limit):
                return await self._http.request(method, path, params=params)
        except NO_SUCH_PLACE as exc:
            raise self._no_such_place() from exc
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as exc:
            raise self._unreachable(exc) from exc

    def _content(self, response: httpx.Response) -> dict[str, Any]:
        if not response.is_success:
            raise request_error(response, self.line.name)
        try:
            content = response.json()
        except ValueError as exc:
            raise self._unreadable() from exc
        if not isinstance(content, dict):
            raise self._unreadable()
        return content

    def _snapshot(self, content: Mapping[str, Any]) -> CallSnapshot:
        try:
            events = webhook.read_events(content["events"])
            return CallSnapshot(provider_call_id=content["id"], events=events)
        except (KeyError, TypeError, ValueError) as exc:
            raise self._unreadable() from exc

    def _unreachable(self, exc: Exception) -> Unavailable:
        kind = type(exc).__name__
        return Unavailable(
            f"line {self.line.name}: {self.line.base_url} can't be reached ({kind})", code=kind
        )

    def _no_such_place(self) -> Misconfigured:
        return Misconfigured(
            f"line {self.line.name}: base_url is {self.line.base_url!r}, "
            "and should start with http:// or https://",
            code="base_url",
        )

    def _unreadable(self) -> Unavailable:
        return Unavailable(
            f"line {self.line.name}: the simulated network gave an unreadable answer",
            code="unreadable",
        )


def _http_client(line: LineConfig, api_key: str) -> httpx.AsyncClient:
    base_url, egress = line.base_url or "", line.egress
    limit = line.request_timeout.total_seconds()
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"authorization": f"Bearer {api_key}"},
        verify=certificates(egress.ca_file),
        proxy=proxy_of(egress, httpx.URL(base_url)),
        # Half of the time to get a connection, so that a line which can't be reached is known
        # to be so before the whole exchange is given up as unknown.
        timeout=httpx.Timeout(limit, connect=limit / 4, pool=limit / 4),
        limits=httpx.Limits(
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_IDLE_CONNECTIONS,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
        ),
        trust_env=False,
        transport=line.transport,
        event_hooks={"request": [departure.note]},
    )


def _id_of(response: httpx.Response) -> str | None:
    try:
        content = response.json()
    except ValueError:
        return None
    call_id = content.get("id") if isinstance(content, dict) else None
    return call_id if isinstance(call_id, str) and call_id else None
