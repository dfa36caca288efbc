"""Work that a transaction does last, so that the rows which it locks are locked for as short a
time as can be, and in an order that no two transactions disagree about."""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session

_KEY = "last"


def run_last(s: Session, work: Callable[[], None]) -> None:
    """Have work done in this transaction immediately before it is committed."""
    s.info.setdefault(_KEY, []).append(work)


def finish(s: Session) -> None:
    """Do what `run_last` was given; called by the one place that commits."""
    for work in s.info.pop(_KEY, ()):
        work()
