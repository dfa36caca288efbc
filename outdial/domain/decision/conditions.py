"""What binds calls to people of one kind under one plan: built once, asked for every decision.

A kind of people is everybody with the same zones and jurisdictions. Everything that costs time to
work out, hours above all, is worked out here and remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.retry import Daypart
from outdial.domain.decision.window import (
    WHOLE_DAY,
    AllOf,
    DayHours,
    Layer,
    Opening,
    Spans,
    WeeklyHours,
    next_common_opening,
)
from outdial.domain.definition.caps import Cap, ledger_span
from outdial.domain.definition.schedule import CALLEES_HOLIDAYS, Schedule, TimeZonePolicy
from outdial.domain.rules.consent import ConsentLevel
from outdial.domain.rules.holidays import calendars_of, holidays_of
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import NO_RULES, Block, Rulebook

_SAME_DAY = timedelta(hours=50)
"""Attempts further back are on no calendar day that is today in any zone on earth."""
_REMEMBERED = 2048
"""Openings, by the hour: more than three months of them."""

_WEEKDAYS, _WEEKEND = tuple(range(5)), (5, 6)
_DAYPARTS: dict[Daypart, tuple[tuple[int, ...], tuple[int, int]]] = {
    Daypart.MORNING: (_WEEKDAYS, (8 * 60, 12 * 60)),
    Daypart.AFTERNOON: (_WEEKDAYS, (12 * 60, 17 * 60)),
    Daypart.EVENING: (_WEEKDAYS, (17 * 60, 21 * 60)),
    Daypart.WEEKEND: (_WEEKEND, (0, 24 * 60)),
}


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
    """See the module. `layers` are hours by zone; all of them have to be open."""

    layers: tuple[Layer, ...]
    guard: timedelta
    caps: tuple[RuleCap, ...]
    consents: tuple[NeededConsent, ...]
    blocks: tuple[Block, ...]
    refused: tuple[str, str] | None
    """A code and a text, when nobody of this kind may be called at all."""
    dated: tuple[tuple[str, tuple[Rule, ...]], ...]
    """Countries of which nothing is known while none of these is in force."""
    rules: tuple[Rule, ...]
    """In force or not yet; those set aside are left out."""
    looks_back: timedelta | None
    """How far back attempts matter; nothing when none do, None: to the beginning."""
    evidence: dict[str, Any]
    """What every decision under these conditions notes."""
    told: dict[Any, Any] = field(default_factory=dict)
    """Reasons told before: a claim asks about many people at one instant."""
    _openings: dict[datetime, Opening | None] = field(default_factory=dict)

    def opening(self, earliest: datetime) -> Opening | None:
        """The first instant from `earliest` on at which a phone may ring; None: never."""
        hour = earliest.replace(minute=0, second=0, microsecond=0)
        if hour not in self._openings:
            if len(self._openings) >= _REMEMBERED:
                self._openings.clear()
            self._openings[hour] = next_common_opening(self.layers, hour, guard=self.guard)
        known = self._openings[hour]
        if known is None:
            return None
        if known.at >= earliest:
            return known
        left = known.closes_at - earliest
        if left >= self.guard and left > timedelta(0):
            return Opening(earliest, known.closes_at)
        return next_common_opening(self.layers, earliest, guard=self.guard)


def conditions_of(
    plan: CallPlan,
    rulebook: Rulebook,
    zones: tuple[str, ...],
    jurisdictions: tuple[str, ...],
    daypart: Daypart | None = None,
) -> Conditions:
    """Remembered with the plan. `daypart` narrows the hours."""
    key = (rulebook.key, zones, jurisdictions, daypart)
    known: Conditions | None = plan.derived.get(key)
    if known is None:
        if len(plan.derived) >= _REMEMBERED:
            plan.derived.clear()
        known = plan.derived[key] = _build(plan, rulebook, zones, jurisdictions, daypart)
    return known


def hours_zones(schedule: Schedule, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones in which the schedule's hours are read."""
    if schedule.time_zone_policy is TimeZonePolicy.CAMPAIGN and schedule.time_zone:
        return (schedule.time_zone,)
    return zones


def schedule_hours(schedule: Schedule, jurisdictions: tuple[str, ...] = ()) -> DayHours:
    """The campaign's own hours, without its holidays for the place where a person is."""
    week = WeeklyHours.of(schedule)
    names = set(schedule.holidays) - {CALLEES_HOLIDAYS}
    if CALLEES_HOLIDAYS in schedule.holidays:
        names |= set(calendars_of(jurisdictions))
    return AllOf([week, *(_NotOn(name) for name in sorted(names))]) if names else week


class _NotOn:
    """Every hour but those of a calendar's holidays."""

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
            "days": [day.value for window in plan.schedule.week() for day in window.days],
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
    """Zones with the same hours share them, and with them the days they remember."""
    known: dict[tuple[int, ...], AllOf] = {}
    layers: list[Layer] = []
    for zone in sorted(by_zone):
        parts = by_zone[zone]
        key = tuple(id(part) for part in parts)
        if parts:
            layers.append((known.setdefault(key, AllOf(parts)), zone))
    return tuple(layers)


def no_rules(lacking: list[str]) -> tuple[str, str] | None:
    """Why nobody is called in these countries; None when there are none."""
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
