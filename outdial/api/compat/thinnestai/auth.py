"""Who may ask, and how often: limits by key and kind of request, as the voice API's page has them
(docs.thinnest.ai/docs/deploy/voice-api; the rest, docs.thinnest.ai/api-reference)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from outdial.api.compat.bearer import bearer
from outdial.domain.access import Usage
from outdial.services.accounts.access import RateRule

NAME = "thinnestai"
PER_MINUTE = {"dial": 10, "start": 30, "status": 60, "list": 30, "other": 120}


def needs(scope: str, group: str = "other") -> Any:
    """A dependency: the caller, who holds this scope and has requests of this group left."""
    rule = RateRule("key", PER_MINUTE[group], timedelta(minutes=1), group)
    return bearer(scope, NAME, rule)


def rate_headers(usage: Usage, now: datetime) -> Mapping[str, str]:
    return {
        "x-ratelimit-limit": str(usage.limit.allowed),
        "x-ratelimit-remaining": str(usage.remaining),
        "x-ratelimit-reset": str(int(usage.resets_at.timestamp())),
    }
