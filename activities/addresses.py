"""Where requests may go whose URL somebody wrote: never to what only this machine can reach.

Checked on the addresses that a name resolves to, and the request goes to the address that was
checked: a name that is resolved once more could lead elsewhere. Redirects are never followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

_IDLE = 20
"""Connections kept for the next request."""


class UrlRefused(ValueError):
    """The text says what was found and what would be right."""

    def __init__(self, text: str, unquoted: str) -> None:
        super().__init__(text)
        self.unquoted = unquoted
        """The same without anything of the URL, which may be about a person."""


class NameUnknown(UrlRefused):
    """The name has no address now; it may have one later."""


@dataclass(frozen=True)
class Target:
    """A URL that may be asked, and the address to ask it at."""

    url: str
    scheme: str
    host: str
    port: int
    address: str


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses, and to what the settings allow besides.

    Raises UrlRefused for others.
    """

    def __init__(
        self, *, allow_private: bool = False, allow_hosts: Collection[str] = frozenset()
    ) -> None:
        self._allow_private = allow_private
        self._allow_hosts = frozenset(allow_hosts)
        # As many as there are requests under way, which their callers bound: in a pool of a fixed
        # size those of one tenant that hang would keep everybody else's waiting.
        self._inner = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_IDLE)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        allowed = self._allow_private or request.url.host in self._allow_hosts
        target = await resolve(str(request.url), allow_private=allowed)
        # The certificate is the name's, though the request goes to the address.
        request.extensions = {**request.extensions, "sni_hostname": target.host}
        request.url = request.url.copy_with(host=target.address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def resolve(url: str, *, allow_private: bool) -> Target:
    """Raises UrlRefused for what is no URL, or leads to an address that is not public."""
    scheme, host, port = parse_url(url)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameUnknown(
            f"found {host!r}, which has no address", "found a host that has no address"
        ) from error
    addresses = [str(one[4][0]) for one in found]
    if not allow_private:
        for address in addresses:
            _require_public(host, address)
    return Target(url, scheme, host, port, addresses[0])


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


def is_public(address: str) -> bool:
    """Whether an address is one of the internet at large."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        if inner is not None and not is_public(str(inner)):
            return False
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
    return parsed.is_global and not parsed.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _require_public(host: str, address: str) -> None:
    if not is_public(address):
        why = "that is no public address, and the settings do not allow others"
        raise UrlRefused(
            f"found {host!r}, which leads to {address}: {why}",
            f"found a host of a private network: {why}",
        )
