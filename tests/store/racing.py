"""Threads that start at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def race(works: Sequence[Callable[[], T]]) -> list[T]:
    """Run all at once; their results in order. Raises what any of them raised."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as executor:
        return list(executor.map(run, works))
