"""How many calls may start now: the campaign's own limits, and those of its lines.

Leases are counted after the rows that guard them are locked (the campaign's claim state, then its
lines by name), so no two claims can both fill the last slot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, bindparam, exists, func, or_, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import read_plan
from outdial.domain.call.status import Fence
from outdial.domain.line.breaker import Circuit, Health
from outdial.domain.line.routing import LineShare, Marks, pick, usable
from outdial.domain.record import CampaignRecord
from outdial.store.db.dialect import lock_rows
from outdial.store.db.tables import call, campaign, campaign_line, is_ready, lease, line, recipient
from outdial.store.lines.health import health_of

MINUTE = timedelta(minutes=1)
LINE_RETRY = timedelta(seconds=5)
"""When to claim again if the line is full: a slot that another campaign frees sends no signal."""
FENCE_WAIT = timedelta(seconds=30)
"""A call that would wait longer at the fence for the line's pace is not claimed yet: the recipient
may stop being callable meanwhile, and the slot would be wasted."""
UNKNOWN_LINE_RETRY = timedelta(minutes=1)
"""An operator has to configure the line; checking once a minute is soon enough."""

_NEWEST = (
    select(call.c.created_at)
    .where(call.c.campaign_id == bindparam("campaign_id"), call.c.created_at > bindparam("after"))
    .order_by(call.c.created_at.desc())
    .limit(bindparam("most"))
)
_LINES = lock_rows(
    select(line)
    .where(
        line.c.tenant == bindparam("of_tenant"),
        line.c.name.in_(bindparam("names", expanding=True)),
    )
    .order_by(line.c.name),
    exclusive=[line],
)
_LEASES = (
    select(lease.c.line, lease.c.campaign_id, func.count())
    .where(
        lease.c.tenant == bindparam("of_tenant"),
        lease.c.line.in_(bindparam("names", expanding=True)),
    )
    .group_by(lease.c.line, lease.c.campaign_id)
)
_AT_FENCE = (
    select(func.count())
    .select_from(lease)
    .join(call, call.c.id == lease.c.call_id)
    .where(
        lease.c.tenant == bindparam("of_tenant"),
        lease.c.line == bindparam("of_line"),
        call.c.fence == Fence.CLAIMED.value,
    )
)
_WAITING = select(campaign.c.id, campaign.c.plan).where(
    campaign.c.tenant == bindparam("of_tenant"),
    campaign.c.state == CampaignState.RUNNING.value,
    campaign.c.id != bindparam("campaign_id"),
    exists().where(
        recipient.c.campaign_id == campaign.c.id,
        recipient.c.launch == campaign.c.launch,
        is_ready,
        recipient.c.window_closes_at > bindparam("now"),
        or_(
            campaign.c.direct & (recipient.c.line == bindparam("of_line")),
            ~campaign.c.direct
            & exists().where(
                campaign_line.c.campaign_id == campaign.c.id,
                campaign_line.c.name == bindparam("of_line"),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many calls may start; when none may, also why, and when to check again."""

    free: int
    reason: str = ""
    again_at: datetime | None = None
    """None: when one of this campaign's own calls ends."""
    out: bool = False
    """The line takes no calls at all: it rests, is held, or is not configured."""
    trial: bool = False
    """The one call that may start tries a line that was out of service."""


class LineCapacity:
    """Free slots on the lines of one claim; each reserved call takes one."""

    def __init__(
        self, routes: Mapping[str, Sequence[LineShare]], allowances: Mapping[str, Allowance]
    ) -> None:
        """`routes` are the lines of each group of recipients, `allowances` those of each line."""
        self.routes = routes
        self.allowances = allowances
        self._free = {name: allowance.free for name, allowance in allowances.items()}
        self._out = {name for name, allowance in allowances.items() if allowance.out}

    def free_for(self, group: str) -> int:
        """How many calls to recipients of a group may start, on the lines that are used now."""
        names = usable(self.routes[group], self._out)
        return sum(max(0, self._free[name]) for name in names)

    def any_free(self, groups: Iterable[str]) -> bool:
        """Whether a call to a recipient of one of these groups may start."""
        return any(self.free_for(group) > 0 for group in groups)

    def line_for(self, group: str, marks: Marks, turn: int) -> str | None:
        """The line of a recipient's next call; None when none can be used now."""
        return pick(self.routes[group], marks, self._out, self._free, turn)

    def reserve(self, line: str) -> None:
        self._free[line] -= 1
        if self.allowances[line].trial:
            self._out.add(line)

    def full(self) -> list[Allowance]:
        """The allowances of lines without a free slot; those out of service come last."""
        full = [self.allowances[name] for name, free in self._free.items() if free <= 0]
        return sorted(full, key=lambda allowance: allowance.out)


def line_capacity(
    s: Session, record: CampaignRecord, groups: Iterable[str], now: datetime
) -> LineCapacity:
    """Lock the lines that recipients who are ready may be called on, and count what is left.

    `groups` are those of recipients who are ready and not stored as ready yet.
    """
    routes = _routes(s, record, groups)
    names = sorted({share.name for shares in routes.values() for share in shares})
    return LineCapacity(routes, line_allowances(s, record, names, now))


def _routes(
    s: Session, record: CampaignRecord, groups: Iterable[str]
) -> dict[str, tuple[LineShare, ...]]:
    """The lines of each group of recipients, by the name of the first."""
    if not record.direct:
        return {record.plan.line: record.plan.shares}
    stored = (
        select(recipient.c.line)
        .distinct()
        .where(
            recipient.c.campaign_id == record.id,
            recipient.c.launch == record.launch,
            is_ready,
        )
    )
    names = sorted({*s.connection().execute(stored).scalars(), *groups})
    return {name: (LineShare(name=name),) for name in names}


def campaign_allowance(
    s: Session, record: CampaignRecord, in_flight: int, limit: int, now: datetime
) -> Allowance:
    """The campaign's concurrency and its calls per minute, over any 60 seconds."""
    pacing = record.plan.pacing
    free = pacing.max_concurrent - in_flight
    if free <= 0:
        return Allowance(0, f"{in_flight} of {pacing.max_concurrent} calls in flight")
    if pacing.per_minute is not None:
        paced, again_at = _pace(s, record.id, pacing.per_minute, now)
        if paced <= 0:
            reason = f"{pacing.per_minute} calls a minute; next at {again_at:%H:%M:%SZ}"
            return Allowance(0, reason, again_at)
        free = min(free, paced)
    return Allowance(min(free, limit))


def _pace(
    s: Session, campaign_id: int, per_minute: int, now: datetime
) -> tuple[int, datetime | None]:
    """How many more calls fit into the last 60 seconds; if none, when the next one does."""
    minute = {"campaign_id": campaign_id, "after": now - MINUTE, "most": per_minute}
    made = list(s.connection().execute(_NEWEST, minute).scalars())
    if len(made) < per_minute:
        return per_minute - len(made), None
    return 0, made[-1] + MINUTE


def line_allowances(
    s: Session, record: CampaignRecord, names: Sequence[str], now: datetime
) -> dict[str, Allowance]:
    """Lock lines, then count how many calls this campaign may start on each."""
    if not names:
        return {}
    rows = s.connection().execute(_LINES, {"of_tenant": record.tenant, "names": list(names)})
    lines = {row["name"]: row for row in rows.mappings()}
    leases = _leases(s, record.tenant, names)
    allowances: dict[str, Allowance] = {}
    for name in names:
        if name in lines:
            allowances[name] = _line_allowance(s, record, lines[name], leases[name], now)
        else:
            reason = f"line {name} is not configured"
            allowances[name] = Allowance(0, reason, now + UNKNOWN_LINE_RETRY, out=True)
    return allowances


def _leases(s: Session, tenant: str, names: Sequence[str]) -> dict[str, dict[int, int]]:
    """Leases by line and campaign."""
    counted = s.connection().execute(_LEASES, {"of_tenant": tenant, "names": list(names)})
    leases: dict[str, dict[int, int]] = defaultdict(dict)
    for name, campaign_id, count in counted:
        leases[name][campaign_id] = count
    return leases


def _line_allowance(
    s: Session, record: CampaignRecord, row: RowMapping, leases: dict[int, int], now: datetime
) -> Allowance:
    name, most = row["name"], row["max_concurrent"]
    if row["held_until"] is not None and row["held_until"] > now:
        reason = f"line {name} is held: {row['held_reason'] or 'no reason given'}"
        return Allowance(0, reason, row["held_until"], out=True)
    health = health_of(row)
    if health.circuit is not Circuit.CLOSED:
        return _circuit_allowance(name, health, now)
    used, mine = sum(leases.values()), leases.get(record.id, 0)
    at_fence = _allowance_at_fence(s, record.tenant, row, used)
    if at_fence <= 0:
        reason = f"line {name} starts {_pace_of(row)}, and enough calls wait for that"
        return Allowance(0, reason, now + max(LINE_RETRY, timedelta(seconds=row["rate_seconds"])))
    others = _others_waiting(s, record, name, now) if used < most else {}
    free = min(at_fence, fair_allowance(most, mine, leases, others))
    if others:
        reason = f"line {name} is shared with {len(others)} more"
        return Allowance(free, reason, now + LINE_RETRY)
    again_at = None if mine == used else now + LINE_RETRY
    return Allowance(free, f"all {most} calls of line {name} in flight", again_at)


def _circuit_allowance(name: str, health: Health, now: datetime) -> Allowance:
    """A line that is out of service; one call may try it once its wait is over."""
    tried = f"line {name} is tried with one call: {health.reason}"
    if health.admits_trial(now):
        return Allowance(1, tried, now + LINE_RETRY, trial=True)
    if health.circuit is Circuit.TRYING or health.retry_at is None:
        return Allowance(0, tried, now + LINE_RETRY, out=True)
    reason = f"line {name} takes no calls until {health.retry_at:%H:%M:%SZ}: {health.reason}"
    return Allowance(0, reason, health.retry_at, out=True)


def _allowance_at_fence(s: Session, tenant: str, row: RowMapping, used: int) -> int:
    """How many more calls to claim now: those that the line's rate admits within FENCE_WAIT."""
    soon = max(1, int(row["per_second"] * (FENCE_WAIT.total_seconds() // row["rate_seconds"])))
    if row["max_concurrent"] <= soon or used == 0:
        return soon
    waiting = s.connection().execute(_AT_FENCE, {"of_tenant": tenant, "of_line": row["name"]})
    return soon - int(waiting.scalar_one())


def _pace_of(row: RowMapping) -> str:
    seconds = row["rate_seconds"]
    every = "a second" if seconds == 1 else f"in {seconds} s"
    return f"{row['per_second']} {'call' if row['per_second'] == 1 else 'calls'} {every}"


def fair_allowance(most: int, mine: int, leases: dict[int, int], others: dict[int, int]) -> int:
    """This campaign's share of a line with `most` slots that other campaigns compete for.

    Each of n campaigns is entitled to an nth of the line, rounded up, if it may hold that many.
    What others are entitled to and do not hold yet is kept for them; the rest is free for all.
    `others` are the waiting campaigns with the calls each may hold; `leases` are held ones.
    """
    free = most - sum(leases.values())
    share = -(-most // (len(others) + 1))
    kept = sum(
        max(0, min(share, may_hold) - leases.get(other, 0)) for other, may_hold in others.items()
    )
    return min(free, max(share - mine, free - kept))


def _others_waiting(s: Session, record: CampaignRecord, name: str, now: datetime) -> dict[int, int]:
    """Other running campaigns with a recipient ready for this line, and how many calls each may
    hold."""
    here = {"of_tenant": record.tenant, "of_line": name, "campaign_id": record.id, "now": now}
    return {
        row.id: read_plan(row.plan).pacing.max_concurrent
        for row in s.connection().execute(_WAITING, here)
    }
