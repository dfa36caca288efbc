"""How the clock of this host and that of the database differ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from outdial.store.db.dialect import on_postgresql

SAMPLES = 3
SLOWEST = timedelta(seconds=1)
"""An answer that took longer is ignored: half of the time may be the error."""
_NOW = text("SELECT clock_timestamp()")


def _host_clock() -> datetime:
    return datetime.now(UTC)


def measure_skew(s: Session, host: Callable[[], datetime] = _host_clock) -> timedelta | None:
    """By how much the host is ahead, by the quickest of a few answers; SQLite has its clock.

    None when all of them were too slow.
    """
    if not on_postgresql(s):
        return timedelta(0)
    quickest: tuple[timedelta, timedelta] | None = None
    for _ in range(SAMPLES):
        sent = host()
        there: datetime = s.connection().execute(_NOW).scalar_one()
        took = host() - sent
        ahead = sent + took / 2 - there.astimezone(UTC)
        if timedelta(0) <= took <= SLOWEST and (quickest is None or took < quickest[0]):
            quickest = took, ahead
    return None if quickest is None else quickest[1]
