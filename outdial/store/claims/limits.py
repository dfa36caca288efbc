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
from outdial.domain.line.capacity import (
    MINUTE,
    Allowance,
    Contention,
    LineCapacity,
    LineState,
    concurrency_reached,
    line_allowance,
    pace_reached,
)
from outdial.domain.line.routing import LineShare
from outdial.domain.line.sharing import Claimant
from outdial.domain.record import CampaignRecord
from outdial.store.claims.demand import Demand, look_again_after, read_demand
from outdial.store.claims.request_lines import first_closing
from outdial.store.db.dialect import lock_rows
from outdial.store.db.tables import call, lease, line
from outdial.store.lines.health import health_of

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
    names = sorted({*first_closing(s, record), *groups})
    return {name: (LineShare(name=name),) for name in names}


def campaign_allowance(
    s: Session, record: CampaignRecord, in_flight: int, now: datetime
) -> Allowance:
    """The campaign's concurrency and its calls per minute, over any 60 seconds."""
    pacing = record.plan.pacing
    free = pacing.max_concurrent - in_flight
    if free <= 0:
        return concurrency_reached(in_flight, pacing.max_concurrent)
    if pacing.per_minute is not None:
        minute = {"campaign_id": record.id, "after": now - MINUTE, "most": pacing.per_minute}
        made = list(s.connection().execute(_NEWEST, minute).scalars())
        reached = pace_reached(pacing.per_minute, made)
        if reached is not None:
            return reached
        free = min(free, pacing.per_minute - len(made))
    return Allowance(free)


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
            use = _LineUse(s, record, name, leases[name], demand.get(name, []), wanted, now)
            allowances[name] = line_allowance(_state_of(lines[name]), use, now)
        else:
            reason = f"line {name} is not configured"
            allowances[name] = Allowance(0, reason, now + UNKNOWN_LINE_RETRY, out=True)
    return allowances


@dataclass(frozen=True, slots=True)
class _LineUse:
    """The use of a line at a campaign's claim."""

    s: Session
    record: CampaignRecord
    name: str
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

    def at_fence(self) -> int:
        of_line = {"of_tenant": self.record.tenant, "of_line": self.name}
        return int(self.s.connection().execute(_AT_FENCE, of_line).scalar_one())

    def look_again_after(self) -> timedelta:
        return look_again_after(self.s, self.record.tenant, self.name, self.now)

    def contention(self, most: int, free: int) -> Contention:
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


def _state_of(row: RowMapping) -> LineState:
    return LineState(
        name=row["name"],
        max_concurrent=row["max_concurrent"],
        calls=row["per_second"],
        seconds=row["rate_seconds"],
        health=health_of(row),
        held_until=row["held_until"],
        held_reason=row["held_reason"],
    )
