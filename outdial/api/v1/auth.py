"""Authentication: a key in the Authorization header, and its scopes."""

from datetime import datetime
from typing import Any

from fastapi import Depends
from fastapi.security import HTTPBearer

from outdial.api.admission import Admission, token_of
from outdial.api.state import state_of
from outdial.domain.access import Usage

BEARER = HTTPBearer(
    auto_error=False, description="A key as `outdial keys create` or `POST /v1/keys` shows it."
)


def needs(scope: str) -> Any:
    """A dependency: the caller, who holds this scope."""
    return Depends(Admission(scope, "v1", token_of, lambda request: state_of(request).policy.rules))


def rate_headers(usage: Usage, now: datetime) -> dict[str, str]:
    """The rest of a rate limit, as headers."""
    return {
        "ratelimit-limit": str(usage.limit.allowed),
        "ratelimit-remaining": str(usage.remaining),
        "ratelimit-reset": str(int(usage.resets_at.timestamp())),
    }
