"""LiveKit's access tokens: JWTs signed with the API secret, ours and those of its webhooks.

docs.livekit.io/home/get-started/authentication; livekit/protocol webhook/verifier.go.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt

from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.payload import number_at, text_at
from outdial.providers.signing import header_of, require_equal, required_secret

LEEWAY = timedelta(minutes=1)
"""How far the clocks may differ."""

_ALGORITHM = "HS256"
_LIFE = timedelta(minutes=5)


def mint(
    api_key: str,
    api_secret: str,
    grants: Mapping[str, Any],
    now: datetime,
    *,
    life: timedelta = _LIFE,
) -> str:
    """A token that allows what the grants say, by default for five minutes."""
    claims = {"iss": api_key, "nbf": now - LEEWAY, "exp": now + life, **grants}
    return jwt.encode(claims, api_secret, algorithm=_ALGORITHM)


def verify(
    headers: Mapping[str, str], body: bytes, api_key: str, api_secret: str | None, now: datetime
) -> None:
    """Raises WebhookRefused unless LiveKit signed exactly this, and the token is still good."""
    secret = required_secret(api_secret, "api_secret")
    given = header_of(headers, "authorization").removeprefix("Bearer ")
    try:
        claims = jwt.decode(
            given,
            secret,
            algorithms=[_ALGORITHM],
            issuer=api_key,
            # The times are checked below, against the clock we were given.
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "require": ["exp", "iss"],
            },
        )
    except jwt.PyJWTError as exc:
        raise WebhookRefused(f"the token is missing or not good ({type(exc).__name__})") from exc
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    require_equal(digest, text_at(claims, "sha256") or "", "the hash of the body")
    moment, leeway = now.timestamp(), LEEWAY.total_seconds()
    expires, begins = number_at(claims, "exp"), number_at(claims, "nbf")
    if expires is None or moment > expires + leeway:
        raise WebhookRefused("the token has expired")
    if begins is not None and moment < begins - leeway:
        raise WebhookRefused("the token is of the future")
