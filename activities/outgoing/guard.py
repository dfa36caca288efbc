"""Keeps requests whose address somebody wrote away from this machine's own network.

A name is resolved here, every address it has is checked, and the connection goes to the one that
was checked: a name that resolves to something else a moment later gains nothing. Redirects are
never followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection

import httpx


class AddressRefused(Exception):
    """No request may go there; the text says why."""


def check_url(url: str) -> httpx.URL:
    """Raises AddressRefused unless it is http or https, with a host and without credentials."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise AddressRefused(
            "found what is no URL; write one such as https://example.com"
        ) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise AddressRefused("found a URL that is neither http nor https")
    if parsed.userinfo:
        raise AddressRefused("found credentials in a URL; name a secret of the settings instead")
    return parsed


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses, and to hosts that the settings name."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(allowed)
        self._inner = httpx.AsyncHTTPTransport(retries=0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = check_url(str(request.url)).host
        if host in self._allowed:
            return await self._inner.handle_async_request(request)
        address = await _public_address(host, request.url.port or _port(request.url))
        # The certificate is still the name's.
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


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


async def _public_address(host: str, port: int) -> str:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"the host cannot be found: {type(error).__name__}") from error
    addresses = [str(info[4][0]) for info in found]
    if not addresses:
        raise httpx.ConnectError("the host has no address")
    if not all(is_public(address) for address in addresses):
        raise AddressRefused(
            "found a host of a private network; name it under callbacks.allow_hosts in the "
            "settings if requests may go there"
        )
    return addresses[0]


def _port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80
