"""A tenant's direct campaign that lost its workflow is started for whoever is ready."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from temporalio.client import WorkflowExecutionStatus

from outdial.dispatch.starting import wake_direct_campaign
from outdial.domain.call.plan import CallRequest
from outdial.domain.definition.agent import Agent
from outdial.domain.record import CampaignRecord
from outdial.store.call import requests
from outdial.store.call.requests import NewRequest
from outdial.store.campaign.campaigns import ensure_direct_campaign
from outdial.store.db.tables import recipient
from tests.services.test_recovery import handle_of, sweeps
from tests.services.world import World, new_name


async def direct_campaign(world: World, state: str) -> CampaignRecord:
    """With one person in this state."""
    now = world.clock.now
    write = world.ctx.database.write
    direct = await write(lambda s: ensure_direct_campaign(s, new_name(), now=now))
    new = NewRequest(
        public_id=new_name(),
        request=CallRequest(to="+12025550123", agent=Agent(id="a"), line="simulated"),
        phone="+12025550123",
        zones=None,
        agent="a",
        origin="rest",
    )
    await write(lambda s: requests.create_request(s, direct, new, now=now))
    changed = update(recipient).where(recipient.c.campaign_id == direct.id).values(state=state)
    await write(lambda s: s.connection().execute(changed).rowcount)
    return direct


@pytest.mark.parametrize(("state", "started"), [("ready", True), ("done", False)])
async def test_it_is_started_for_whoever_is_ready(world: World, state: str, started: bool) -> None:
    direct = await direct_campaign(world, state)
    assert (await sweeps(world).sweep_campaigns()).campaigns == started
    assert (await sweeps(world).sweep_campaigns()).campaigns == 0, "it runs, or is not needed"
    if started:
        handle = handle_of(world, direct)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await handle.terminate()


async def test_one_that_a_person_ended_waits_for_the_next_request(world: World) -> None:
    direct = await direct_campaign(world, "ready")
    await wake_direct_campaign(world.ctx.temporal, direct)
    await handle_of(world, direct).terminate()
    assert (await sweeps(world).sweep_campaigns()).campaigns == 0
