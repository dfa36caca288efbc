"""Nearest times at which a person may be called, for one who asks to be called at another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.conditions import Conditions, conditions_of
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.rules.rulebook import Rulebook

_BEFORE = timedelta(days=7)
"""How far before the requested time a time is offered."""
_STEP = timedelta(minutes=15)
"""What is offered is a whole quarter of an hour, if there is one: times are spoken."""
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRIES = 20
"""How many openings are tried in which no whole quarter of an hour or minute fits."""


@dataclass(frozen=True, slots=True)
class NearestTimes:
    """Why no call may be made at a requested time, and when the nearest ones may."""

    reason: Reason
    times: tuple[datetime, ...]
    """The last one before and the first one after it, as far as there are any (UTC)."""


def nearest_times(
    candidate: Candidate,
    plan: CallPlan,
    ledger: Ledger,
    at: datetime,
    now: datetime,
    rulebook: Rulebook,
) -> NearestTimes | None:
    """The nearest times to a requested one, later than `now`; None: a call may be made then."""
    person = replace(candidate, promised=True, not_before=None)

    def decided(instant: datetime) -> Decision:
        return decide(person, plan, ledger, instant, rulebook, evidence=False)

    decision = decided(at)
    if isinstance(decision, Dial):
        return None
    conditions = conditions_of(plan, rulebook, person.zones, person.jurisdictions)
    end = plan.schedule.end
    last = at if end is None else min(at, end - _STEP)
    before = _last_before(conditions, last, max(now, at - _BEFORE))
    times = [] if before is None or not isinstance(decided(before), Dial) else [before]
    if isinstance(decision, Wait):
        times += _first_after(decided, decision)
    return NearestTimes(decision.reason, tuple(times))


def _first_after(decided: Callable[[datetime], Decision], wait: Wait) -> list[datetime]:
    """The first time that can be said in whole minutes once a wait is over: said without its
    seconds, it would be refused when it is accepted."""
    for _ in range(_TRIES):
        for step in (_STEP, _MINUTE):
            spoken = _rounded_up(wait.until, step)
            then = decided(spoken)
            if isinstance(then, Dial):
                return [spoken]
        if not isinstance(then, Wait):
            break
        wait = then
    return []


def _last_before(conditions: Conditions, at: datetime, since: datetime) -> datetime | None:
    """The last whole quarter of an hour in the hours of these days, later than `since`."""
    last, begin = None, since
    while (opening := conditions.opening(begin)) is not None and opening[0] < at:
        opens, closes = opening
        latest = _rounded_down(min(closes - max(conditions.guard, _STEP), at), _STEP)
        if latest >= opens and latest > since:
            last = latest
        begin = closes
    return last


def _rounded_down(at: datetime, step: timedelta) -> datetime:
    """The last whole step up to an instant: zones are apart by whole quarters of an hour."""
    return at - (at - _EPOCH) % step


def _rounded_up(at: datetime, step: timedelta) -> datetime:
    return at + (_EPOCH - at) % step
