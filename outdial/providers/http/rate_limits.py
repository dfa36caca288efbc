"""Reads when a rate limit ends, for providers that use other headers than `Retry-After`."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx

from outdial.providers.errors import ProviderError, Throttled
from outdial.providers.reports.instants import from_unix
from outdial.providers.reports.payload import number_at


def until_reset(response: httpx.Response, header: str, now: datetime) -> timedelta | None:
    """From now to the Unix second in a header; None for none or nonsense, zero for the past."""
    reset_at = from_unix(number_at(response.headers.get(header)))
    return None if reset_at is None else max(timedelta(0), reset_at - now)


def with_wait(error: ProviderError, wait: timedelta | None) -> ProviderError:
    """The same error; a throttle that did not say when to come back says so now."""
    if isinstance(error, Throttled) and error.retry_after is None:
        error.retry_after = wait
    return error
