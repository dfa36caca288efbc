"""Observations of calls, for the metrics of a worker."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from outdial.contracts.signatures.call import PlacementResult
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.status import FailureClass
from outdial.metrics.calls import CLAIMED_CALLS, PLACEMENTS, PROVIDER_SECONDS, SLOT_REFILL
from outdial.providers.errors import ProviderError

LONGEST_REFILL = timedelta(minutes=1)
"""A slot that is empty for longer has nobody to be filled with."""
_MOST_SLOTS = 1000
"""Empty slots of a line that are remembered."""


def expect_lines(names: Iterable[str]) -> None:
    """Begin the counts of lines at zero: of one that is there for the first time Prometheus can't
    tell that it grew."""
    for name in names:
        for result in PlacementResult:
            PLACEMENTS.labels(name, result.value)
        for failure in ("ok", *(each.value for each in FailureClass)):
            PROVIDER_SECONDS.labels(name, "place", failure)


@contextmanager
def provider_request(line: str, operation: str) -> Iterator[None]:
    """Observe how long a request to a provider takes and how it ends."""
    begun, result = time.perf_counter(), "error"
    try:
        yield
        result = "ok"
    except ProviderError as error:
        result = error.failure.value
        raise
    finally:
        took = time.perf_counter() - begun
        PROVIDER_SECONDS.labels(line, operation, result).observe(took)


class EmptySlots:
    """When calls of this worker ended, until its claims fill their slots again."""

    def __init__(self) -> None:
        self._since: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_MOST_SLOTS))

    def empty(self, line: str) -> None:
        """A call on the line has ended."""
        self._since[line].append(time.monotonic())

    def fill(self, calls: Sequence[ClaimedCall]) -> None:
        """Calls were claimed: each fills the slot of its line that has been empty for longest."""
        now = time.monotonic()
        for call in calls:
            CLAIMED_CALLS.labels(call.line).inc()
            since = self._since[call.line]
            while since:
                took = now - since.popleft()
                if took <= LONGEST_REFILL.total_seconds():
                    SLOT_REFILL.labels(call.line).observe(took)
                    break


EMPTY_SLOTS = EmptySlots()
"""Of this process: its activities end calls and claim others."""
