"""A plan against a campaign that was launched before: what changes, and for whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.record import CampaignRecord
from outdial.domain.rules.rulebook import Block
from outdial.intake.definition import LoadedDefinition, read_definition_text
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.campaigns.plan_changes import KeyEffect, PlannedChanges, plan_changes
from outdial.services.campaigns.plan_check import require_fresh, require_plan
from outdial.services.campaigns.plan_input import PlanInput, present_fingerprint, read_with_database
from outdial.services.campaigns.planning import PlanGroup, make_plan
from outdial.services.errors import ScopeMissing, StalePlan
from outdial.store.compliance import rulings
from tests.builders import House
from tests.services.world import NOW, World, new_name

NEW_YORK, LOS_ANGELES, HONOLULU = "+12125550123", "+14155550124", "+18085550125"
"""At the start it is 10:00, 07:00 and 05:00."""
IN_THREE_HOURS = (NOW + timedelta(hours=3)).isoformat()
PEOPLE = (NEW_YORK, LOS_ANGELES, HONOLULU)


def campaign(name: str, *people: str, **changes: str) -> LoadedDefinition:
    lines = {
        "purpose": "informational",
        "agent": "a",
        "schedule": '{hours: "09:00-18:00"}',
        **changes,
    }
    text = "\n".join(f"{key}: {value}" for key, value in lines.items())
    listed = "\n".join(f'  - {{phone: "{phone}"}}' for phone in people or PEOPLE)
    return read_definition_text(f"name: {name}\n{text}\nrecipients:\n{listed}\n")


async def launched(world: World, name: str, **changes: str) -> CampaignRecord:
    return (await launch_campaign(world.ctx, campaign(name, **changes))).campaign


async def planned(world: World, loaded: LoadedDefinition) -> tuple[PlanInput, PlannedChanges]:
    given = await read_with_database(world.ctx, loaded, world.clock.now)
    changes = await plan_changes(world.ctx, given)
    assert changes is not None
    return given, changes


@pytest.mark.parametrize(
    ("changes", "effects"),
    [
        ({}, ()),
        ({"agent": "b", "pacing": "{max_concurrent: 3}"}, ()),
        ({"schedule": '{hours: "10:00-18:00"}'}, (KeyEffect("schedule", later=2, same=1),)),
        ({"schedule": '{hours: "06:00-18:00"}'}, (KeyEffect("schedule", sooner=2, same=1),)),
        (
            {"schedule": f'{{hours: "09:00-18:00", end: {IN_THREE_HOURS}}}'},
            (KeyEffect("schedule", canceled=1, same=2),),
        ),
        (
            {"retry": "{max_attempts: 2}", "schedule": '{hours: "10:00-18:00"}'},
            (KeyEffect("schedule", later=2, same=1), KeyEffect("retry", same=3)),
        ),
    ],
    ids=["nothing", "no move", "later", "sooner", "canceled", "two keys"],
)
async def test_the_effect_of_each_key(
    world: World, changes: dict[str, str], effects: tuple[KeyEffect, ...]
) -> None:
    name = new_name()
    record = await launched(world, name)
    _, change = await planned(world, campaign(name, **changes))
    assert (change.campaign.id, change.waiting) == (record.id, 3)
    assert {each.path.partition(".")[0] for each in change.differences} == set(changes)
    assert set(change.effects) == set(effects)


async def test_rows_are_compared_with_the_roster(world: World) -> None:
    """By every number that a person goes by; who is done is planned as done."""
    name = new_name()
    record = await launched(world, name)
    house = House(world.ctx.database)
    house.now = world.clock.now
    call = house.claim_one(record)
    under_way, _ = await planned(world, campaign(name))
    assert under_way.rehearsal.enrolled[0].attempts == 0
    house.place(call.call_id)
    house.end(call.call_id)
    given, change = await planned(world, campaign(name, NEW_YORK, HONOLULU, "+12125550177"))
    assert (change.waiting, change.added, change.missing) == (2, 1, 1)
    groups = [each.group for each in make_plan(given, ()).recipients]
    assert groups == [PlanGroup.DONE, PlanGroup.LATER, PlanGroup.NOW]
    done = make_plan(given, ()).recipients[0]
    assert done.code == "completed"
    rehearsed = make_plan(given, (1,)).outcome
    assert rehearsed is not None
    assert rehearsed.runs[0].calls_by_outcome.total() >= 2


async def test_calls_under_way_run_out(world: World) -> None:
    name = new_name()
    record = await launched(world, name)
    house = House(world.ctx.database)
    house.now = world.clock.now
    house.claim_one(record)
    _, change = await planned(world, campaign(name, agent="b"))
    assert (change.in_flight, change.queued, change.waiting) == (1, 1, 2)


async def test_a_plan_is_bound_to_what_it_was_made_of(world: World) -> None:
    name = new_name()
    loaded = campaign(name)
    given = await read_with_database(world.ctx, loaded, world.clock.now)
    await require_fresh(world.ctx, loaded, given.fingerprint)
    made_of = await require_plan(world.ctx, loaded, given.fingerprint.id)
    assert made_of == given.fingerprint
    for other, changed in (
        (campaign(name, agent="b"), "the definition"),
        (campaign(name, NEW_YORK), "the recipients"),
    ):
        with pytest.raises(StalePlan, match=f"Changed since then: {changed}$"):
            await require_fresh(world.ctx, other, given.fingerprint)
        with pytest.raises(StalePlan, match="was made of other inputs"):
            await require_plan(world.ctx, other, given.fingerprint.id)
    block = Block(jurisdiction="US-FL", until=world.clock.now + timedelta(days=1), reason="storm")
    await world.ctx.database.write(
        lambda s: rulings.block(s, "default", block, now=world.clock.now)
    )
    await launched(world, name)
    with pytest.raises(
        StalePlan,
        match=r"the calling rules \(.+, now .+\); "
        r"the campaign \(not launched, now launch 1 at revision 1\)$",
    ):
        await require_fresh(world.ctx, loaded, given.fingerprint)
    present = await present_fingerprint(
        world.ctx, world.ctx.lines.of_tenant(world.ctx.tenant), loaded
    )
    assert present.revision == 1


async def test_a_plan_for_later_is_fresh_when_it_is_made(world: World) -> None:
    """A block that ends before the start is in force now."""
    block = Block(jurisdiction="US-ME", until=world.clock.now + timedelta(hours=1), reason="storm")
    await world.ctx.database.write(
        lambda s: rulings.block(s, "default", block, now=world.clock.now)
    )
    loaded = campaign(new_name())
    given = await read_with_database(world.ctx, loaded, world.clock.now + timedelta(hours=2))
    await require_fresh(world.ctx, loaded, given.fingerprint)


async def test_a_key_needs_the_rights_of_a_launch(world: World) -> None:
    risky = campaign(new_name(), accept_risk="[{rule: US.hours, reason: counsel looked at it}]")
    with pytest.raises(ScopeMissing):
        await read_with_database(world.ctx, risky, world.clock.now, scopes=("campaigns:write",))
