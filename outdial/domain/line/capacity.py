"""How many calls may start now: a campaign's own limits, and those of its lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from outdial.domain.line.breaker import Circuit, Health
from outdial.domain.line.routing import LineShare, Marks, pick, usable
from outdial.domain.line.sharing import Claimant, share_slots

MINUTE = timedelta(minutes=1)
FENCE_WAIT = timedelta(seconds=30)
"""A call that would wait longer at the fence for the line's pace is not claimed yet: the recipient
may stop being callable meanwhile, and the slot would be wasted."""
LINE_RETRY = timedelta(seconds=5)
"""When to claim again if a line is full. A slot that becomes free is offered before, by the claim
of the campaign whose call has ended; this is for slots that became free in another way."""


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


def concurrency_reached(in_flight: int, most: int) -> Allowance:
    """A campaign whose own calls in flight are as many as it may have."""
    return Allowance(0, f"{in_flight} of {most} calls in flight")


def pace_reached(per_minute: int, made: Sequence[datetime]) -> Allowance | None:
    """A campaign that has started its calls of a minute; None while it may start more. `made` are
    its newest calls of the last 60 seconds, newest first, at most `per_minute`."""
    if len(made) < per_minute:
        return None
    again_at = made[-1] + MINUTE
    return Allowance(0, f"{per_minute} calls a minute; next at {again_at:%H:%M:%SZ}", again_at)


@dataclass(frozen=True, slots=True)
class LineState:
    """A line's limits, and whether it takes calls."""

    name: str
    max_concurrent: int
    calls: int
    """So many may be placed in `seconds`."""
    seconds: int
    health: Health
    held_until: datetime | None = None
    held_reason: str | None = None

    @property
    def pace(self) -> str:
        """Its rate in words."""
        every = "a second" if self.seconds == 1 else f"in {self.seconds} s"
        return f"{self.calls} {'call' if self.calls == 1 else 'calls'} {every}"


class LineUse(Protocol):
    """The use of a line at a claim, read no further than its allowance depends on it."""

    @property
    def used(self) -> int:
        """Slots that are held."""
        ...

    @property
    def mine(self) -> int:
        """Those held by this campaign."""
        ...

    def at_fence(self) -> int:
        """Calls that were claimed and not placed yet."""
        ...

    def look_again_after(self) -> timedelta:
        """When a campaign looks at the line again while it is full."""
        ...

    def contention(self, most: int, free: int) -> Contention | None:
        """The other campaigns that wait for it; `free` is what may start now of its `most` slots.
        None: there are no other campaigns."""
        ...


def line_allowance(line: LineState, use: LineUse, now: datetime) -> Allowance:
    """How many calls this campaign may start on a line."""
    name, most, used = line.name, line.max_concurrent, use.used
    if line.held_until is not None and line.held_until > now:
        reason = f"line {name} is held: {line.held_reason or 'no reason given'}"
        return Allowance(0, reason, line.held_until, out=True)
    if line.health.circuit is not Circuit.CLOSED:
        return _circuit_allowance(name, line.health, now)
    if used >= most:
        again_at = None if use.mine == used else now + use.look_again_after()
        reason = f"all {most} calls of line {name} in flight"
        return Allowance(0, reason, again_at, contention=use.contention(most, 0))
    soon = _placed_soon(line)
    if most > soon and used:
        soon -= use.at_fence()
    contention = use.contention(most, min(soon, most - used))
    paced = f"line {name} starts {line.pace}, and enough calls wait for that"
    if soon <= 0:
        wait = max(timedelta(seconds=line.seconds), use.look_again_after())
        return Allowance(0, paced, now + wait, contention=contention)
    free = max(0, min(soon, most - used)) if contention is None else contention.share()
    if contention is not None and contention.others:
        reason = f"line {name} is shared with {len(contention.others)} more"
        return Allowance(free, reason, now + LINE_RETRY, contention=contention)
    if soon < most - used:
        return Allowance(free, paced, now + FENCE_WAIT, contention=contention)
    again_at = None if use.mine == used else now + LINE_RETRY
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


def _placed_soon(line: LineState) -> int:
    """How many calls its rate admits within FENCE_WAIT."""
    return max(1, int(line.calls * (FENCE_WAIT.total_seconds() // line.seconds)))
