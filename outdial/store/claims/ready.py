"""How many recipients are ready, and how many more a claim needs: only a few more are ready than
lines take, so that nobody is decided about long before a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlmodel import Session

from outdial.domain.call.batches import MOST_COUNTED, Needed
from outdial.domain.record import CampaignRecord
from outdial.store.db.tables import is_ready, is_request, recipient

_OPEN = (
    recipient.c.campaign_id == bindparam("campaign_id"),
    recipient.c.launch == bindparam("launch"),
    is_ready,
    recipient.c.window_closes_at > bindparam("now"),
)
_OF_LINE = (recipient.c.line == bindparam("of_line"), is_request)


def _counts(*of_group: ColumnElement[bool]) -> Select[tuple[int, int]]:
    turns = (
        select(recipient.c.turn)
        .where(*_OPEN, *of_group)
        .order_by(recipient.c.window_closes_at)
        .limit(MOST_COUNTED)
        .subquery()
    )
    return select(turns.c.turn, func.count().label("ready")).group_by(turns.c.turn)


_COUNTS, _COUNTS_ON = _counts(), _counts(*_OF_LINE)
_WINDOWS = (
    select(recipient.c.window_closes_at)
    .where(*_OPEN)
    .order_by(recipient.c.window_closes_at)
    .limit(bindparam("size"))
)
_LEFT, _LEFT_ON = (
    select(func.count().label("ready"), func.max(each.c.window_closes_at).label("closes_at"))
    for each in (
        _WINDOWS.subquery(),
        _WINDOWS.where(*_OF_LINE).subquery(),
    )
)


def needed(
    s: Session, campaign: CampaignRecord, wanted: int, now: datetime, line: str | None = None
) -> Needed:
    """What is missing until `wanted` recipients are ready; with `line`, of the requests that bring
    it. Those who have a time of their own go first, so they are made ready although enough of the
    others are."""
    of_launch = {"campaign_id": campaign.id, "launch": campaign.launch, "now": now}
    if line is None:
        counted = s.connection().execute(_COUNTS, of_launch).all()
    else:
        counted = s.connection().execute(_COUNTS_ON, of_launch | {"of_line": line}).all()
    counts = {row.turn: int(row.ready) for row in counted}
    return Needed(wanted - counts.get(0, 0), wanted - sum(counts.values()))


@dataclass(frozen=True, slots=True)
class ReadyLeft:
    """Recipients that stay ready after a claim."""

    count: int
    closes_at: datetime
    """When the window of the last of them closes."""


def ready_left(
    s: Session, campaign: CampaignRecord, group: str, most: int, now: datetime
) -> ReadyLeft | None:
    """How many of a group are ready, counted up to `most`; None when nobody is."""
    values = {
        "campaign_id": campaign.id,
        "launch": campaign.launch,
        "now": now,
        "size": most,
    } | ({"of_line": group} if campaign.direct else {})
    row = s.connection().execute(_LEFT_ON if campaign.direct else _LEFT, values).one()
    return None if row.closes_at is None else ReadyLeft(row.ready, row.closes_at)
