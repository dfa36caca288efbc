"""Reasons of decisions: a code for programs, a text for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from outdial.domain.clocks import load_zone
from outdial.domain.decision.conditions import Conditions, hours_zones, is_open, schedule_hours
from outdial.domain.definition.caps import Cap
from outdial.domain.definition.schedule import Schedule
from outdial.domain.rules.rule import Rule

_ZONES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, for machines (`code`) and for people (`text`)."""

    code: str
    text: str


def stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def cap_reason(cap: Cap, rule: Rule | None) -> Reason:
    source = "the campaign's own cap" if rule is None else f"{rule.id}, {rule.cite}"
    return Reason("cap", f"{cap} were made ({source})")


def hours_reason(
    schedule: Schedule,
    conditions: Conditions,
    zones: tuple[str, ...],
    at: datetime,
    *,
    then: bool = False,
) -> Reason:
    """Which hours are closed at an instant, now or `then`: the campaign's own, or a rule's."""
    it_is = "then it is" if then else "it is"
    own = hours_zones(schedule, zones)
    if not is_open(schedule_hours(schedule), own, at):
        hours = ", ".join(conditions.evidence["hours"])
        return Reason("outside_hours", f"calls are made {hours}; {it_is} {_clocks(own, at)}")
    for rule in conditions.rules:
        where = (*zones, *rule.extra_zones)
        if rule.has_hours and not is_open(rule.hours, where, at):
            text = f"{rule.id} ({rule.cite}) forbids it; {it_is} {_clocks(where, at)}"
            return Reason("outside_legal_hours", text)
    daypart = conditions.evidence.get("daypart")
    if daypart is not None:
        return Reason("daypart", f"the next attempt is made in the {daypart}")
    return Reason("window_closes", "the window closes too soon, or it is a holiday")


def _clocks(zones: tuple[str, ...], at: datetime) -> str:
    shown = ", ".join(
        f"{at.astimezone(load_zone(zone)):%a %H:%M} in {zone}" for zone in zones[:_ZONES_SHOWN]
    )
    more = len(zones) - _ZONES_SHOWN
    return f"{shown} and {more} more zones" if more > 0 else shown
