"""How many calls may start now: the campaign's own limits, and those of its lines.

Leases are counted after the rows that guard them are locked (the campaign's claim state, then its
lines by name), so no two claims can both fill the last slot. How many recipients to decide about is
estimated before, without the lock on the lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, bindparam, func, select
from sqlmodel import Session

from outdial.domain.call.status import Fence
from outdial.domain.line.breaker import Circuit, Health
from outdial.domain.line.routing import LineShare, Marks, pick, usable
from outdial.domain.line.sharing import Claimant, share_slots
from outdial.domain.record import CampaignRecord
from outdial.store.claims.demand import LINE_RETRY, Demand, look_again_after, read_demand
from outdial.store.db.dialect import lock_rows
from outdial.store.db.tables import call, is_ready, lease, line, recipient
from outdial.store.lines.health import health_of

MINUTE = timedelta(minutes=1)
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
_LINES = (
    select(line)
    .where(
        line.c.tenant == bindparam("of_tenant"),
        line.c.name.in_(bindparam("names", expanding=True)),
    )
    .order_by(line.c.name)
)
_LOCKED_LINES = lock_rows(_LINES, exclusive=[line])
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


@dataclass(frozen=True, slots=True)
class Contention:
    """Free slots of a line, and the other campaigns that wait for it."""

    slots: int
    """Slots that they and this campaign hold or could get."""
    free: int
    mine: Claimant
    others: tuple[Claimant, ...] = ()
    offered: frozenset[int] = frozenset()
    """Of the others, those that were woken for a slot already."""

    def share(self) -> int:
        """How many calls this campaign may start."""
        if not self.others:
            return self.free
        return share_slots(self.slots, self.free, (self.mine, *self.others))[self.mine.id]

    def left_for_others(self, taken: int) -> list[int]:
        """Who gets a slot that this campaign does not take, and was not woken for it yet."""
        if not self.others or self.free <= taken:
            return []
        slots = self.slots - self.mine.held - taken
        given = share_slots(slots, self.free - taken, self.others)
        return [each for each, count in given.items() if count and each not in self.offered]


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
    contention: Contention | None = None


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

    @property
    def usable(self) -> int:
        """How many calls may start, on the lines that are used now."""
        return sum(self.free_for(group) for group in self.routes)

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

    def taken(self, line: str) -> int:
        """How many calls were reserved on a line."""
        return self.allowances[line].free - self._free[line]

    def held(self, line: str) -> int:
        """How many slots of a line the campaign holds, with the calls that were reserved."""
        contention = self.allowances[line].contention
        return self.taken(line) + (0 if contention is None else contention.mine.held)

    def waited_for(self, group: str) -> list[str]:
        """The lines that take no call to a recipient of a group now, and may soon; none while one
        of them does."""
        if self.free_for(group) > 0:
            return []
        names = usable(self.routes[group], self._out)
        return [name for name in names if self.allowances[name].contention is not None]

    def full(self) -> list[Allowance]:
        """The allowances of lines without a free slot; those out of service come last."""
        full = [self.allowances[name] for name, free in self._free.items() if free <= 0]
        return sorted(full, key=lambda allowance: allowance.out)


def line_capacity(
    s: Session,
    record: CampaignRecord,
    groups: Iterable[str],
    wanted: int,
    now: datetime,
    *,
    lock: bool = True,
) -> LineCapacity:
    """Lock the lines that recipients who are ready may be called on, and count what is left.

    `groups` are those of recipients who are ready and not stored as ready yet; `wanted` is how many
    calls the campaign itself may start. Without the lock it is an estimate: others take slots and
    free some until the lines are locked.
    """
    routes = _routes(s, record, groups)
    names = sorted({share.name for shares in routes.values() for share in shares})
    return LineCapacity(routes, line_allowances(s, record, names, wanted, now, lock=lock))


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
    s: Session, record: CampaignRecord, in_flight: int, now: datetime
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
    return Allowance(free)


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
    s: Session,
    record: CampaignRecord,
    names: Sequence[str],
    wanted: int,
    now: datetime,
    *,
    lock: bool = True,
) -> dict[str, Allowance]:
    """Lock lines, then count how many of the `wanted` calls this campaign may start on each."""
    if not names:
        return {}
    of_lines = {"of_tenant": record.tenant, "names": list(names)}
    rows = s.connection().execute(_LOCKED_LINES if lock else _LINES, of_lines)
    lines = {row["name"]: row for row in rows.mappings()}
    leases = _leases(s, record.tenant, names)
    having = [name for name in lines if sum(leases[name].values()) < lines[name]["max_concurrent"]]
    demand = read_demand(s, record, having, now)
    allowances: dict[str, Allowance] = {}
    for name in names:
        if name in lines:
            claim = _LineClaim(record, leases[name], demand.get(name, []), wanted, now)
            allowances[name] = _line_allowance(s, lines[name], claim)
        else:
            reason = f"line {name} is not configured"
            allowances[name] = Allowance(0, reason, now + UNKNOWN_LINE_RETRY, out=True)
    return allowances


@dataclass(frozen=True, slots=True)
class _LineClaim:
    """What a campaign's claim of one line depends on."""

    record: CampaignRecord
    leases: Mapping[int, int]
    """Slots of the line that are held, by campaign."""
    demand: Sequence[Demand]
    """Who waits for it, this campaign included."""
    wanted: int
    now: datetime

    @property
    def used(self) -> int:
        return sum(self.leases.values())

    @property
    def mine(self) -> int:
        return self.leases.get(self.record.id, 0)

    def contention(self, most: int, free: int) -> Contention:
        """`free` is what may start now of the `most` slots of the line."""
        record, now = self.record, self.now
        own = next((each for each in self.demand if each.campaign_id == record.id), None)
        waited = 0.0 if own is None else max(0.0, (now - own.since).total_seconds())
        weight = record.plan.pacing.weight
        mine = Claimant(record.id, self.mine, self.mine + self.wanted, weight, waited)
        others = [each for each in self.demand if each.campaign_id != record.id]
        claimants = [each.claimant(self.leases.get(each.campaign_id, 0), now) for each in others]
        held = mine.held + sum(each.held for each in claimants)
        return Contention(
            slots=max(0, most - self.used) + held,
            free=max(0, free),
            mine=mine,
            others=tuple(each for each in claimants if each.wants > each.held),
            offered=frozenset(each.campaign_id for each in others if each.offered_at is not None),
        )


def _leases(s: Session, tenant: str, names: Sequence[str]) -> dict[str, dict[int, int]]:
    """Leases by line and campaign."""
    counted = s.connection().execute(_LEASES, {"of_tenant": tenant, "names": list(names)})
    leases: dict[str, dict[int, int]] = defaultdict(dict)
    for name, campaign_id, count in counted:
        leases[name][campaign_id] = count
    return leases


def _line_allowance(s: Session, row: RowMapping, claim: _LineClaim) -> Allowance:
    name, most, now, used = row["name"], row["max_concurrent"], claim.now, claim.used
    if row["held_until"] is not None and row["held_until"] > now:
        reason = f"line {name} is held: {row['held_reason'] or 'no reason given'}"
        return Allowance(0, reason, row["held_until"], out=True)
    health = health_of(row)
    if health.circuit is not Circuit.CLOSED:
        return _circuit_allowance(name, health, now)
    if used >= most:
        again_at = None
        if claim.mine != used:
            again_at = now + look_again_after(s, claim.record.tenant, name, now)
        reason = f"all {most} calls of line {name} in flight"
        return Allowance(0, reason, again_at, contention=claim.contention(most, 0))
    at_fence = _allowance_at_fence(s, claim.record.tenant, row, used)
    contention = claim.contention(most, min(at_fence, most - used))
    paced = f"line {name} starts {_pace_of(row)}, and enough calls wait for that"
    if at_fence <= 0:
        wait = max(
            timedelta(seconds=row["rate_seconds"]),
            look_again_after(s, claim.record.tenant, name, now),
        )
        return Allowance(0, paced, now + wait, contention=contention)
    free = contention.share()
    if contention.others:
        reason = f"line {name} is shared with {len(contention.others)} more"
        return Allowance(free, reason, now + LINE_RETRY, contention=contention)
    if at_fence < most - used:
        return Allowance(free, paced, now + FENCE_WAIT, contention=contention)
    again_at = None if claim.mine == used else now + LINE_RETRY
    reason = f"all {most} calls of line {name} in flight"
    return Allowance(free, reason, again_at, contention=contention)


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
