"""Nearest times at which a person may be called, for one who asks to be called at another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.conditions import Conditions, conditions_of
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.rules.rulebook import Rulebook

_BEFORE = timedelta(days=7)
"""How far before the requested time a time is offered."""
_STEP = timedelta(minutes=15)
"""What is offered before a closing is a whole quarter of an hour: times are spoken."""


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
    before = _last_before(conditions, at, max(now, at - _BEFORE))
    times = [] if before is None or not isinstance(decided(before), Dial) else [before]
    if isinstance(decision, Wait):
        times.append(decision.until)
    return NearestTimes(decision.reason, tuple(times))


def _last_before(conditions: Conditions, at: datetime, since: datetime) -> datetime | None:
    """The last whole quarter of an hour in the hours of these days, later than `since`."""
    last, begin = None, since
    while (opening := conditions.opening(begin)) is not None and opening[0] < at:
        opens, closes = opening
        latest = _quarter(min(closes - max(conditions.guard, _STEP), at))
        if latest >= opens and latest > since:
            last = latest
        begin = closes
    return last


def _quarter(at: datetime) -> datetime:
    """The last whole quarter of an hour up to an instant; zones are apart by whole ones."""
    return at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
