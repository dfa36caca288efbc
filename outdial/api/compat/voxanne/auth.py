"""Who may ask, and how often: 1,000 requests an hour of one organization, and 100 in 15 minutes
from one address, over all endpoints (voxanne.ai/api-reference)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from outdial.api.compat.bearer import bearer
from outdial.domain.access import Usage
from outdial.services.accounts.access import RateRule

NAME = "voxanne"
RULES = (
    RateRule("tenant", 1000, timedelta(hours=1)),
    RateRule("address", 100, timedelta(minutes=15)),
)


def needs(scope: str) -> Any:
    """A dependency: the caller, who holds this scope."""
    return bearer(scope, NAME, *RULES)


def rate_headers(usage: Usage, now: datetime) -> Mapping[str, str]:
    """As the draft standard has them: the reset is in seconds from now."""
    return {
        "ratelimit-limit": str(usage.limit.allowed),
        "ratelimit-remaining": str(usage.remaining),
        "ratelimit-reset": str(max(0, ceil((usage.resets_at - now).total_seconds()))),
    }
