"""When a campaign claims again, and why not earlier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import CompoundSelect, Select, bindparam, func, select, union_all
from sqlmodel import Session

from outdial.domain.clocks import load_zone
from outdial.domain.line.capacity import Allowance
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.campaign.campaigns import CampaignSnapshot
from outdial.store.db.tables import recipient
from outdial.store.records import read_zones

MOST_NAMED = 100
"""How many recipients that are due at one time are counted for the reason shown."""

_OF_LAUNCH = (
    recipient.c.campaign_id == bindparam("campaign_id"),
    recipient.c.launch == bindparam("launch"),
)
_WAITING = (*_OF_LAUNCH, recipient.c.state == RecipientState.WAITING.value)


def _union_of_limited(parts: Iterable[Select[Any]]) -> CompoundSelect[Any]:
    """UNION ALL of selects with LIMIT; SQLite requires each as a subquery."""
    return union_all(*(select(part.subquery()) for part in parts))


_FIRST_DUE = _union_of_limited(
    select(recipient.c.due_at, recipient.c.zones)
    .where(*_WAITING, recipient.c.turn == turn)
    .order_by(recipient.c.due_at)
    .limit(1)
    for turn in (0, 1)
)
_DUE_THEN = select(func.count()).select_from(
    select(recipient.c.id)
    .where(*_WAITING, recipient.c.turn.in_((0, 1)), recipient.c.due_at == bindparam("due_at"))
    .limit(MOST_NAMED)
    .subquery()
)


@dataclass(frozen=True, slots=True)
class NextWakeup:
    """When another claim may find something; None: when a call ends or a signal comes."""

    reason: str
    """What is waited for."""
    at: datetime | None = None


def earliest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)


def next_wakeup(
    s: Session,
    snapshot: CampaignSnapshot,
    allowance: Allowance,
    now: datetime,
    *,
    more: bool,
    exhausted: bool,
    blocked: Sequence[NextWakeup],
    ran_dry: bool,
) -> NextWakeup:
    """The earliest instant at which another claim may find something, and why it waits.

    `allowance` is what is left of the campaign's own after this claim, `more` whether another
    claim would make calls at once, `exhausted` whether nobody is due that was not decided about,
    `blocked` lines that take no more, and `ran_dry` whether some line takes calls.
    """
    settles_at = snapshot.settles_at
    if settles_at is not None and settles_at <= now:
        return NextWakeup("more calls to settle", now)
    if allowance.free <= 0:
        return NextWakeup(allowance.reason, earliest(allowance.again_at, settles_at))
    if more:
        return NextWakeup("more recipients to decide about", now)
    # Where not all that are due were decided, no line takes more calls anyway.
    due = next_due(s, snapshot.record, now) if exhausted else None
    wakeups = [each for each in (*blocked, due) if each is not None]
    at = earliest(settles_at, *(each.at for each in wakeups))
    # Where some line takes calls, recipients are waited for, before the other lines.
    first = [*wakeups[-1:], *wakeups[:-1]] if ran_dry else wakeups[:1]
    reason = "; ".join(each.reason for each in first[:2]) or "waiting for calls to end"
    return NextWakeup(reason, at)


def next_due(s: Session, campaign: CampaignRecord, now: datetime) -> NextWakeup | None:
    """When the next recipient is due, of those who wait for a time of their own."""
    launch = _launch(campaign)
    firsts = list(s.connection().execute(_FIRST_DUE, launch).mappings())
    if not firsts:
        return None
    first = min(firsts, key=itemgetter("due_at"))
    together = s.connection().execute(_DUE_THEN, launch | {"due_at": first["due_at"]})
    zone = read_zones(first["zones"]).candidates[0]
    reason = _next_text(max(first["due_at"], now), zone, together.scalar_one(), now)
    return NextWakeup(reason, first["due_at"])


def _next_text(at: datetime, zone: str, count: int, now: datetime) -> str:
    local, today = at.astimezone(load_zone(zone)), now.astimezone(load_zone(zone))
    day = "" if local.date() == today.date() else f"{local:%a %d %b} "
    more = "+" if count >= MOST_NAMED else ""
    people = "1 person" if count == 1 else f"{count}{more} people"
    return f"next: {day}{local:%H:%M} in {zone} for {people}"


def _launch(campaign: CampaignRecord) -> dict[str, int]:
    return {"campaign_id": campaign.id, "launch": campaign.launch}
