"""A plan counts what a campaign that goes on has spent of its budget."""

from __future__ import annotations

from typing import Any

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.services.campaigns.plan_changes import KeyEffect
from outdial.services.campaigns.plan_cost import highest_cost
from outdial.services.campaigns.planning import PlanGroup, make_plan
from outdial.store.call import events
from outdial.store.campaign.states import finish_campaign
from tests.builders import LINE, House, event
from tests.services.test_plan_changes import campaign, launched, planned
from tests.services.world import World, new_name

LONGEST = {"max_duration": "10m", "retry": "{max_attempts: 2, no_answer: {delays: 10m}}"}
"""A call costs 0.90 USD at most."""


def house_of(world: World) -> House:
    house = House(world.ctx.database)
    house.now = world.clock.now
    return house


async def called(world: World, name: str, budget: str) -> CampaignRecord:
    """A campaign of three people, one of whom was talked to for ten minutes."""
    record = await launched(world, name, budget=budget, **LONGEST)
    house = house_of(world)
    call = house.claim_one(record)
    house.place(call.call_id)
    house.end(call.call_id, duration_seconds=600)
    return record


async def test_what_is_spent_is_not_rehearsed_with(world: World) -> None:
    name = new_name()
    await called(world, name, "{most: 1 USD}")
    given, _ = await planned(world, campaign(name, budget="{most: 1 USD}", **LONGEST))
    outcome = make_plan(given, (1,)).outcome
    assert outcome is not None
    assert outcome.runs[0].calls_by_outcome.total() == 0
    raised, _ = await planned(world, campaign(name, budget="{most: 1.90 USD}", **LONGEST))
    assert raised.rehearsal.before.spending.launch == 900_000
    rehearsed = make_plan(raised, (1,)).outcome
    assert rehearsed is not None
    assert rehearsed.runs[0].calls_by_outcome.total() > 0


@pytest.mark.parametrize(
    ("budget", "total", "by_budget"),
    [("{most: 1.90 USD}", "1.90 USD", True), ("{most: 99 USD}", "4.50 USD", False)],
)
async def test_what_is_spent_is_part_of_the_highest_cost(
    world: World, budget: str, total: str, by_budget: bool
) -> None:
    """0.90 USD, and two calls to each of the other two."""
    name = new_name()
    await called(world, name, "{most: 1 USD}")
    given, _ = await planned(world, campaign(name, budget=budget, **LONGEST))
    cost = highest_cost(make_plan(given, ()))
    assert cost is not None
    assert (str(cost.total), cost.by_budget) == (total, by_budget)


async def test_a_call_under_way_is_counted_once(world: World) -> None:
    name = new_name()
    record = await launched(world, name, budget="{most: 9 USD}", **LONGEST)
    house_of(world).claim_one(record)
    given, _ = await planned(world, campaign(name, budget="{most: 9 USD}", **LONGEST))
    assert given.rehearsal.before.spending.launch == 0
    cost = highest_cost(make_plan(given, ()))
    assert cost is not None
    assert str(cost.total) == "5.40 USD", "two calls to each of three"


async def test_a_day_counts_what_earlier_launches_have_spent(world: World) -> None:
    name = new_name()
    record = await called(world, name, "{per_day: 1 USD}")
    house = house_of(world)
    house.set_state(record, CampaignState.STOPPING)
    house.write(lambda s: finish_campaign(s, record.id, now=house.now))
    given, _ = await planned(world, campaign(name, budget="{per_day: 1 USD}", **LONGEST))
    spending = given.rehearsal.before.spending
    assert (spending.launch, spending.of_day) == (0, 900_000)


@pytest.mark.parametrize(
    ("changes", "group"),
    [
        ({"budget": "{per_person: 1 USD}"}, PlanGroup.NEVER),
        ({"budget": "{per_person: 2 USD}"}, PlanGroup.LATER),
        ({}, PlanGroup.LATER),
    ],
    ids=["as it is", "raised", "removed"],
)
async def test_what_one_person_has_cost(
    world: World, changes: dict[str, Any], group: PlanGroup
) -> None:
    name = new_name()
    record = await launched(world, name, budget="{per_person: 1 USD}", **LONGEST)
    house = house_of(world)
    call = house.claim_one(record)
    house.place(call.call_id)
    house.end(call.call_id, CallStatus.NO_ANSWER)
    price = event("p", call_id=call.call_id, kind=EventKind.ANALYSIS, cost=0.2, at=house.now)
    house.write(lambda s: events.store_events(s, LINE, [price], now=house.now))
    given, change = await planned(world, campaign(name, **LONGEST, **changes))
    first = make_plan(given, ()).recipients[0]
    assert first.group is group
    if group is PlanGroup.NEVER:
        assert (first.code, change.effects) == ("budget_per_person", ())
    else:
        assert change.effects == (KeyEffect("budget", restored=1, same=2),)


async def test_a_new_limit_for_one_person_cancels(world: World) -> None:
    name = new_name()
    record = await launched(world, name, budget="{most: 9 USD}", **LONGEST)
    house = house_of(world)
    call = house.claim_one(record)
    house.place(call.call_id)
    house.end(call.call_id, CallStatus.NO_ANSWER)
    price = event("p", call_id=call.call_id, kind=EventKind.ANALYSIS, cost=0.2, at=house.now)
    house.write(lambda s: events.store_events(s, LINE, [price], now=house.now))
    limited = campaign(name, budget="{most: 9 USD, per_person: 1 USD}", **LONGEST)
    _, change = await planned(world, limited)
    assert list(change.effects) == [KeyEffect("budget", canceled=1, same=2)]
