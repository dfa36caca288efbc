"""How many recipients and calls the steps of a claim are about, and how soon it tries again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

MAX_CALLS = 200
MAX_DECISIONS = 500
SLACK = 20
"""Recipients read beyond the allowance, for those who turn out not to be callable now."""
LARGEST_STEP = 200
SMALLEST_STEP = 25
"""So that the order of windows holds among more recipients than there are free slots."""
MOST_LEFT = SLACK + SMALLEST_STEP
"""Recipients that a claim stores as ready where its lines are full."""
MOST_COUNTED = 1000
"""Ready recipients are counted up to here."""
RESCHEDULED = 400
"""Recipients read in one step of putting off: a claim stays under 50 ms."""
NUMBER_RETRY = timedelta(seconds=5)
"""The end of another campaign's call to the same number does not wake this one."""


@dataclass(frozen=True, slots=True)
class Needed:
    """How many more recipients a claim makes ready: no more than lines will take soon."""

    redials: int
    """Of those who have a time of their own."""
    all: int

    def after(self, promoted: int) -> Needed:
        """What is still missing when so many were made ready."""
        return Needed(self.redials - promoted, self.all - promoted)

    def step(self, left: int) -> int:
        """How many recipients the next step of a scan decides about, where `left` decisions may
        still be made."""
        return min(LARGEST_STEP, max(SMALLEST_STEP, self.redials, self.all), left)
