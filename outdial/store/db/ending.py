"""Work that a transaction does last, so that the rows which it locks are locked for as short a
time as can be, and in an order that no two transactions disagree about."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from operator import itemgetter

from sqlmodel import Session

_KEY = "last"


class Turn(IntEnum):
    """The order in which such work is done."""

    MARKS = 0
    """Endpoints are marked as due."""
    TOTALS = 1
    """Totals of budgets, which transactions of one campaign have in common."""
    LOG = 2
    """Entries of the operator log, which those of one tenant have in common."""


def run_last(s: Session, work: Callable[[], None], turn: Turn = Turn.MARKS) -> None:
    """Have work done in this transaction immediately before it is committed."""
    s.info.setdefault(_KEY, []).append((turn, work))


def finish(s: Session) -> None:
    """Do what `run_last` was given; called by the one place that commits."""
    for _, work in sorted(s.info.pop(_KEY, ()), key=itemgetter(0)):
        work()
