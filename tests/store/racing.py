"""Threads that start at one moment, and transactions that wait for each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import text

from outdial.store.db.database import Database

T = TypeVar("T")

WAITS = 20
"""Seconds after which a thread that should go on is taken for stuck."""
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def race(works: Sequence[Callable[[], T]]) -> list[T]:
    """Run all at once; their results in order. Raises what any of them raised."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as executor:
        return list(executor.map(run, works))


@contextmanager
def apart(work: Callable[[], T]) -> Iterator[Future[T]]:
    """Run in a thread of its own."""
    with ThreadPoolExecutor(1) as executor:
        yield executor.submit(work)


def until_somebody_waits(database: Database, count: int = 1) -> None:
    """Return when so many transactions of a PostgreSQL database wait for locks."""
    by = time.monotonic() + WAITS
    while database.read_sync(lambda s: s.connection().execute(_WAITING).scalar_one()) < count:
        assert time.monotonic() < by, "nobody waits for a lock"
