"""Reads how many recipients and calls of a launch are in which state; nothing is counted for it.

Triggers keep these totals (`store.db.tables.progress`). A reader gets few rows, however large the
roster is, and its own transaction's changes are in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, bindparam, cast, func, select
from sqlmodel import Session

from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.db.bulk import pairs_among
from outdial.store.db.tables import progress_count

_OF_LAUNCH = (
    progress_count.c.campaign_id == bindparam("campaign_id"),
    progress_count.c.launch == bindparam("launch"),
)
_KEY = (progress_count.c.subject, progress_count.c.value, progress_count.c.detail)
_TOTAL = cast(func.coalesce(func.sum(progress_count.c.total), 0), BigInteger)
_ALL = (
    select(progress_count.c.campaign_id, *_KEY, _TOTAL.label("total"))
    .where(pairs_among(progress_count.c.campaign_id, progress_count.c.launch, "launches"))
    .group_by(progress_count.c.campaign_id, *_KEY)
    .having(_TOTAL > 0)
)
_OPEN = select(_TOTAL).where(
    *_OF_LAUNCH,
    progress_count.c.subject == "recipient",
    progress_count.c.value.in_([s.value for s in RecipientState if s is not RecipientState.DONE]),
)


@dataclass(slots=True)
class LaunchCounts:
    by_state: dict[str, int] = field(
        default_factory=lambda: {state.value: 0 for state in RecipientState}
    )
    """Recipients by RecipientState."""
    by_outcome: dict[str, int] = field(default_factory=dict)
    """Recipients that are done, by final outcome."""
    calls: dict[str, int] = field(default_factory=dict)
    """Calls by CallStatus."""
    attempts: int = 0

    @property
    def recipients(self) -> int:
        return sum(self.by_state.values())


def read_counts(s: Session, campaigns: Sequence[CampaignRecord]) -> dict[int, LaunchCounts]:
    """The counts of each campaign's launch, by the campaign's id, in one statement."""
    counts = {record.id: LaunchCounts() for record in campaigns}
    launches = [(record.id, record.launch) for record in campaigns]
    rows = s.connection().execute(_ALL, {"launches": launches})
    for campaign_id, subject, value, detail, total in rows:
        of_launch = counts[campaign_id]
        if subject == "call":
            of_launch.calls[value] = of_launch.calls.get(value, 0) + total
            of_launch.attempts += total if detail else 0
        else:
            of_launch.by_state[value] += total
            if value == RecipientState.DONE:
                of_launch.by_outcome[detail] = total
    return counts


def count_open(s: Session, campaign_id: int, launch: int) -> int:
    """How many recipients of a launch have no end yet."""
    of_launch = {"campaign_id": campaign_id, "launch": launch}
    return int(s.connection().execute(_OPEN, of_launch).scalar_one())
