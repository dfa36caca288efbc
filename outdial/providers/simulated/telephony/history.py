"""How many calls were open at every instant, kept exactly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


class OpenHistory:
    """The number of open calls over time, as the list of its changes, oldest first."""

    def __init__(self) -> None:
        self.changes: list[tuple[datetime, int]] = []
        self.open = 0
        self.peak = 0

    def add(self, change: int, at: datetime) -> None:
        """Count one call more (+1) or less (-1) from an instant on."""
        self.open += change
        self.peak = max(self.peak, self.open)
        self.changes.append((at, self.open))


def mean_open(changes: Sequence[tuple[datetime, int]], start: datetime, end: datetime) -> float:
    """The time-weighted mean number of open calls from start to end.

    Raises ValueError when the end is not after the start.
    """
    if end <= start:
        raise ValueError(f"the end must be after the start, got {start} to {end}")
    weighted = 0.0
    since, level = start, 0
    for at, after in changes:
        if at >= end:
            break
        if at > since:
            weighted += level * (at - since).total_seconds()
            since = at
        level = after
    weighted += level * (end - since).total_seconds()
    return weighted / (end - start).total_seconds()
