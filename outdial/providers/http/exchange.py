"""HTTP client of a line, which maps broken exchanges to errors.

A create is sent once. Other requests may be repeated, so whatever breaks there is only
`Unavailable`.
"""

from __future__ import annotations

import asyncio
import functools
import re
import ssl
from collections.abc import Generator, Mapping
from typing import Any

import httpx

from outdial.domain.egress import Egress
from outdial.providers.errors import Misconfigured, PlacementUnknown, Unavailable, Unsendable
from outdial.providers.http import departure
from outdial.providers.port import LineConfig

_KEEP_ALIVE_SECONDS = 2.0
"""Shorter than any server's: one that closes an idle connection just as a create leaves on it
would turn that call into an unknown one."""
_IDLE_CONNECTIONS = 10
"""httpx looks at every idle connection before each request."""
_CONNECTIONS = 200
"""As many calls as one claim may start."""

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,  # it opened no tunnel
)
_NO_SUCH_PLACE = (httpx.UnsupportedProtocol, httpx.InvalidURL)
_UNWRITABLE = re.compile(rb"[\x00\r\n]|^[ \t]|[ \t]$")
"""What no header may hold; the HTTP library refuses it as it refuses a broken answer."""
_BROKEN = (httpx.TransportError, httpx.DecodingError, TimeoutError)


class HeaderAuth(httpx.Auth):
    """A credential that travels in one header, and only to the provider's own API."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._name] = self._value
        yield request


class ProviderHttp:
    """The HTTP API of a line's provider. No request is ever repeated by itself."""

    def __init__(
        self, line: LineConfig, *, default_url: str, auth: httpx.Auth | None = None
    ) -> None:
        """Raises Misconfigured when the line's base_url is not an address."""
        self._line = line.name
        self._limit = line.request_timeout.total_seconds()
        self.base_url = line.base_url or default_url
        try:
            url = httpx.URL(self.base_url)
        except httpx.InvalidURL as exc:
            raise self._no_such_place() from exc
        if url.scheme not in ("http", "https") or not url.host:
            raise self._no_such_place()
        if url.userinfo:
            raise Misconfigured(
                f"line {line.name}: base_url holds a password; write it under credentials",
                code="base_url",
            )
        self._client = _client(url, auth, line)

    async def create(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request that dials; keyword arguments as of `httpx.AsyncClient.request`.

        Raises Unsendable for one that can't be encoded, Unavailable when it certainly never left,
        PlacementUnknown when it may have arrived. An answer of any status is returned.
        """
        written = self._written(method, path, {**request, "extensions": departure.dialing()})
        try:
            return await self._send(written, request)
        except _NEVER_SENT as exc:
            raise self._unreachable(exc) from exc
        except _NO_SUCH_PLACE as exc:
            raise self._no_such_place() from exc
        except _BROKEN as exc:
            kind = type(exc).__name__
            raise PlacementUnknown(
                f"line {self._line}: no answer to a create that may have arrived ({kind})",
                code=kind,
            ) from exc

    async def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request that may be repeated. An answer of any status is returned.

        Raises Unsendable for one that can't be encoded, Unavailable whatever breaks.
        """
        written = self._written(method, path, request)
        try:
            return await self._send(written, request)
        except _NO_SUCH_PLACE as exc:
            raise self._no_such_place() from exc
        except _BROKEN as exc:
            raise self._unreachable(exc) from exc

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _send(self, written: httpx.Request, options: Mapping[str, Any]) -> httpx.Response:
        # httpx bounds each read and write; a server that trickles is bounded here.
        async with asyncio.timeout(self._limit):
            auth = options.get("auth", httpx.USE_CLIENT_DEFAULT)
            return await self._client.send(written, auth=auth)

    def _written(self, method: str, path: str, request: Mapping[str, Any]) -> httpx.Request:
        """Raises Unsendable for what an order holds that JSON, a form, a URL or a header can't."""
        parts = {name: value for name, value in request.items() if name != "auth"}
        try:
            written = self._client.build_request(method, path, **parts)
        except (ValueError, TypeError, RecursionError, httpx.InvalidURL) as exc:
            raise self._unsendable(exc) from exc
        if any(_UNWRITABLE.search(value) for _name, value in written.headers.raw):
            raise self._unsendable(None)
        return written

    def _unsendable(self, exc: Exception | None) -> Unsendable:
        kind = "a header that HTTP can't carry" if exc is None else type(exc).__name__
        return Unsendable(
            f"line {self._line}: this order can't be written as a request ({kind}); look at its "
            "variables and at the agent's settings",
            code="unsendable",
        )

    def _unreachable(self, exc: Exception) -> Unavailable:
        kind = type(exc).__name__
        return Unavailable(
            f"line {self._line}: {self.base_url} can't be reached ({kind})", code=kind
        )

    def _no_such_place(self) -> Misconfigured:
        return Misconfigured(
            f"line {self._line}: base_url is {self.base_url!r}, "
            "and should start with http:// or https:// and name a host",
            code="base_url",
        )


def _client(base_url: httpx.URL, auth: httpx.Auth | None, line: LineConfig) -> httpx.AsyncClient:
    limit, egress = line.request_timeout.total_seconds(), line.egress
    return httpx.AsyncClient(
        base_url=base_url,
        auth=auth,
        verify=certificates(egress.ca_file),
        proxy=proxy_of(egress, base_url),
        # A quarter of the time to get a connection, so that a line which can't be reached is
        # known to be so before the whole exchange is given up as unknown.
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


def proxy_of(egress: Egress, url: httpx.URL) -> httpx.Proxy | None:
    """The proxy of requests to a base URL."""
    proxy = egress.proxy_for(url.host)
    if proxy is None:
        return None
    secure = proxy.startswith("https:")
    return httpx.Proxy(proxy, ssl_context=certificates(egress.ca_file) if secure else None)


@functools.cache
def certificates(ca_file: str | None) -> ssl.SSLContext:
    """The trusted certificate authorities, read once for all lines: the public ones, and those of a
    file."""
    trusted = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        trusted.load_verify_locations(ca_file)
    return trusted
