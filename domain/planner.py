"""May this person be called now? One pure function answers for claim, fence and people.

`Dial | Wait(until, because) | Never(because)`; `now` is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from domain.definition import Schedule, TimeZonePolicy
from domain.plan import CallPlan
from domain.window import Opening, WeeklyHours, next_local_day, next_opening
from domain.zone import load_zone


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, for machines (`code`) and for people (`text`)."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One recipient as a decision sees it."""

    zones: tuple[str, ...]
    attempts: int = 0
    not_before: datetime | None = None
    suppressed: str | None = None
    """Why the number must not be called, when it must not."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Attempts to this person that count towards limits; UTC."""

    attempts: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Dial:
    """Call now; the window closes at `closes_at`. The evidence is stored with the call."""

    closes_at: datetime
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime
    because: Reason


@dataclass(frozen=True, slots=True)
class Never:
    because: Reason


Decision = Dial | Wait | Never


@lru_cache(maxsize=1024)
def weekly_hours(schedule: Schedule) -> WeeklyHours:
    return WeeklyHours.of(schedule)


def hours_zones(schedule: Schedule, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones in which the schedule's hours are read."""
    if schedule.time_zone_policy is TimeZonePolicy.CAMPAIGN and schedule.time_zone:
        return (schedule.time_zone,)
    return zones


def decide(candidate: Candidate, plan: CallPlan, ledger: Ledger, now: datetime) -> Decision:
    """Whether `candidate` may be called at `now` under `plan`, given earlier attempts."""
    stop = _ended(candidate, plan)
    if stop is not None:
        return Never(stop)
    earliest, because = _earliest(candidate, plan, ledger, now)
    opening = _opening(plan.schedule, candidate.zones, earliest)
    if opening is None:
        return Never(Reason("window_never_opens", "no calling window opens within 400 days"))
    end = plan.schedule.end
    if end is not None and opening.at >= end:
        return Never(
            Reason("campaign_ends_first", f"the next call would be after the end, {_stamp(end)}")
        )
    if opening.at > now:
        if opening.at > earliest and because.code in ("due", "not_before"):
            because = Reason("outside_hours", _hours_text(plan.schedule, candidate.zones, now))
        return Wait(opening.at, because)
    closes = opening.closes_at if end is None else min(opening.closes_at, end)
    return Dial(closes, _evidence(candidate, plan, ledger, now))


def _ended(candidate: Candidate, plan: CallPlan) -> Reason | None:
    if candidate.suppressed is not None:
        return Reason("suppressed", f"the number must not be called: {candidate.suppressed}")
    if candidate.attempts >= plan.retry.max_attempts:
        return Reason("max_attempts", f"all {plan.retry.max_attempts} attempts were made")
    return None


def _earliest(
    candidate: Candidate, plan: CallPlan, ledger: Ledger, now: datetime
) -> tuple[datetime, Reason]:
    """The first instant that waits, starts and daily limits allow, hours aside."""
    earliest, because = now, Reason("due", "due now")
    start = plan.schedule.start
    if start is not None and start > earliest:
        earliest, because = start, Reason("not_started", f"the campaign starts {_stamp(start)}")
    if candidate.not_before is not None and candidate.not_before > earliest:
        earliest = candidate.not_before
        because = Reason("not_before", f"not before {_stamp(earliest)}")
    per_day = plan.retry.max_attempts_per_day
    if per_day is not None:
        free = _day_with_room(candidate.zones, ledger, per_day, earliest)
        if free > earliest:
            earliest = free
            because = Reason("max_attempts_per_day", f"{per_day} attempts a day were made")
    return earliest, because


def _day_with_room(
    zones: tuple[str, ...], ledger: Ledger, per_day: int, earliest: datetime
) -> datetime:
    """The first instant whose local day holds fewer than `per_day` attempts, in every zone."""
    for zone_name in zones:
        zone = load_zone(zone_name)
        today = earliest.astimezone(zone).date()
        made = sum(1 for at in ledger.attempts if at.astimezone(zone).date() == today)
        if made >= per_day:
            return next_local_day(zones, earliest)
    return earliest


@lru_cache(maxsize=4096)
def _opening_of_hour(schedule: Schedule, zones: tuple[str, ...], hour: datetime) -> Opening | None:
    return next_opening(weekly_hours(schedule), zones, hour)


def _opening(schedule: Schedule, zones: tuple[str, ...], earliest: datetime) -> Opening | None:
    """`next_opening`, remembered by the hour: a roster asks the same question many times."""
    zones = hours_zones(schedule, zones)
    hour = earliest.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    known = _opening_of_hour(schedule, zones, hour)
    if known is None:
        return None
    if known.closes_at > earliest:
        return Opening(max(known.at, earliest), known.closes_at)
    return next_opening(weekly_hours(schedule), zones, earliest)


def _evidence(
    candidate: Candidate, plan: CallPlan, ledger: Ledger, now: datetime
) -> dict[str, Any]:
    return {
        "decided_at": now.isoformat(),
        "local_times": {
            zone: now.astimezone(load_zone(zone)).isoformat() for zone in candidate.zones
        },
        "hours": [str(span) for span in plan.schedule.hours],
        "days": [day.value for day in plan.schedule.days],
        "attempts": candidate.attempts,
        "ledger": len(ledger.attempts),
    }


def _hours_text(schedule: Schedule, zones: tuple[str, ...], now: datetime) -> str:
    zones = hours_zones(schedule, zones)
    hours = ", ".join(str(span) for span in schedule.hours)
    shown = ", ".join(f"{now.astimezone(load_zone(zone)):%a %H:%M} in {zone}" for zone in zones[:3])
    more = f" and {len(zones) - 3} more zones" if len(zones) > 3 else ""
    return f"calls are made {hours}; it is {shown}{more}"


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def longest_wait(plan: CallPlan) -> timedelta:
    """How long a lease may be held: ring, talk and a minute for the provider's own clock."""
    return plan.longest_call() + timedelta(minutes=1)
