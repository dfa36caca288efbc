"""Limits each tenant's share of a worker, so that one whose work hangs delays no other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class TenantShares:
    """Counts the places that each tenant holds in this worker."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    @contextmanager
    def place(self, tenant: str) -> Iterator[bool]:
        """Hold a place for the block; False, without one, if the tenant's share is taken."""
        if self._held[tenant] >= self._most:
            yield False
            return
        self._held[tenant] += 1
        try:
            yield True
        finally:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]


class TenantTurns(TenantShares):
    """Shares with a queue: what got no place is next in order when one becomes free."""

    def __init__(
        self, most: int, *, keep: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`keep`: for how many seconds a turn is reserved for one that does not come back; another
        worker may have served it."""
        super().__init__(most)
        self._keep = keep
        self._clock = clock
        self._waiting: dict[str, dict[str, float]] = {}
        """By tenant: those that got no place, in order, each with the end of its reservation."""

    @contextmanager
    def turn(self, tenant: str, who: str) -> Iterator[bool]:
        """Hold a place for the block; False if none is free but those reserved for others."""
        waiting = self._awaited(tenant)
        before = list(waiting).index(who) if who in waiting else len(waiting)
        if self._free(tenant) <= before:
            waiting[who] = self._clock() + self._keep
            self._waiting[tenant] = waiting
            yield False
            return
        if waiting.pop(who, None) is not None and not waiting:
            del self._waiting[tenant]
        with self.place(tenant) as held:
            yield held

    def wanted(self, tenant: str) -> bool:
        """Whether more are waiting than there are free places."""
        return len(self._awaited(tenant)) > self._free(tenant)

    def _free(self, tenant: str) -> int:
        return self._most - self._held[tenant]

    def _awaited(self, tenant: str) -> dict[str, float]:
        now = self._clock()
        waiting = {
            who: until for who, until in self._waiting.pop(tenant, {}).items() if until > now
        }
        if waiting:
            self._waiting[tenant] = waiting
        return waiting
