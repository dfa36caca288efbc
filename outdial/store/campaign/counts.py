"""Reads how many recipients and calls of a launch are in which state; nothing is counted for it.

Triggers keep these totals (`store.db.tables.progress`). A reader gets few rows, however large the
roster is, and its own transaction's changes are in them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, cast, func, select
from sqlmodel import Session

from outdial.domain.record import RecipientState
from outdial.store.db.tables import progress_count

_OF_LAUNCH = (
    progress_count.c.campaign_id == bindparam("campaign_id"),
    progress_count.c.launch == bindparam("launch"),
)
_KEY = (progress_count.c.subject, progress_count.c.value, progress_count.c.detail)
_TOTAL = cast(func.coalesce(func.sum(progress_count.c.total), 0), BigInteger)
_ALL = select(*_KEY, _TOTAL.label("total")).where(*_OF_LAUNCH).group_by(*_KEY).having(_TOTAL > 0)
_OPEN = select(_TOTAL).where(
    *_OF_LAUNCH,
    progress_count.c.subject == "recipient",
    progress_count.c.value.in_([s.value for s in RecipientState if s is not RecipientState.DONE]),
)


@dataclass(frozen=True, slots=True)
class LaunchCounts:
    by_state: dict[str, int]
    """Recipients by RecipientState."""
    by_outcome: dict[str, int]
    """Recipients that are done, by final outcome."""
    calls: dict[str, int]
    """Calls by CallStatus."""
    attempts: int

    @property
    def recipients(self) -> int:
        return sum(self.by_state.values())


def read_counts(s: Session, campaign_id: int, launch: int) -> LaunchCounts:
    by_state = {state.value: 0 for state in RecipientState}
    by_outcome: dict[str, int] = {}
    calls: dict[str, int] = {}
    attempts = 0
    of_launch = {"campaign_id": campaign_id, "launch": launch}
    for subject, value, detail, total in s.connection().execute(_ALL, of_launch):
        if subject == "call":
            calls[value] = calls.get(value, 0) + total
            attempts += total if detail else 0
        else:
            by_state[value] += total
            if value == RecipientState.DONE:
                by_outcome[detail] = total
    return LaunchCounts(by_state, by_outcome, calls, attempts)


def count_open(s: Session, campaign_id: int, launch: int) -> int:
    """How many recipients of a launch have no end yet."""
    of_launch = {"campaign_id": campaign_id, "launch": launch}
    return int(s.connection().execute(_OPEN, of_launch).scalar_one())
