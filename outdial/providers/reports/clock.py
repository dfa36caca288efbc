"""The clock of adapters, used where a report has no time of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Now, in UTC; injected so that tests can move it."""


def system_clock() -> datetime:
    return datetime.now(UTC)
