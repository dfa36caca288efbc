"""When a campaign claims again, and why not earlier."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlmodel import Session

from outdial.domain.dated_time import dated_time
from outdial.domain.line.capacity import Allowance
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.rulebook import Rulebook
from outdial.store.campaign.campaigns import CampaignSnapshot
from outdial.store.claims import request_lines
from outdial.store.claims.next_call import FEW, NextCall, due_first, find_next_call
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.db.tables import is_request, is_waiting, recipient

MOST_NAMED = 100
"""How many recipients that are due at one time are counted for the reason shown."""

_OF_LAUNCH = (
    recipient.c.campaign_id == bindparam("campaign_id"),
    recipient.c.launch == bindparam("launch"),
)
_WAITS = recipient.c.state == RecipientState.WAITING.value
_WAITS_ON = (recipient.c.line == bindparam("of_line"), is_waiting, is_request)


def _due_then(*waiting: ColumnElement[bool]) -> Select[int]:
    together = (recipient.c.turn.in_((0, 1)), recipient.c.due_at == bindparam("due_at"))
    some = select(recipient.c.id).where(*_OF_LAUNCH, *waiting, *together).limit(MOST_NAMED)
    return select(func.count()).select_from(some.subquery())


_DUE_FIRST, _DUE_FIRST_ON = due_first((_WAITS,)), due_first(_WAITS_ON)
_DUE_THEN, _DUE_THEN_ON = _due_then(_WAITS), _due_then(*_WAITS_ON)


@dataclass(frozen=True, slots=True)
class NextWakeup:
    """When another claim may find something; None: when a call ends or a signal comes."""

    reason: str
    """What is waited for."""
    at: datetime | None = None
    call: NextCall | None = None
    """The next call to those who wait for a time of their own, as far as it can be said now; it is
    not before `at`."""


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
    rulebook: Rulebook | None,
) -> NextWakeup:
    """The earliest instant at which another claim may find something, and why it waits.

    `allowance` is what is left of the campaign's own after this claim, `more` whether another
    claim would make calls at once, `unread` groups with somebody due who was not decided about,
    `blocked` lines that take no more, `ran_dry` whether some line takes calls, and `rulebook` the
    one in force, if it was read.
    """
    settles_at = snapshot.settles_at
    if settles_at is not None and settles_at <= now:
        return NextWakeup("more calls to settle", now)
    if allowance.free <= 0:
        return NextWakeup(allowance.reason, earliest(allowance.again_at, settles_at))
    if more:
        return NextWakeup("more recipients to decide about", now)
    due = next_due(s, snapshot.record, rulebook, now, unread)
    wakeups = [each for each in (*blocked, due) if each is not None]
    at = earliest(settles_at, *(each.at for each in wakeups))
    # Where some line takes calls, recipients are waited for, before the other lines.
    first = [*wakeups[-1:], *wakeups[:-1]] if ran_dry else wakeups[:1]
    reason = "; ".join(each.reason for each in first[:2]) or "waiting for calls to end"
    call = due.call if due is not None and due.reason in reason else None
    return NextWakeup(reason, at, call)


def next_due(
    s: Session,
    campaign: CampaignRecord,
    rulebook: Rulebook | None,
    now: datetime,
    unread: Collection[str] = (),
) -> NextWakeup | None:
    """When the next recipient is due, of those who wait for a time of their own.

    Groups that are `unread` are left out: no line of theirs takes more calls anyway.
    """
    launch: dict[str, Any] = {}
    first_due, due_then = _DUE_FIRST, _DUE_THEN
    if unread:
        if not campaign.direct:
            return None
        by_line = request_lines.first_due(s, campaign)
        others = [(at, line) for line, at in by_line.items() if line not in unread]
        if not others:
            return None
        first_due, due_then = _DUE_FIRST_ON, _DUE_THEN_ON
        launch["of_line"] = min(others)[1]
    rulebook = rulebook or read_rulebook(s, campaign.tenant, now)
    due = find_next_call(s, campaign, rulebook, first_due, now, **launch)
    if due is None:
        return None
    call = due.call
    if call is None:
        return NextWakeup("recipients to decide about", due.at)
    people, more = call.people, call.more
    if call.at <= max(due.at, now):
        of_launch = {"campaign_id": campaign.id, "launch": campaign.launch, "due_at": due.at}
        people = s.connection().execute(due_then, launch | of_launch).scalar_one()
        more = people >= MOST_NAMED
        if 1 < people <= FEW:  # not all who are due then need be callable
            exact = find_next_call(s, campaign, rulebook, first_due, now, (FEW,), **launch)
            people = people if exact is None or exact.call is None else exact.call.people
    return NextWakeup(_next_text(call, people, more=more), due.at, call)


def _next_text(call: NextCall, count: int, *, more: bool) -> str:
    """`next: Tue 2030-03-05 10:00 in America/Denver (17:00 UTC) for 3 people`."""
    people = f"{count}{'+' if more else ''} {'person' if count == 1 and not more else 'people'}"
    return f"next: {dated_time(call.at, (call.zone,))} for {people}"
