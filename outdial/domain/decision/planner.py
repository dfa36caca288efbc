"""May this person be called now? One pure function answers for claim, fence and people.

`Dial | Wait(until, because) | Never(because)`; `now` is an argument. `until` is the first instant
at which everything admits a call.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.retry import Daypart
from outdial.domain.decision.conditions import conditions_of, hours_zones
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Never, Wait
from outdial.domain.decision.reasons import Reason
from outdial.domain.decision.search import Search
from outdial.domain.decision.window import WeeklyHours
from outdial.domain.definition.schedule import Schedule
from outdial.domain.line.routing import rejected_by_all
from outdial.domain.numbers.policy import refusal
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook


@lru_cache(maxsize=1024)
def weekly_hours(schedule: Schedule) -> WeeklyHours:
    return WeeklyHours.of(schedule)


def decide(
    candidate: Candidate,
    plan: CallPlan,
    ledger: Ledger,
    now: datetime,
    rulebook: Rulebook | None = None,
) -> Decision:
    """Whether `candidate` may be called at `now` under `plan`, given earlier attempts.

    `rulebook` defaults to the rules that ship.
    """
    rulebook = rulebook or shipped_rulebook()
    stop = _ended(candidate, plan)
    if stop is not None:
        return Never(stop)
    zones, jurisdictions = candidate.zones, candidate.jurisdictions
    conditions = conditions_of(plan, rulebook, zones, jurisdictions, daypart_of(candidate, plan))
    if conditions.refused is not None:
        return Never(Reason(*conditions.refused))
    return Search(candidate, plan, ledger, now, conditions).decision()


def looks_back(
    candidate: Candidate, plan: CallPlan, rulebook: Rulebook | None = None
) -> timedelta | None:
    """How far back a decision needs the ledger; None: to the beginning."""
    rulebook = rulebook or shipped_rulebook()
    return conditions_of(
        plan, rulebook, candidate.zones, candidate.jurisdictions, daypart_of(candidate, plan)
    ).looks_back


def _ended(candidate: Candidate, plan: CallPlan) -> Reason | None:
    if not candidate.zones:
        return Reason("timezone_unknown", "no time zone is known for this number any more")
    if candidate.suppressed is not None:
        return Reason("suppressed", f"the number must not be called: {candidate.suppressed}")
    barred = refusal(candidate.destinations)
    if barred is not None:
        return Reason("destination", barred)
    if candidate.attempts >= plan.retry.max_attempts:
        return Reason("max_attempts", f"all {plan.retry.max_attempts} attempts were made")
    if candidate.marks and rejected_by_all(plan.shares, candidate.marks):
        return Reason("rejected", f"{plan.told_lines()}: the provider never dials this number")
    return None


def daypart_of(candidate: Candidate, plan: CallPlan) -> Daypart | None:
    """The part of the week in which the next attempt is made; None: any."""
    parts = plan.retry.dayparts
    if not parts or candidate.promised:
        return None
    return parts[candidate.attempts % len(parts)]


__all__ = [
    "Candidate",
    "Decision",
    "Dial",
    "Ledger",
    "Never",
    "Reason",
    "Wait",
    "daypart_of",
    "decide",
    "hours_zones",
    "looks_back",
    "weekly_hours",
]
