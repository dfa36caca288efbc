"""How many recipients and calls the steps of a claim are about, and how soon it tries again."""

from __future__ import annotations

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


def scan_step(missing: int, left: int) -> int:
    """How many recipients the next step of a scan decides about: `missing` are to be made ready,
    and `left` decisions may still be made."""
    return min(LARGEST_STEP, max(SMALLEST_STEP, missing), left)
