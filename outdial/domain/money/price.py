"""What a call on a line costs, by the line's prices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from outdial.domain.money.amount import Money

INCREMENT = timedelta(seconds=60)
"""The default billing increment: a started minute is billed in full."""
LONGEST_INCREMENT = timedelta(hours=1)
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class LinePrice:
    """The prices of a line, in millionths of its currency."""

    currency: str
    per_minute: int = 0
    per_call: int = 0
    increment: int = _MINUTE
    """Seconds; a talk is billed in whole multiples of it, rounded up."""

    @classmethod
    def of(
        cls, per_minute: Money | None, per_call: Money | None, increment: timedelta = INCREMENT
    ) -> LinePrice | None:
        """The price of a line by its settings; None: they name none."""
        given = per_minute or per_call
        if given is None:
            return None
        return cls(
            given.currency,
            0 if per_minute is None else per_minute.amount,
            0 if per_call is None else per_call.amount,
            max(1, int(increment.total_seconds())),
        )

    def cost(self, seconds: float) -> int:
        """Of a call that was answered for so long; 0: of one that was not answered."""
        billed = math.ceil(max(0.0, seconds) / self.increment) * self.increment
        return self.per_call + -(-self.per_minute * billed // _MINUTE)

    def highest(self, max_duration: timedelta) -> int:
        """The most that a call can cost which is ended after `max_duration`."""
        return self.cost(max_duration.total_seconds())
