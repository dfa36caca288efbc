"""Control: through the campaign's workflow, and without it when there is none."""

from __future__ import annotations

import pytest

from outdial.dispatch.answers import ANSWER_WITHIN
from outdial.dispatch.errors import TemporalUnavailable, WorkerTimeout
from outdial.domain.call.claim import CampaignState
from outdial.intake.definition import LoadedDefinition, read_definition_text
from outdial.services.campaigns import control
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.errors import (
    ChangeRefused,
    NoSuchCampaign,
)
from outdial.services.operations import reading
from tests.services.world import World, build_world, definition, new_name, no_temporal
from tests.waiting import until


def not_yet(name: str) -> LoadedDefinition:
    """A campaign that starts next year: it runs, and calls nobody."""
    return read_definition_text(
        f"name: {name}\npurpose: informational\nagent: a\n"
        "schedule: {start: 2027-01-01T00:00:00Z, time_zone: Europe/Berlin}\n"
        'recipients: [{phone: "+12025550123"}, {phone: "+12025550124"}]\n'
    )


async def test_pause_resume_and_stop(working: World) -> None:
    ctx, name = working.ctx, new_name()
    await launch_campaign(ctx, not_yet(name))
    paused = await control.pause(ctx, name, reason="lunch")
    assert (paused.state, paused.noted_only) == (CampaignState.PAUSED, False)
    record = await reading.require_campaign(ctx, name)
    assert (record.state, record.reason) == (CampaignState.PAUSED, "lunch")
    assert (await control.pause(ctx, name)).state is CampaignState.PAUSED
    assert (await control.resume(ctx, name)).state is CampaignState.RUNNING
    assert (await control.stop(ctx, name)).state is CampaignState.STOPPING

    async def over() -> bool:
        return (await reading.require_campaign(ctx, name)).state.over

    await until(over)
    progress = await reading.progress(ctx, name)
    assert progress.state is CampaignState.STOPPED
    assert progress.by_outcome == {"canceled": 2}
    assert (await control.stop(ctx, name)).state is CampaignState.STOPPED
    with pytest.raises(ChangeRefused, match="cannot become running"):
        await control.resume(ctx, name)


async def test_nobody_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workflow is there, but no worker: it is not known whether it will change."""
    monkeypatch.setattr("outdial.dispatch.campaigns.ANSWER_WITHIN", ANSWER_WITHIN / 100)
    name = new_name()
    await launch_campaign(world.ctx, definition(name))
    with pytest.raises(WorkerTimeout, match="no worker answered"):
        await control.pause(world.ctx, name)


async def test_without_a_workflow_it_is_written_down(world: World) -> None:
    name = new_name()
    launched = await launch_campaign(world.ctx, definition(name))
    await world.ctx.temporal.get_workflow_handle(launched.workflow_id).terminate()
    changed = await control.pause(world.ctx, name)
    assert (changed.state, changed.noted_only) == (CampaignState.PAUSED, True)
    assert (await reading.require_campaign(world.ctx, name)).state is CampaignState.PAUSED


async def test_without_temporal_nothing_is_changed(world: World) -> None:
    name = new_name()
    await launch_campaign(world.ctx, definition(name))
    nowhere = build_world(world.ctx.database, await no_temporal())
    with pytest.raises(TemporalUnavailable):
        await control.stop(nowhere.ctx, name)
    assert (await reading.require_campaign(world.ctx, name)).state is CampaignState.RUNNING


async def test_a_name_nobody_has(world: World) -> None:
    with pytest.raises(NoSuchCampaign, match="none has been launched yet"):
        await control.pause(world.ctx, "nobody")
