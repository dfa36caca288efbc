"""Who may ask, and how often (voxpria.com/docs/authentication): a bearer token, or `X-API-Key`;
1,000 requests an hour and key, and 100 calls a minute."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import Depends, Request

from api.compat.bearer import token_of
from api.state import state_of
from domain.access import Usage
from services.access import Caller, RateRule, admit

NAME = "voxpria"
_REQUESTS = RateRule("key", 1000, timedelta(hours=1))
TRIGGERS = RateRule("key", 100, timedelta(minutes=1), "calls")


def needs(scope: str, *rules: RateRule) -> Any:
    """A dependency: the caller, who holds this scope and has requests left."""

    async def admitted(request: Request) -> Caller:
        caller = await admit(
            state_of(request).context,
            token_of(request) or request.headers.get("x-api-key"),
            scope=scope,
            door=NAME,
            address=request.client.host if request.client else "unknown",
            rules=(_REQUESTS, *rules),
        )
        request.state.usages = caller.usages
        return caller

    return Depends(admitted)


def rate_headers(usage: Usage, now: datetime) -> Mapping[str, str]:
    return {
        "x-ratelimit-limit": str(usage.limit.allowed),
        "x-ratelimit-remaining": str(usage.remaining),
        "x-ratelimit-reset": str(int(usage.resets_at.timestamp())),
    }
