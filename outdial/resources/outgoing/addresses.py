"""Guarded HTTP for URLs that users write: refuses addresses that only this machine can reach.

The check is made on the addresses that a name resolves to, and the request goes to the address
that was checked: a name that is resolved once more could lead elsewhere. Redirects are never
followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

import httpcore
import httpx

from outdial.domain.egress import Egress
from outdial.domain.errors import OutdialError
from outdial.resources.outgoing.special_addresses import is_public

_IDLE = 20
"""Connections kept for the next request."""
_KEEP_ALIVE_SECONDS = 5.0
_RESOLVERS = 32
_DIRECT = Egress()


class UrlRefused(OutdialError, ValueError):
    """A URL that may not be requested. The text names what was found and what would be right."""

    code = "url_refused"

    def __init__(self, text: str, unquoted: str) -> None:
        super().__init__(text)
        self.unquoted = unquoted
        """The same without anything of the URL, which may be about a person."""


class NameUnknown(UrlRefused):
    """The name has no address now; it may have one later."""

    code = "host_name_unknown"


@dataclass(frozen=True)
class Target:
    """A URL that may be requested, and the address to connect to."""

    url: str
    scheme: str
    host: str
    port: int
    address: str


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Connects to public addresses, and to what the settings allow besides.

    Connections are pooled by name, and their certificates are checked for it: one address may
    serve many names. The check is made where a connection is opened, on the address that it is
    opened to. Behind a proxy it is made on what the name resolves to here, before the proxy is
    used; where a name leads that has no address here, the proxy decides. Raises UrlRefused for
    others.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        allow_hosts: Collection[str] = frozenset(),
        egress: Egress = _DIRECT,
    ) -> None:
        trusted = _certificates(egress.ca_file)
        super().__init__(verify=trusted, trust_env=False)
        self._egress = egress
        self._network = _GuardedNetwork(allow_private, frozenset(allow_hosts))
        self._proxied = None if egress.proxy is None else _proxied(egress.proxy, trusted)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted,
            # As many as there are requests under way, which their callers bound: in a pool of a
            # fixed size those of one tenant that hang would keep all others waiting.
            max_connections=None,
            max_keepalive_connections=_IDLE,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=self._network,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _, host, port = parse_url(str(request.url))
        if self._proxied is None or self._egress.proxy_for(host) is None:
            return await super().handle_async_request(request)
        # The proxy looks the name up itself. One that has no address here may have one there.
        with contextlib.suppress(NameUnknown):
            await self._network.check(host, port)
        return await self._proxied.handle_async_request(request)

    async def aclose(self) -> None:
        if self._proxied is not None:
            await self._proxied.aclose()
        await super().aclose()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        if self._proxied is not None:
            await self._proxied.aclose()
        await super().__aexit__(exc_type, exc_value, traceback)


def _proxied(proxy: str, trusted: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(
        verify=trusted,
        trust_env=False,
        proxy=httpx.Proxy(proxy, ssl_context=trusted if proxy.startswith("https:") else None),
        limits=httpx.Limits(
            max_connections=None,
            max_keepalive_connections=_IDLE,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
        ),
    )


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks the addresses, and connects to one of them."""

    def __init__(self, allow_private: bool, allow_hosts: frozenset[str]) -> None:
        self._allow_private = allow_private
        self._allow_hosts = allow_hosts
        self._network = httpcore.AnyIOBackend()

    async def check(self, host: str, port: int) -> str:
        """An address that a request to this name may go to. Raises UrlRefused."""
        allowed = self._allow_private or host in self._allow_hosts
        return await look_up(host, port, allow_private=allowed)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        address = await self.check(host, port)
        return await self._network.connect_tcp(
            address, port, timeout, local_address, socket_options
        )

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("no request goes to a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


@functools.cache
def _certificates(ca_file: str | None) -> ssl.SSLContext:
    """The authorities that are trusted, read once for all transports: the public ones, and those
    of a file."""
    trusted = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        trusted.load_verify_locations(ca_file)
    return trusted


@functools.cache
def _resolvers() -> ThreadPoolExecutor:
    """Threads for name resolution alone: a name server that never answers blocks one of these,
    and none of the default executor's."""
    return ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")


async def resolve(url: str, *, allow_private: bool) -> Target:
    """Raises UrlRefused for what is no URL, or leads to an address that is not public."""
    scheme, host, port = parse_url(url)
    address = await look_up(host, port, allow_private=allow_private)
    return Target(url, scheme, host, port, address)


async def look_up(host: str, port: int, *, allow_private: bool) -> str:
    """An address of the name; all that it has are checked. Raises UrlRefused."""
    loop = asyncio.get_running_loop()
    try:
        infos = await loop.run_in_executor(
            _resolvers(), lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError) as error:
        raise NameUnknown(
            f"found {host!r}, which has no address", "found a host that has no address"
        ) from error
    addresses = [str(one[4][0]) for one in infos]
    if not allow_private:
        for address in addresses:
            _require_public(host, address)
    return addresses[0]


def parse_url(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises UrlRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        text = f"found {url!r}, which is no URL: {error}"
        raise UrlRefused(text, "found what is no URL") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        text = f"found {url!r}; write one such as https://example.com/hooks"
        raise UrlRefused(text, "found a URL that is neither http nor https, or has no host")
    if parts.username is not None or parts.password is not None:
        text = "found a URL with a user or password"
        raise UrlRefused(f"{text}; requests are signed instead", text)
    if not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        why = "has characters that a URL may not have"
        raise UrlRefused(f"found {url!r}, which {why}", f"found a URL that {why}")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _require_public(host: str, address: str) -> None:
    if not is_public(address):
        why = "that is no public address, and the settings do not allow others"
        raise UrlRefused(
            f"found {host!r}, which leads to {address}: {why}",
            f"found a host of a private network: {why}",
        )
