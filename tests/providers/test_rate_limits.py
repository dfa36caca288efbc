"""When a rate limit ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from outdial.providers.errors import Misconfigured, Throttled
from outdial.providers.http.rate_limits import until_reset, with_wait

NOW = datetime(2027, 3, 1, 15, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (str(int(NOW.timestamp()) + 60), MINUTE),
        (str(int(NOW.timestamp()) - 60), timedelta(0)),
        ("soon", None),
        ("1e300", None),
        (None, None),
    ],
)
def test_until_a_unix_second(value: str | None, expected: timedelta | None) -> None:
    headers = {} if value is None else {"x-reset": value}
    assert until_reset(httpx.Response(429, headers=headers), "x-reset", NOW) == expected


def test_only_a_throttle_that_says_nothing_gets_a_wait() -> None:
    silent, timed, other = Throttled("no"), Throttled("no", retry_after=MINUTE), Misconfigured("no")
    for error in (silent, timed, other):
        assert with_wait(error, 2 * MINUTE) is error
    assert (silent.retry_after, timed.retry_after) == (2 * MINUTE, MINUTE)
