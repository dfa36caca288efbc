"""Conditions on calls to one kind of recipients under one plan, cached across decisions.

Recipients with the same zones and jurisdictions are of one kind. What is expensive to compute,
hours above all, is computed here once for each kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Protocol, cast

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.retry import Daypart
from outdial.domain.clocks import constant_offset, load_zone
from outdial.domain.definition.caps import Cap, ledger_span
from outdial.domain.definition.schedule import (
    CALLEES_HOLIDAYS,
    WHOLE_DAY,
    Schedule,
    Spans,
    TimeZonePolicy,
    WeeklyHours,
    intersect,
)
from outdial.domain.rules.consent import ConsentLevel
from outdial.domain.rules.holidays import calendars_of, holidays_of
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import NO_RULES, Block, Rulebook

_SAME_DAY = timedelta(hours=50)
"""Attempts further back were made on another calendar day in every zone."""
_REMEMBERED = 2048
"""Openings, by the hour: more than three months of them."""

_WEEKDAYS, _WEEKEND = tuple(range(5)), (5, 6)
_DAYPARTS: dict[Daypart, tuple[tuple[int, ...], tuple[int, int]]] = {
    Daypart.MORNING: (_WEEKDAYS, (8 * 60, 12 * 60)),
    Daypart.AFTERNOON: (_WEEKDAYS, (12 * 60, 17 * 60)),
    Daypart.EVENING: (_WEEKDAYS, (17 * 60, 21 * 60)),
    Daypart.WEEKEND: (_WEEKEND, (0, 24 * 60)),
}


class DayHours(Protocol):
    """A source of the open spans of a local day."""

    def spans_on(self, day: date) -> Spans: ...


Layer = tuple[DayHours, str]
"""Hours, and the zone in which they are read."""
Interval = tuple[datetime, datetime]
"""From an instant until just before another."""


@dataclass(frozen=True, slots=True)
class RuleCap:
    cap: Cap
    rule: Rule | None
    """None: the campaign's own."""


@dataclass(frozen=True, slots=True)
class NeededConsent:
    level: ConsentLevel
    rule: Rule | None
    """None: the campaign demands it."""


@dataclass(slots=True)
class Conditions:
    """The conditions on one kind of people. `layers` are hours by zone; all have to be open."""

    layers: tuple[Layer, ...]
    guard: timedelta
    caps: tuple[RuleCap, ...]
    consents: tuple[NeededConsent, ...]
    blocks: tuple[Block, ...]
    refused: tuple[str, str] | None
    """A code and a text, when no recipient of this kind is callable at all."""
    dated: tuple[tuple[str, tuple[Rule, ...]], ...]
    """Countries of which nothing is known while none of these is in force."""
    rules: tuple[Rule, ...]
    """In force or not yet; those set aside are left out."""
    looks_back: timedelta | None
    """How far back attempts matter; nothing when none do, None: to the beginning."""
    evidence: dict[str, Any]
    """Part of the evidence of every decision under these conditions."""
    reasons: dict[Any, Any] = field(default_factory=dict)
    """Cache of reasons: a claim decides about many recipients at one instant."""
    _openings: dict[datetime, Interval | None] = field(default_factory=dict)

    def opening(self, earliest: datetime) -> Interval | None:
        """The first interval from `earliest` on in which a phone may ring; None: never."""
        hour = earliest.replace(minute=0, second=0, microsecond=0)
        if hour not in self._openings:
            if len(self._openings) >= _REMEMBERED:
                self._openings.clear()
            self._openings[hour] = next_opening(self.layers, hour, guard=self.guard)
        opening = self._openings[hour]
        if opening is None:
            return None
        opens, closes = opening
        if opens >= earliest:
            return opening
        left = closes - earliest
        if left >= self.guard and left > timedelta(0):
            return earliest, closes
        return next_opening(self.layers, earliest, guard=self.guard)


def conditions_of(
    plan: CallPlan,
    rulebook: Rulebook,
    zones: tuple[str, ...],
    jurisdictions: tuple[str, ...],
    daypart: Daypart | None = None,
) -> Conditions:
    """The conditions on one kind of recipients, cached in the plan. `daypart` narrows the hours."""
    key = (rulebook.key, zones, jurisdictions, daypart)
    conditions: Conditions | None = plan.derived.get(key)
    if conditions is None:
        if len(plan.derived) >= _REMEMBERED:
            plan.derived.clear()
        conditions = plan.derived[key] = _build(plan, rulebook, zones, jurisdictions, daypart)
    return conditions


def hours_zones(schedule: Schedule, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones in which the schedule's hours are read."""
    if schedule.time_zone_policy is TimeZonePolicy.CAMPAIGN and schedule.time_zone:
        return (schedule.time_zone,)
    return zones


def schedule_hours(schedule: Schedule, jurisdictions: tuple[str, ...] = ()) -> DayHours:
    """The campaign's own hours, without its holidays for the place where a person is."""
    names = set(schedule.holidays) - {CALLEES_HOLIDAYS}
    if CALLEES_HOLIDAYS in schedule.holidays:
        names |= set(calendars_of(jurisdictions))
    return (
        AllOf([schedule, *(_ExceptHolidays(name) for name in sorted(names))]) if names else schedule
    )


class _ExceptHolidays:
    """Always open, except on the holidays of a calendar."""

    def __init__(self, calendar: str) -> None:
        self._calendar = holidays_of(calendar)

    def spans_on(self, day: date) -> Spans:
        return () if self._calendar.closed_on(day) else WHOLE_DAY


def _build(
    plan: CallPlan,
    rulebook: Rulebook,
    zones: tuple[str, ...],
    jurisdictions: tuple[str, ...],
    daypart: Daypart | None,
) -> Conditions:
    accepted = {risk.rule: risk.reason for risk in plan.accept_risk}
    applying = rulebook.applying(plan.purpose, jurisdictions)
    rules = tuple(rule for rule in applying.rules if rule.id not in accepted)
    set_aside = {rule.id for rule in applying.rules} & accepted.keys()
    lacking = [code for code in applying.lacking if NO_RULES + code not in accepted]
    set_aside |= {NO_RULES + code for code in applying.lacking} & accepted.keys()
    dated = tuple(one for one in applying.dated if NO_RULES + one[0] not in accepted)
    consents = [NeededConsent(r.consent, r) for r in rules if r.consent and not r.declared]
    if plan.consent is not None:
        consents.append(NeededConsent(plan.consent, None))
    caps = [RuleCap(cap, None) for cap in plan.caps]
    caps += [RuleCap(cap, rule) for rule in rules for cap in rule.caps]
    return Conditions(
        layers=_layers(plan, rules, zones, jurisdictions, daypart),
        guard=plan.guard(),
        caps=tuple(caps),
        consents=tuple(consents),
        blocks=applying.blocks,
        refused=no_rules(lacking),
        dated=dated,
        rules=rules,
        looks_back=_looks_back(plan, caps),
        evidence={
            "hours": _written_hours(plan.schedule),
            "days": [day.value for day in plan.schedule.open_days()],
            "jurisdictions": list(jurisdictions),
            "rules": [rule.id for rule in rules],
            "caps": [f"{each.cap} ({each.rule.id if each.rule else 'campaign'})" for each in caps],
            "rules_version": rulebook.key,
            "accepted_risks": [{"rule": r, "reason": accepted[r]} for r in sorted(set_aside)],
        }
        | ({"daypart": daypart.value} if daypart else {}),
    )


def _looks_back(plan: CallPlan, caps: list[RuleCap]) -> timedelta | None:
    span = ledger_span([bound.cap for bound in caps])
    if plan.retry.max_attempts_per_day is None or span is None:
        return span
    return max(span, _SAME_DAY)


def _layers(
    plan: CallPlan,
    rules: tuple[Rule, ...],
    zones: tuple[str, ...],
    jurisdictions: tuple[str, ...],
    daypart: Daypart | None,
) -> tuple[Layer, ...]:
    own: DayHours = schedule_hours(plan.schedule, jurisdictions)
    of_rules: list[DayHours] = [rule.hours for rule in rules if rule.has_hours]
    by_zone: dict[str, list[DayHours]] = {zone: list(of_rules) for zone in zones}
    for zone in hours_zones(plan.schedule, zones):
        by_zone.setdefault(zone, []).append(own)
    if daypart is not None:
        days, (start, end) = _DAYPARTS[daypart]
        part = WeeklyHours(tuple(((start, end),) if day in days else () for day in range(7)))
        for zone in zones:
            by_zone[zone].append(part)
    for rule in rules:
        for zone in rule.extra_zones:
            by_zone.setdefault(zone, []).append(rule.hours)
    return _shared(by_zone)


def _shared(by_zone: dict[str, list[DayHours]]) -> tuple[Layer, ...]:
    """Let zones with the same hours share one object, and so its cached days."""
    common: dict[tuple[int, ...], AllOf] = {}
    layers: list[Layer] = []
    for zone in sorted(by_zone):
        parts = by_zone[zone]
        key = tuple(id(part) for part in parts)
        if parts:
            layers.append((common.setdefault(key, AllOf(parts)), zone))
    return tuple(layers)


def no_rules(lacking: list[str]) -> tuple[str, str] | None:
    """Why no recipient is callable in these countries; None when there are none."""
    if not lacking:
        return None
    where = ", ".join(lacking)
    return (
        "no_rules",
        f"no telemarketing rules are known for {where}; accept the risk {NO_RULES}{lacking[0]} "
        "with a reason, or leave these people out",
    )


def _written_hours(schedule: Schedule) -> list[str]:
    if not schedule.windows:
        return [str(span) for span in schedule.hours]
    return [
        f"{'/'.join(day.value for day in window.days)} {', '.join(map(str, window.hours))}"
        for window in schedule.windows
    ]


# --- openings: when all layers are open ---------------------------------------------------------
#
# Hours are tested on the wall time of an instant in every zone, never by arithmetic on local times,
# so that gaps and repeated hours need no special case. An opening is looked for over stretches of
# constant UTC offset.

HORIZON = timedelta(days=400)
"""How far ahead an opening is looked for; beyond it the answer is `never`."""
_MIDNIGHT = time()
_ROUND_THE_CLOCK = timedelta(days=8)
"""An interval this long is not extended: callers only need the next days."""


class AllOf:
    """Open where all parts are. Days are cached: many decisions concern the same few."""

    def __init__(self, parts: Sequence[DayHours]) -> None:
        self._parts = tuple(parts)
        self._days: dict[date, Spans] = {}

    def spans_on(self, day: date) -> Spans:
        spans = self._days.get(day)
        if spans is None:
            spans = WHOLE_DAY
            for part in self._parts:
                spans = intersect(spans, part.spans_on(day))
            self._days[day] = spans
        return spans


def is_open(hours: DayHours, zones: tuple[str, ...], instant: datetime) -> bool:
    return all(_open_at(hours, instant.astimezone(load_zone(zone))) for zone in zones)


def _open_at(hours: DayHours, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in hours.spans_on(local.date()))


def next_opening(
    layers: Sequence[Layer],
    after: datetime,
    *,
    guard: timedelta = timedelta(0),
    horizon: timedelta = HORIZON,
) -> Interval | None:
    """The first instant from `after` on at which all layers are open, and stay so for `guard`.

    None when there is none within the horizon.
    """
    limit = after + horizon
    instant = after
    while instant <= limit:
        intervals = [_interval_from(hours, zone, instant, limit) for hours, zone in layers]
        if any(interval is None for interval in intervals):
            return None
        open_intervals = cast("list[Interval]", intervals)
        latest = max(start for start, _ in open_intervals)
        if latest <= instant:
            closes_at = min(end for _, end in open_intervals)
            if closes_at - instant >= guard:
                return instant, closes_at
            latest = closes_at
        instant = latest
    return None


def _interval_from(
    hours: DayHours, zone_name: str, after: datetime, limit: datetime
) -> Interval | None:
    """The open interval that holds `after` (start clipped to it), or else the next one."""
    current: Interval | None = None
    for start, end in _intervals(hours, load_zone(zone_name), after, limit):
        if end <= after:
            continue
        if current is None:
            current = (max(start, after), end)
        elif start <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            break
        if current[1] - current[0] >= _ROUND_THE_CLOCK:
            break
    return current


def _intervals(
    hours: DayHours, zone: tzinfo, after: datetime, limit: datetime
) -> Iterator[Interval]:
    for begin, finish in constant_offset(zone, after - timedelta(days=1), limit):
        offset = begin.astimezone(zone).utcoffset() or timedelta()
        day = (begin + offset).date()
        last = (finish + offset).date()
        while day <= last:
            midnight = datetime.combine(day, _MIDNIGHT, UTC) - offset
            for start, end in hours.spans_on(day):
                opens = max(midnight + timedelta(minutes=start), begin)
                closes = min(midnight + timedelta(minutes=end), finish)
                if opens < closes:
                    yield opens, closes
            day += timedelta(days=1)
