"""Who may ask, and how often (voxpria.com/docs/authentication): a bearer token, or `X-API-Key`;
1,000 requests an hour and key, and 100 calls a minute."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import Depends, Request

from outdial.api.admission import Admission, token_of
from outdial.domain.access import Usage
from outdial.services.accounts.access import RateRule

NAME = "voxpria"
_REQUESTS = RateRule("key", 1000, timedelta(hours=1))
TRIGGERS = RateRule("key", 100, timedelta(minutes=1), "calls")


def needs(scope: str, *rules: RateRule) -> Any:
    """A dependency: the caller, who holds this scope and has requests left."""
    every = (_REQUESTS, *rules)
    return Depends(Admission(scope, NAME, _token, lambda _: every))


def _token(request: Request) -> str | None:
    return token_of(request) or request.headers.get("x-api-key")


def rate_headers(usage: Usage, now: datetime) -> Mapping[str, str]:
    return {
        "x-ratelimit-limit": str(usage.limit.allowed),
        "x-ratelimit-remaining": str(usage.remaining),
        "x-ratelimit-reset": str(int(usage.resets_at.timestamp())),
    }
