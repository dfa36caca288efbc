"""Building blocks of webhook verification. All comparisons take constant time."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from outdial.providers.errors import WebhookRefused

TOKEN = "token"
"""The query parameter that carries the secret of a line whose provider signs nothing, where it
is not the end of the path."""
CALL_ID = "call_id"
"""The query parameter that carries our id where the provider echoes nothing else."""


def header_of(headers: Mapping[str, str], name: str) -> str:
    """A header whatever its case; empty when it is missing."""
    lowered = name.lower()
    return next((value for key, value in headers.items() if key.lower() == lowered), "")


def required_secret(secret: str | None, key: str = "webhook_secret") -> str:
    """The secret to check with. Raises WebhookRefused when the line has none."""
    if not secret:
        raise WebhookRefused(f"this line has no credentials.{key}, so nothing can be believed")
    return secret


def require_equal(expected: str, given: str, what: str) -> None:
    """Raises WebhookRefused when a signature or secret differs or is missing."""
    if not given or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise WebhookRefused(f"{what} is missing or does not fit")


def require_recent(signed_at: datetime | None, now: datetime, tolerance: timedelta) -> None:
    """Raises WebhookRefused for what was signed too long ago, or too far in the future."""
    if signed_at is None:
        raise WebhookRefused("the time of signing is missing or can't be read")
    if abs(now - signed_at) > tolerance:
        raise WebhookRefused(f"signed more than {tolerance} away from now")


def require_token(url: str, secret: str | None) -> None:
    """Check the secret in the URL that the provider was given.

    Raises WebhookRefused when the line has none, or the URL another.
    """
    require_equal(required_secret(secret), token_in(url), "the token in the URL")


def token_in(url: str) -> str:
    """The secret in a URL `…/hooks/<line>/<token>` or `…?token=<token>`; empty for none."""
    _, hooks, path = urlsplit(url).path.rpartition("/hooks/")
    _line, _, segment = path.partition("/")
    return query_of(url, TOKEN) or (unquote(segment) if hooks else "")


def with_token(url: str, secret: str) -> str:
    """The URL of a line's webhooks with the secret, if there is one, as the end of its path."""
    if not secret:
        return url
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{quote(secret, safe='')}"
    return urlunsplit(parts._replace(path=path))


def require_address(headers: Mapping[str, str], options: Mapping[str, Any]) -> None:
    """Check the sender's address against `allowed_addresses`, when the line has such a list.

    The address is read from the header `address_header`, which the reverse proxy in front has to
    set; of several addresses the last counts, which the proxy itself wrote. Raises WebhookRefused
    when it is not in the list, can't be read, or no header is named.
    """
    allowed = options.get("allowed_addresses")
    if not allowed:
        return
    given = header_of(headers, str(options.get("address_header") or "")).split(",")[-1].strip()
    try:
        address = ip_address(given)
        fits = any(address in ip_network(str(one)) for one in allowed)
    except ValueError as exc:
        raise WebhookRefused("the sender's address, or the list of allowed ones, is none") from exc
    if not fits:
        raise WebhookRefused("the sender's address is not allowed")


def with_query(url: str, **parameters: str) -> str:
    """The URL with these parameters added to its query."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(parameters))))
    return urlunsplit(parts._replace(query=query))


def query_of(url: str, name: str) -> str:
    """The last value of a query parameter; empty when there is none."""
    return dict(parse_qsl(urlsplit(url).query)).get(name, "")
