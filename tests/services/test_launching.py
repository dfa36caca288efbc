"""Launching: checked first, written down once, carried out by one workflow."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus

from outdial.dispatch.answers import ANSWER_WITHIN
from outdial.dispatch.errors import TemporalUnavailable
from outdial.domain.call.claim import CampaignState
from outdial.domain.line.routing import UnknownLine
from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.errors import LaunchClosing, NoSuchCampaign
from outdial.services.operations import reading
from outdial.store.campaign.states import finish_campaign, set_campaign_state
from outdial.store.db.errors import CampaignEnded
from outdial.store.roster import roster
from tests.services.world import (
    NUMBERS,
    World,
    build_world,
    definition,
    new_name,
    no_temporal,
)


async def recipients_of(world: World, campaign_id: int, launch: int = 1) -> int:
    return len(
        await world.ctx.database.read(
            lambda s: roster.list_recipients(s, campaign_id, launch=launch, limit=1000)
        )
    )


async def end_in_database(world: World, campaign_id: int) -> None:
    """What its workflow does last of all."""
    now = world.clock.now
    write = world.ctx.database.write
    await write(lambda s: set_campaign_state(s, campaign_id, CampaignState.STOPPING, now=now))
    over = await write(lambda s: finish_campaign(s, campaign_id, now=now))
    assert over is not None


async def test_a_launch_is_written_down_and_started(world: World) -> None:
    name = new_name()
    launched = await launch_campaign(world.ctx, definition(name))
    assert launched.created
    assert launched.workflow_id == f"campaign/default/{name}"
    assert await recipients_of(world, launched.campaign.id) == len(NUMBERS)
    described = await world.ctx.temporal.get_workflow_handle(launched.workflow_id).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert await described.static_summary() == f"campaign {name}, launch 1"
    assert described.typed_search_attributes.search_attributes[0].value == name


async def test_launching_what_runs_changes_nothing(world: World) -> None:
    name = new_name()
    first = await launch_campaign(world.ctx, definition(name))
    second = await launch_campaign(world.ctx, definition(name, numbers=NUMBERS[:1]))
    assert (second.created, second.resumed) == (False, False)
    assert second.campaign == first.campaign
    assert await recipients_of(world, first.campaign.id) == len(NUMBERS)


async def test_a_launch_cut_short_is_completed_by_the_next(world: World) -> None:
    """The database knows the campaign, but its workflow was never started."""
    name = new_name()
    nowhere = await no_temporal()
    without_temporal = build_world(world.ctx.database, nowhere)
    with pytest.raises(TemporalUnavailable, match="starts by itself later"):
        await launch_campaign(without_temporal.ctx, definition(name))
    repaired = await launch_campaign(world.ctx, definition(name))
    assert (repaired.created, repaired.resumed) == (False, True)
    handle = world.ctx.temporal.get_workflow_handle(repaired.workflow_id)
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_what_is_wrong_leaves_nothing_behind(world: World) -> None:
    name = new_name()
    loaded = read_definition_text(
        f"name: {name}\npurpose: informational\nagent: a\n"
        'variables: {hello: "Hi {{ nobody }}"}\n'
        'recipients: [{phone: "+12025550123"}, {phone: "12"}]\n'
    )
    with pytest.raises(DefinitionInvalid) as caught:
        await launch_campaign(world.ctx, loaded)
    assert len(caught.value.problems) == 2
    with pytest.raises(NoSuchCampaign):
        await reading.require_campaign(world.ctx, name)


async def test_a_line_must_be_configured(world: World) -> None:
    loaded = read_definition_text(
        f"name: {new_name()}\npurpose: informational\nagent: a\nline: landline\n"
        'recipients: [{phone: "+12025550123"}]\n'
    )
    with pytest.raises(UnknownLine, match="known are simulated"):
        await launch_campaign(world.ctx, loaded)


async def test_once_over_it_needs_again(world: World) -> None:
    name = new_name()
    first = await launch_campaign(world.ctx, definition(name))
    await end_in_database(world, first.campaign.id)
    await world.ctx.temporal.get_workflow_handle(first.workflow_id).terminate()
    with pytest.raises(CampaignEnded):
        await launch_campaign(world.ctx, definition(name))
    second = await launch_campaign(world.ctx, definition(name), again=True)
    assert second.created
    assert second.campaign.launch == 2
    assert await recipients_of(world, second.campaign.id, launch=2) == len(NUMBERS)


async def test_a_new_launch_is_never_taken_for_the_last_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last launch is over in the database, but its workflow has not closed."""
    monkeypatch.setattr("outdial.services.campaigns.launching.CLOSE_WITHIN", ANSWER_WITHIN / 100)
    name = new_name()
    first = await launch_campaign(world.ctx, definition(name))
    await end_in_database(world, first.campaign.id)
    with pytest.raises(LaunchClosing):
        await launch_campaign(world.ctx, definition(name), again=True)
    record = await reading.require_campaign(world.ctx, name)
    assert record.launch == 1
