"""Applying: a running campaign matches its changed definition, or nothing was changed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from outdial.dispatch.answers import ANSWER_WITHIN
from outdial.dispatch.campaigns import update_campaign
from outdial.dispatch.errors import TemporalUnavailable, WorkerTimeout
from outdial.domain.call.claim import CampaignState
from outdial.domain.record import RecipientState
from outdial.intake.definition import LoadedDefinition, read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.resources.resources import Resources
from outdial.services.campaigns import control
from outdial.services.campaigns.applying import Applied, apply_definition, roll_back
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.campaigns.results import list_results
from outdial.services.campaigns.revisions import diff_revisions, list_revisions
from outdial.services.campaigns.roster_mode import RosterMode
from outdial.services.errors import (
    ChangeRefused,
    NoSuchCampaign,
    NotFound,
    PreconditionFailed,
    ScopeMissing,
)
from outdial.services.operations import reading
from tests.services.world import World, build_world, new_name, no_temporal
from tests.waiting import until


def campaign(name: str, *, people: range = range(3), **changes: str) -> LoadedDefinition:
    """One that starts next year: it runs, and calls nobody. `changes` are lines of YAML."""
    lines = {
        "purpose": "informational",
        "agent": "a",
        "schedule": "{start: 2027-01-01T00:00:00Z, time_zone: Europe/Berlin}",
        **changes,
    }
    recipients = "\n".join(
        f'  - {{phone: "+120255501{n:02d}", first_name: Ada{n}}}' for n in people
    )
    text = "\n".join(f"{key}: {value}" for key, value in lines.items())
    return read_definition_text(f"name: {name}\n{text}\nrecipients:\n{recipients}\n", name="c.yaml")


async def roster(ctx: Resources, name: str) -> dict[str, Any]:
    """By number: the recipient."""
    results = await list_results(ctx, name, limit=1000)
    return {one.recipient.phone: one.recipient for one in results}


async def test_a_change_is_in_force_and_kept(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name))
    changed = campaign(name, pacing="{max_concurrent: 3}", agent="b")
    applied = await apply_definition(ctx, changed, reason="faster")
    assert (applied.changed, applied.before, applied.noted_only) == (True, 1, False)
    assert [each.path for each in applied.differences] == ["agent.id", "pacing.max_concurrent"]
    record = await reading.require_campaign(ctx, name)
    assert (record.revision, record.plan.pacing.max_concurrent) == (2, 3)
    assert not (await apply_definition(ctx, changed)).changed
    newest, _ = await list_revisions(ctx, name, limit=10)
    assert (newest.revision, newest.reason) == (2, "faster")
    assert await diff_revisions(ctx, name, 1, 2) == applied.differences
    assert await diff_revisions(ctx, name, 2, 2) == ()
    with pytest.raises(NotFound):
        await diff_revisions(ctx, name, 1, 7)


async def test_the_way_back(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name))
    before = (await reading.require_campaign(ctx, name)).plan
    with pytest.raises(ChangeRefused, match="first revision of this launch"):
        await roll_back(ctx, name)
    await apply_definition(ctx, campaign(name, pacing="{max_concurrent: 3}"))
    back = await roll_back(ctx, name, reason="too fast")
    assert (back.before, back.campaign.revision, back.campaign.plan) == (2, 3, before)
    newest, *_ = await list_revisions(ctx, name, limit=10)
    assert (newest.restores, newest.reason) == (1, "too fast")
    with pytest.raises(NotFound):
        await roll_back(ctx, name, 9)
    assert not (await roll_back(ctx, name, 1)).changed


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"purpose": "telemarketing"}, "c.yaml:2:10: purpose: found telemarketing"),
        (
            {"calendar": "{name: clinic, time_zone: Europe/Paris}"},
            "c.yaml:5:37: calendar.time_zone: found Europe/Paris",
        ),
    ],
    ids=["purpose", "calendar"],
)
async def test_what_can_not_be_changed_is_named_with_its_place(
    working: World,
    changes: dict[str, Any],
    place: str,
) -> None:
    ctx, name = working.ctx, new_name()
    clinic: dict[str, Any] = {"calendar": "{name: clinic, time_zone: Europe/Berlin}"}
    await launch_campaign(ctx, campaign(name, **clinic))
    with pytest.raises(DefinitionInvalid) as refused:
        await apply_definition(ctx, campaign(name, **{**clinic, **changes}))
    assert str(refused.value).startswith(place)
    assert [problem.code for problem in refused.value.problems] == ["immutable"]
    other = campaign(new_name(), **clinic)
    with pytest.raises(DefinitionInvalid, match="name: found"):
        await apply_definition(ctx, other, name=name)
    assert (await reading.require_campaign(ctx, name)).revision == 1


@pytest.mark.parametrize("dates", ["start: 2036-01-01T00:00:00Z", "end: 2026-01-01T00:00:00Z"])
async def test_dates_under_which_nobody_can_be_called_are_refused(world: World, dates: str) -> None:
    """Everybody would be ended, and stay ended after a rollback."""
    name = new_name()
    await launch_campaign(world.ctx, campaign(name))
    never = campaign(name, schedule=f"{{{dates}, time_zone: Europe/Berlin}}")
    with pytest.raises(ChangeRefused, match="could be called any more: "):
        await apply_definition(world.ctx, never, mode=RosterMode.KEEP)
    assert (await reading.require_campaign(world.ctx, name)).revision == 1


async def test_people_come_and_nobody_goes_unless_that_is_asked(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name))
    changed = campaign(name, people=range(1, 5), variables='{greeting: "Hi {{ first_name }}"}')
    applied = await apply_definition(ctx, changed)
    assert (applied.roster.added, applied.roster.changed, applied.roster.missing) == (2, 2, 1)
    assert applied.removed == 0

    async def merged() -> bool:
        people = await roster(ctx, name)
        return len(people) == 5 and people["+12025550104"].state is RecipientState.WAITING

    await until(merged)
    people = await roster(ctx, name)
    assert people["+12025550101"].variables == {"first_name": "Ada1", "greeting": "Hi Ada1"}
    assert people["+12025550100"].variables == {"first_name": "Ada0"}
    applied = await apply_definition(ctx, changed, mode=RosterMode.MATCH)
    assert (applied.changed, applied.removed) == (True, 1)

    async def removed() -> bool:
        return (await roster(ctx, name))["+12025550100"].state is RecipientState.DONE

    await until(removed)
    newest, second, _ = await list_revisions(ctx, name, limit=10)
    assert [(each.added, each.removed) for each in (newest, second)] == [(0, 1), (2, 0)]
    assert not (await apply_definition(ctx, changed, mode=RosterMode.MATCH)).changed


async def test_variables_are_rendered_again_without_the_file(working: World) -> None:
    ctx, name = working.ctx, new_name()
    hello = '{greeting: "Hello {{ first_name }}"}'
    await launch_campaign(ctx, campaign(name, variables=hello))
    changed = campaign(name, people=range(1), variables='{greeting: "Hi {{ first_name }}"}')
    applied = await apply_definition(ctx, changed, mode=RosterMode.KEEP)
    assert (applied.roster.added, applied.roster.changed, applied.roster.missing) == (0, 3, 0)

    async def says(word: str) -> bool:
        people = (await roster(ctx, name)).values()
        return [one.variables["greeting"] for one in people] == [f"{word} Ada{n}" for n in range(3)]

    await until(lambda: says("Hi"))
    await roll_back(ctx, name)
    await until(lambda: says("Hello"))
    for template in ("{{ state }}", "{{ greeting }}", "{{ last_name }}"):
        wrong = campaign(name, variables=f'{{greeting: "{template}"}}')
        with pytest.raises(DefinitionInvalid, match="variables"):
            await apply_definition(ctx, wrong, mode=RosterMode.KEEP)
    assert (await reading.require_campaign(ctx, name)).revision == 3


async def test_of_two_at_once_one_is_applied_and_the_other_says_why(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name))
    changes = [campaign(name, pacing=f"{{max_concurrent: {n}}}") for n in (2, 3, 4)]
    results = await asyncio.gather(
        *(apply_definition(ctx, each, mode=RosterMode.KEEP, expected=1) for each in changes),
        return_exceptions=True,
    )
    applied = [each for each in results if isinstance(each, Applied)]
    assert len(applied) == 1
    refused = [each for each in results if not isinstance(each, Applied)]
    assert all(isinstance(each, ChangeRefused | PreconditionFailed) for each in refused)
    assert (await reading.require_campaign(ctx, name)).revision == 2
    with pytest.raises(PreconditionFailed):
        await apply_definition(ctx, changes[0], expected=1)


async def test_beside_pause_and_stop(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name))
    await asyncio.gather(
        control.pause(ctx, name),
        apply_definition(ctx, campaign(name, people=range(6), agent="b")),
    )
    record = await reading.require_campaign(ctx, name)
    assert (record.state, record.revision, record.plan.agent.id) == (CampaignState.PAUSED, 2, "b")
    await control.stop(ctx, name)
    with pytest.raises(ChangeRefused, match="launch it again"):
        await apply_definition(ctx, campaign(name, agent="c"))
    with pytest.raises(NoSuchCampaign):
        await apply_definition(ctx, campaign(new_name()))


async def test_a_key_needs_the_scopes_of_what_it_applies(world: World) -> None:
    name = new_name()
    await launch_campaign(world.ctx, campaign(name))
    risky = campaign(name, accept_risk="[{rule: US-FL.hours, reason: existing customers}]")
    with pytest.raises(ScopeMissing, match="risks:accept"):
        await apply_definition(world.ctx, risky, scopes=("campaigns:write",))
    assert (await reading.require_campaign(world.ctx, name)).revision == 1


async def test_without_a_workflow_it_is_written_down(world: World) -> None:
    name = new_name()
    launched = await launch_campaign(world.ctx, campaign(name))
    await world.ctx.temporal.get_workflow_handle(launched.workflow_id).terminate()
    applied = await apply_definition(world.ctx, campaign(name, people=range(4), agent="b"))
    assert (applied.changed, applied.noted_only) == (True, True)
    assert len(await roster(world.ctx, name)) == 4
    again = await apply_definition(world.ctx, campaign(name, people=range(4), agent="c"))
    assert (again.campaign.revision, again.roster.same) == (3, 4)


async def test_where_nobody_answers_nothing_is_changed_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outdial.dispatch.campaigns.ANSWER_WITHIN", ANSWER_WITHIN / 100)
    name = new_name()
    await launch_campaign(world.ctx, campaign(name))
    for mode in (RosterMode.KEEP, RosterMode.ADD):
        with pytest.raises(WorkerTimeout):
            await apply_definition(world.ctx, campaign(name, people=range(9), agent="b"), mode=mode)
    assert (await reading.require_campaign(world.ctx, name)).revision == 1
    assert len(await roster(world.ctx, name)) == 3
    nowhere = build_world(world.ctx.database, await no_temporal())
    with pytest.raises(TemporalUnavailable):
        await apply_definition(nowhere.ctx, campaign(name, agent="b"), mode=RosterMode.KEEP)
    assert (await reading.require_campaign(world.ctx, name)).revision == 1


async def test_an_answer_that_is_lost_takes_nothing_back(
    working: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name))

    async def lose_answer(*args: Any, **options: Any) -> None:
        await update_campaign(*args, **options)
        raise WorkerTimeout(name)

    monkeypatch.setattr("outdial.services.campaigns.applying.update_campaign", lose_answer)
    applied = await apply_definition(ctx, campaign(name, people=range(5), agent="b"))
    assert (applied.campaign.revision, applied.noted_only) == (2, False)
    assert len(await roster(ctx, name)) == 5


async def test_a_launch_of_a_changed_file_says_what_differs(world: World) -> None:
    name = new_name()
    await launch_campaign(world.ctx, campaign(name))
    same = await launch_campaign(world.ctx, campaign(name))
    assert (same.created, same.differences) == (False, ())
    changed = await launch_campaign(world.ctx, campaign(name, agent="b"))
    assert [each.path for each in changed.differences] == ["agent.id"]
