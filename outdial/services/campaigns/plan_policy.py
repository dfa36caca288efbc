"""Limits that an operator sets for plans: what a campaign must not exceed before it is launched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from outdial.domain.definition.fields import Frozen
from outdial.domain.hints import Hint
from outdial.domain.money.amount import Amount, Money
from outdial.intake.problems import Problem
from outdial.intake.yaml.source_map import SourceMap
from outdial.services.campaigns.plan_cost import highest_cost
from outdial.services.campaigns.planning import CampaignPlan, PlanGroup

Hours = Annotated[float, Field(ge=0, le=7 * 24)]
Share = Annotated[float, Field(ge=0, le=1)]
Calls = Annotated[int, Field(ge=1)]


class PlanPolicy(Frozen):
    """What a plan is checked against; what is left out is not checked."""

    max_cost: Amount | None = None
    """The most that the campaign can cost, such as 500 USD: what its calls would reserve."""
    max_per_person: Amount | None = None
    """The most that the calls to one person can cost, such as 2 USD."""
    min_open_hours: Annotated[Hours | None, Hint("write hours of a week, such as 20")] = None
    """In how many hours of the seven days from the start on people of each time zone and
    jurisdiction may be called, at least. Those who are never called are left out."""
    max_never_share: Annotated[Share | None, Hint("write a share from 0 to 1, such as 0.1")] = None
    """The share of the rows that are never called, at most; rejected rows are never called."""
    max_calls_per_person: Annotated[Calls | None, Hint("write a number, such as 5")] = None
    """How many calls one person may get, at most."""


def violations(policy: PlanPolicy, source_map: SourceMap, plan: CampaignPlan) -> list[Problem]:
    """Each limit that a plan exceeds, with its line in the policy's file."""
    exceeded = (
        *_costs(policy, plan),
        ("min_open_hours", _open_hours(policy, plan)),
        ("max_never_share", _never_share(policy, plan)),
        ("max_calls_per_person", _calls_per_person(policy, plan)),
    )
    return [
        source_map.problem((key,), "policy_violated", message, at_key=True)
        for key, messages in exceeded
        for message in messages
    ]


def _costs(policy: PlanPolicy, plan: CampaignPlan) -> Iterator[tuple[str, Iterator[str]]]:
    highest = highest_cost(plan)
    total, per_person = (highest.total, highest.per_person) if highest else (None, None)
    yield "max_cost", _cost(policy.max_cost, total)
    yield "max_per_person", _cost(policy.max_per_person, per_person)


def _cost(most: Money | None, cost: Money | None) -> Iterator[str]:
    if most is None:
        return
    if cost is None:
        yield "found lines without prices, or in several currencies: nothing bounds the cost"
    elif cost.currency != most.currency:
        yield f"found prices in {cost.currency}; write the limit in {cost.currency}"
    elif cost.amount > most.amount:
        yield f"found {cost}; the policy allows {most}"


def _open_hours(policy: PlanPolicy, plan: CampaignPlan) -> Iterator[str]:
    least = policy.min_open_hours
    if least is None:
        return
    for window in plan.windows:
        if window.called and window.week is not None and window.open_hours < least:
            where = ", ".join(window.zones)
            if window.jurisdictions:
                where += f" ({', '.join(window.jurisdictions)})"
            yield f"found {window.open_hours:g} hours in {where}; the policy demands {least:g}"


def _never_share(policy: PlanPolicy, plan: CampaignPlan) -> Iterator[str]:
    most, rejected = policy.max_never_share, plan.given.rejected.rows
    rows, never = len(plan.recipients) + rejected, plan.count(PlanGroup.NEVER) + rejected
    if most is not None and rows and never / rows > most:
        yield f"found {never} of {rows}, {never / rows:.1%}; the policy allows {most:.1%}"


def _calls_per_person(policy: PlanPolicy, plan: CampaignPlan) -> Iterator[str]:
    most, calls = policy.max_calls_per_person, plan.rehearsal.plan.retry.max_attempts
    if most is not None and calls > most:
        yield f"found {calls} calls, by retry.max_attempts; the policy allows {most}"
