"""When a campaign should claim again, and what it waits for, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select, union_all
from sqlmodel import Session

from domain.record import CampaignRecord, RecipientState
from domain.zone import load_zone
from store.records import read_zones
from store.tables import call, recipient

OPEN = [state.value for state in RecipientState if state is not RecipientState.DONE]
COUNTED = 1000
"""Open recipients are counted exactly up to here in every claim; it costs a fraction of a
millisecond, where counting a million costs as much as the rest of a hundred claims."""
COUNT_HOLDS = timedelta(seconds=30)
"""How long a full count of more than that is used again."""


@dataclass(frozen=True, slots=True)
class Pause:
    """What is waited for; `until` is None when only a call's end or a nudge is."""

    because: str
    until: datetime | None = None


def earliest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)


def next_settlement(s: Session, campaign_id: int) -> datetime | None:
    """When the next ended call is settled without its analysis."""
    found = select(func.min(call.c.settle_by)).where(
        call.c.campaign_id == campaign_id,
        call.c.settled_at.is_(None),
        call.c.settle_by.is_not(None),
    )
    at: datetime | None = s.connection().execute(found).scalar_one()
    return at


def next_due(s: Session, campaign: CampaignRecord, now: datetime) -> Pause | None:
    """Who is due next, among those who wait for a time of their own."""
    waiting = (
        recipient.c.campaign_id == campaign.id,
        recipient.c.launch == campaign.launch,
        recipient.c.state == RecipientState.WAITING.value,
    )
    first = select(recipient.c.due_at, recipient.c.zones).where(*waiting)
    found: list[RowMapping] = []
    for turn in (0, 1):
        of_turn = first.where(recipient.c.turn == turn).order_by(recipient.c.due_at).limit(1)
        found += s.connection().execute(of_turn).mappings()
    if not found:
        return None
    row = min(found, key=itemgetter("due_at"))
    together = select(recipient.c.id).where(
        *waiting, recipient.c.turn.in_((0, 1)), recipient.c.due_at == row["due_at"]
    )
    count = (
        s.connection()
        .execute(select(func.count()).select_from(together.limit(COUNTED).subquery()))
        .scalar_one()
    )
    zone = read_zones(row["zones"]).candidates[0]
    return Pause(_next_text(max(row["due_at"], now), zone, count, now), row["due_at"])


def _next_text(at: datetime, zone: str, count: int, now: datetime) -> str:
    local, today = at.astimezone(load_zone(zone)), now.astimezone(load_zone(zone))
    day = "" if local.date() == today.date() else f"{local:%a %d %b} "
    more = "+" if count >= COUNTED else ""
    people = "1 person" if count == 1 else f"{count}{more} people"
    return f"next: {day}{local:%H:%M} in {zone} for {people}"


def count_open(
    s: Session, campaign: CampaignRecord, counted: int, counted_at: datetime | None, now: datetime
) -> tuple[int, datetime]:
    """Recipients without an end, and when they were counted.

    Exact below COUNTED, so that nobody is done too early; above that up to 30 seconds old.
    """
    of_launch = (
        recipient.c.campaign_id == campaign.id,
        recipient.c.launch == campaign.launch,
    )
    few = s.connection().execute(_count_few(of_launch)).scalar_one()
    if few < COUNTED:
        return int(few), now
    if counted_at is not None and counted >= COUNTED and now - counted_at < COUNT_HOLDS:
        return counted, counted_at
    every = select(func.count()).where(*of_launch, recipient.c.state.in_(OPEN))
    return int(s.connection().execute(every).scalar_one()), now


def _count_few(of_launch: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Count up to COUNTED in each open state.

    The order makes the database walk the index: without it, it may read through everybody who is
    done in search of those who are not.
    """
    states = (
        select(recipient.c.id)
        .where(*of_launch, recipient.c.state == state)
        .order_by(recipient.c.turn, recipient.c.due_at)
        .limit(COUNTED)
        .subquery()
        for state in OPEN
    )
    return select(func.count()).select_from(
        union_all(*(select(of_state.c.id) for of_state in states)).subquery()
    )
