"""When a campaign claims again, and why not earlier."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, bindparam, func, select, union_all
from sqlmodel import Session

from outdial.domain.clocks import load_zone
from outdial.domain.line.capacity import Allowance
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.campaign.campaigns import CampaignSnapshot
from outdial.store.claims import request_lines
from outdial.store.db.tables import is_request, is_waiting, recipient
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


def _first_due(*waiting: ColumnElement[bool]) -> CompoundSelect[Any]:
    return _union_of_limited(
        select(recipient.c.due_at, recipient.c.zones)
        .where(*waiting, recipient.c.turn == turn)
        .order_by(recipient.c.due_at)
        .limit(1)
        for turn in (0, 1)
    )


def _due_then(*waiting: ColumnElement[bool]) -> Select[int]:
    together = (recipient.c.turn.in_((0, 1)), recipient.c.due_at == bindparam("due_at"))
    some = select(recipient.c.id).where(*waiting, *together).limit(MOST_NAMED)
    return select(func.count()).select_from(some.subquery())


_WAITING_ON = (*_OF_LAUNCH, recipient.c.line == bindparam("of_line"), is_waiting, is_request)
_FIRST_DUE, _FIRST_DUE_ON = _first_due(*_WAITING), _first_due(*_WAITING_ON)
_DUE_THEN, _DUE_THEN_ON = _due_then(*_WAITING), _due_then(*_WAITING_ON)


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
    unread: Collection[str],
    blocked: Sequence[NextWakeup],
    ran_dry: bool,
) -> NextWakeup:
    """The earliest instant at which another claim may find something, and why it waits.

    `allowance` is what is left of the campaign's own after this claim, `more` whether another
    claim would make calls at once, `unread` groups with somebody due who was not decided about,
    `blocked` lines that take no more, and `ran_dry` whether some line takes calls.
    """
    settles_at = snapshot.settles_at
    if settles_at is not None and settles_at <= now:
        return NextWakeup("more calls to settle", now)
    if allowance.free <= 0:
        return NextWakeup(allowance.reason, earliest(allowance.again_at, settles_at))
    if more:
        return NextWakeup("more recipients to decide about", now)
    due = next_due(s, snapshot.record, now, unread)
    wakeups = [each for each in (*blocked, due) if each is not None]
    at = earliest(settles_at, *(each.at for each in wakeups))
    # Where some line takes calls, recipients are waited for, before the other lines.
    first = [*wakeups[-1:], *wakeups[:-1]] if ran_dry else wakeups[:1]
    reason = "; ".join(each.reason for each in first[:2]) or "waiting for calls to end"
    return NextWakeup(reason, at)


def next_due(
    s: Session, campaign: CampaignRecord, now: datetime, unread: Collection[str] = ()
) -> NextWakeup | None:
    """When the next recipient is due, of those who wait for a time of their own.

    Groups that are `unread` are left out: no line of theirs takes more calls anyway.
    """
    launch: dict[str, Any] = {"campaign_id": campaign.id, "launch": campaign.launch}
    first_due, due_then = _FIRST_DUE, _DUE_THEN
    if unread:
        if not campaign.direct:
            return None
        by_line = request_lines.first_due(s, campaign)
        others = [(at, line) for line, at in by_line.items() if line not in unread]
        if not others:
            return None
        first_due, due_then = _FIRST_DUE_ON, _DUE_THEN_ON
        launch["of_line"] = min(others)[1]
    firsts = list(s.connection().execute(first_due, launch).mappings())
    if not firsts:
        return None
    first = min(firsts, key=itemgetter("due_at"))
    together = s.connection().execute(due_then, launch | {"due_at": first["due_at"]})
    zone = read_zones(first["zones"]).candidates[0]
    reason = _next_text(max(first["due_at"], now), zone, together.scalar_one(), now)
    return NextWakeup(reason, first["due_at"])


def _next_text(at: datetime, zone: str, count: int, now: datetime) -> str:
    local, today = at.astimezone(load_zone(zone)), now.astimezone(load_zone(zone))
    day = "" if local.date() == today.date() else f"{local:%a %d %b} "
    more = "+" if count >= MOST_NAMED else ""
    people = "1 person" if count == 1 else f"{count}{more} people"
    return f"next: {day}{local:%H:%M} in {zone} for {people}"
