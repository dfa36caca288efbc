"""Callbacks whose workflow is gone, and requesters whose signal was lost."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update
from temporalio.client import WorkflowExecutionStatus

from activities.sweeps import LOST_AGE
from outdial.contracts.names import callback_workflow_id
from outdial.dispatch.starting import start_callback_run
from outdial.domain.call.callback_run import CallbackRunState
from outdial.services.calls.callback_runs import retry_callbacks
from outdial.store.call import requests
from outdial.store.db.tables import call, callback_entry, callback_run, recipient
from tests.services.test_recovery import pause_in_temporal, sweeps
from tests.services.world import World


async def run_under_way(world: World) -> str:
    """A run with one entry, recorded as started."""
    placed = await world.place_call()
    now = world.clock.now
    row = {"tenant": "default", "campaign_id": 1, "state": "pending", "created_at": now}
    entry = {
        "position": 0,
        "campaign_id": 1,
        "created_at": now,
        "kind": "webhook",
        "callback": "",
        "state": "pending",
        "updated_at": now,
    }
    for table, values in ((callback_run, row | {"started_at": now}), (callback_entry, entry)):
        await world.ctx.database.write(
            lambda s, table=table, values=values: s.connection().execute(  # type: ignore[misc]
                insert(table).values(call_id=placed.call_id, **values)
            )
        )
    return placed.call_id


async def state_of(world: World, call_id: str) -> CallbackRunState:
    of_call = select(callback_run.c.state).where(callback_run.c.call_id == call_id)
    return CallbackRunState(
        await world.ctx.database.read(lambda s: s.connection().execute(of_call).scalar_one())
    )


async def test_callbacks_that_temporal_has_lost_are_started_again(world: World) -> None:
    call_id = await run_under_way(world)
    world.clock.now += LOST_AGE
    assert (await sweeps(world).sweep_events()).events >= 1
    handle = world.ctx.temporal.get_workflow_handle(callback_workflow_id(call_id, 1))
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    assert await state_of(world, call_id) is CallbackRunState.PENDING
    await handle.terminate()


@pytest.mark.parametrize("ended", [True, False])
async def test_callbacks_that_somebody_terminated_can_be_retried(world: World, ended: bool) -> None:
    call_id = await run_under_way(world)
    await start_callback_run(world.ctx.temporal, call_id)
    handle = world.ctx.temporal.get_workflow_handle(callback_workflow_id(call_id, 1))
    await (handle.terminate() if ended else pause_in_temporal(world, handle.id))
    world.clock.now += LOST_AGE
    await sweeps(world).sweep_events()
    if not ended:
        assert await state_of(world, call_id) is CallbackRunState.PENDING, "paused is looked after"
        await handle.terminate()
        return
    assert await state_of(world, call_id) is CallbackRunState.FAILED
    retried = await retry_callbacks(world.ctx, call_id)
    assert (retried.state, retried.run) == (CallbackRunState.PENDING, 2)
    await world.ctx.temporal.get_workflow_handle(callback_workflow_id(call_id, 2)).terminate()


async def test_a_requester_whose_signal_was_lost_learns_the_end_once(world: World) -> None:
    placed = await world.place_call()
    requester = await world.ctx.temporal.start_workflow(
        "Nothing", id=f"request/{uuid.uuid4().hex}", task_queue="nobody-listens"
    )
    of_call = call.c.id == placed.call_id
    done = (
        update(recipient)
        .where(recipient.c.id == call.c.recipient_id, of_call)
        .values(state="done", requester_workflow_id=requester.id)
    )
    await world.ctx.database.write(lambda s: s.connection().execute(done))
    world.clock.now += timedelta(minutes=1)
    for signalled in (1, 0):
        assert (await sweeps(world).sweep_requests()).requests == signalled
    events = (await requester.fetch_history()).events
    signals = [e for e in events if e.HasField("workflow_execution_signaled_event_attributes")]
    assert len(signals) == 1
    left = await world.ctx.database.read(
        lambda s: requests.unsignalled_requesters(s, after=0, limit=9)
    )
    assert left == []
    await requester.terminate()
