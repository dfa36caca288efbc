"""Slots of calls whose workflow is not there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle

from activities.sweeps import LEASE_AGE, START_AGE, Sweeps
from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.status import CallStatus
from outdial.resources.resources import Resources
from outdial.store.call import calls
from tests.services.world import World


def _sweeps(world: World) -> Sweeps:
    ctx = world.ctx
    return Sweeps(
        Resources(ctx.database, ctx.temporal, ctx.lines, ctx.clock, public_url="http://127.0.0.1:1")
    )


async def _run(world: World, workflow_id: str) -> WorkflowHandle[object, object]:
    """A workflow that nobody works on."""
    return await world.ctx.temporal.start_workflow(
        "Nothing", id=workflow_id, task_queue="nobody-listens"
    )


async def _of_campaign(world: World, call: ClaimedCall) -> WorkflowHandle[object, object]:
    return await _run(world, campaign_workflow_id(call.tenant, call.campaign))


async def _status(world: World, call: ClaimedCall) -> CallStatus:
    record = await world.ctx.database.read(lambda s: calls.get_call(s, call.call_id))
    assert record is not None
    return record.status


@pytest.mark.parametrize("age", [timedelta(0), LEASE_AGE - timedelta(seconds=1)])
async def test_a_young_call_is_left_alone(world: World, age: timedelta) -> None:
    [call] = await world.claim_calls(1)
    world.clock.now += age
    assert (await _sweeps(world).sweep_leases()).leases == 0
    assert await _status(world, call) is CallStatus.QUEUED


async def test_a_call_that_nobody_will_start_is_given_back(world: World) -> None:
    [call] = await world.claim_calls(1)
    world.clock.now += LEASE_AGE
    assert (await _sweeps(world).sweep_leases()).leases == 1
    assert await _status(world, call) is CallStatus.CANCELED


async def test_a_busy_machine_gets_time_to_start_a_call(world: World) -> None:
    """As long as the campaign's workflow runs, which is about to start it."""
    [call] = await world.claim_calls(1)
    campaign = await _of_campaign(world, call)
    world.clock.now += START_AGE - timedelta(seconds=1)
    assert (await _sweeps(world).sweep_leases()).leases == 0
    world.clock.now += timedelta(seconds=1)
    assert (await _sweeps(world).sweep_leases()).leases == 1
    assert await _status(world, call) is CallStatus.CANCELED
    await campaign.terminate()


async def test_a_call_whose_workflow_was_ended_is_given_back_soon(world: World) -> None:
    """It was started, so nobody is about to."""
    [call] = await world.claim_calls(1)
    campaign, of_call = await _of_campaign(world, call), await _run(world, call.workflow_id)
    world.clock.now += LEASE_AGE
    assert (await _sweeps(world).sweep_leases()).leases == 0
    await of_call.terminate()
    assert (await _sweeps(world).sweep_leases()).leases == 1
    assert await _status(world, call) is CallStatus.CANCELED
    await campaign.terminate()
