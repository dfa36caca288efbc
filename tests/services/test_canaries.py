"""Canaries by their services: begun by a campaign's workflow, and refused with what is wrong."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from outdial.domain.canary.verdict import CanaryState
from outdial.intake.problems import DefinitionInvalid
from outdial.services.campaigns.applying import apply_definition, roll_back
from outdial.services.campaigns.canaries import read_canary
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.campaigns.revisions import list_revisions
from outdial.services.campaigns.roster_mode import RosterMode
from outdial.services.errors import ChangeRefused, NotFound, RequestRefused
from outdial.services.operations import reading
from outdial.store.db.tables import recipient
from tests.services.test_applying import campaign
from tests.services.world import World, new_name
from tests.waiting import until

PEOPLE = range(90)


async def _drawn(world: World, name: str) -> set[str | None]:
    record = await reading.require_campaign(world.ctx, name)
    arms = select(recipient.c.arm).where(recipient.c.campaign_id == record.id).distinct()
    return set(
        await world.ctx.database.read(lambda s: s.connection().execute(arms).scalars().all())
    )


async def test_a_canary_and_the_way_back(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name, people=PEOPLE))
    tried = campaign(name, people=PEOPLE, agent="b")
    applied = await apply_definition(ctx, tried, reason="a new voice", canary=0.5)
    assert (applied.changed, applied.campaign.revision, applied.noted_only) == (True, 1, False)
    assert applied.canary is not None
    assert (applied.canary.revision, applied.canary.state) == (2, CanaryState.RUNNING)

    async def drawn() -> bool:
        return await _drawn(working, name) == {"canary", "rest"}

    await until(drawn)
    for agent in ("c", "a"):
        with pytest.raises(ChangeRefused, match="is being tried on some of its recipients"):
            await apply_definition(ctx, campaign(name, people=PEOPLE, agent=agent))
    back = await roll_back(ctx, name, reason="no")
    assert (back.changed, back.campaign.revision, back.campaign.plan.agent.id) == (True, 3, "a")
    assert (await read_canary(ctx, name)).state is CanaryState.ROLLED_BACK
    newest, second, _ = await list_revisions(ctx, name, limit=10)
    assert (newest.restores, second.canary_share) == (1, 0.5)


async def test_its_own_file_promotes_it(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name, people=PEOPLE))
    tried = campaign(name, people=PEOPLE, agent="b")
    await apply_definition(ctx, tried, canary=0.5)
    promoted = await apply_definition(ctx, tried)
    assert (promoted.campaign.revision, promoted.campaign.plan.agent.id) == (3, "b")
    assert (await read_canary(ctx, name)).state is CanaryState.PROMOTED
    back = await roll_back(ctx, name)
    assert back.campaign.plan.agent.id == "a"


async def test_what_can_not_be_tried_is_named_with_its_place(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name, people=PEOPLE))
    changed = campaign(name, people=PEOPLE, pacing="{max_concurrent: 3}", agent="b")
    with pytest.raises(DefinitionInvalid) as refused:
        await apply_definition(ctx, changed, canary=0.5)
    assert str(refused.value).startswith("c.yaml:5:26: pacing.max_concurrent: found 3")
    assert [problem.code for problem in refused.value.problems] == ["not_in_a_canary"]


async def test_what_is_refused(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, campaign(name, people=PEOPLE))
    tried = campaign(name, people=PEOPLE, agent="b")
    for share in (0.001, 0.6):
        with pytest.raises(RequestRefused, match="write 1% to 50%"):
            await apply_definition(ctx, tried, canary=share)
    with pytest.raises(RequestRefused, match="adds and removes nobody"):
        await apply_definition(ctx, tried, canary=0.5, mode=RosterMode.MATCH)
    with pytest.raises(ChangeRefused, match="write 45% or more"):
        await apply_definition(ctx, tried, canary=0.05)
    same = campaign(name, people=range(2))
    assert not (await apply_definition(ctx, same, canary=0.5, mode=RosterMode.KEEP)).changed
    with pytest.raises(NotFound):
        await read_canary(ctx, name)
