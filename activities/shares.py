"""Each tenant's share of a worker's places, so that whoever hangs delays only their own work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
