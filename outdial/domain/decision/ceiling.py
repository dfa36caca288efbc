"""Daily ceiling: the installation's hard limit of placements to one number.

In any 24 hours no number gets more placements than that, over all campaigns and tenants of the
installation. It counts requests that left, not what was read into the answers of providers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

DAILY_CEILING = 5
"""Unless the installation sets another; 0 turns it off."""
WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The ceiling over one number that has reached it."""

    calls: int
    placements: tuple[datetime, ...]
    """Those of the last 24 hours to the number, oldest first."""

    def free_at(self, at: datetime) -> datetime:
        """The first instant from `at` on at which another placement may leave."""
        if len(self.placements) < self.calls:
            return at
        return max(at, self.placements[-self.calls] + WITHIN)
