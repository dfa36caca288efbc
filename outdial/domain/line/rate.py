"""Rate limit of a line: a token bucket for each second of the clock, or, for a line that may start
less than one call a second, for each interval that begins with a call."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime


def rate_of(per_second: float) -> tuple[int, int]:
    """So many calls in so many seconds: never more than `per_second`."""
    if per_second >= 1:
        return math.floor(per_second), 1
    # Rounded first: a division must not make a second of its last bit.
    return 1, math.ceil(round(1 / per_second, 6))


def free_again_at(second: int, bucket: int, calls: int, seconds: int, ahead: int = 0) -> datetime:
    """When a call that found no token at `second` asks again: once the `ahead` calls that are
    queued before it will have taken theirs. `bucket` is the second that the last token is from."""
    free_from = bucket if bucket > second else bucket + seconds
    return datetime.fromtimestamp(free_from + ahead // calls * seconds, UTC)


@dataclass(slots=True)
class Bucket:
    """The tokens of a line that one process alone takes."""

    calls: int
    """Tokens in an interval."""
    seconds: int
    """Its length."""
    second: int = 0
    """When the present interval began, in seconds of Unix time."""
    used: int = 0

    def take(self, now: datetime) -> bool:
        """Take a token; False when none is left now."""
        second = int(now.timestamp())
        if self.second <= second - self.seconds:
            self.second, self.used = second, 1
            return True
        # Within an interval of several seconds there is one token, and it is taken.
        if self.second == second and self.used < self.calls:
            self.used += 1
            return True
        return False

    def free_again_at(self, now: datetime, ahead: int) -> datetime:
        """When to ask again; `ahead` calls are queued before this one."""
        return free_again_at(int(now.timestamp()), self.second, self.calls, self.seconds, ahead)
