"""Where webhooks may be sent: never to what only this machine can reach.

Checked on the addresses that a name resolves to, and the request goes to the address that was
checked: a name that is resolved once more could lead elsewhere.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


class UrlRefused(ValueError):
    """The text says what was found and what would be right."""


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


async def resolve(url: str, *, allow_private: bool) -> Target:
    """Raises UrlRefused for what is no URL, or leads to an address that is not public."""
    scheme, host, port = parse_url(url)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameUnknown(f"found {host!r}, which has no address") from error
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
        raise UrlRefused(f"found {url!r}, which is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UrlRefused(f"found {url!r}; write one such as https://example.com/hooks")
    if parts.username is not None or parts.password is not None:
        raise UrlRefused("found a URL with a user or password; requests are signed instead")
    if not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        raise UrlRefused(f"found {url!r}, which has characters that a URL may not have")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _require_public(host: str, address: str) -> None:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    inner = mapped or getattr(ip, "sixtofour", None) or ip
    if not (ip.is_global and inner.is_global) or ip.is_multicast:
        raise UrlRefused(
            f"found {host!r}, which leads to {address}: that is no public address, and the "
            "settings do not allow others"
        )
