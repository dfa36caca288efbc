"""Slots of calls whose workflow is gone, or whose line is; each is looked at by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import Session
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment

from activities.calls import Calls
from activities.sweeps import START_AGE
from outdial.contracts.signatures.call import PlaceInput, PlacementResult
from outdial.domain.call.status import FailureClass
from outdial.providers.lines import Lines
from outdial.resources.resources import Resources
from outdial.store.call import calls, events
from outdial.store.claims import leases
from outdial.store.compliance import suppressions
from outdial.store.db.tables import call as call_table
from outdial.store.db.tables import campaign as campaign_table
from outdial.store.db.tables import recipient
from tests.services.test_recovery import pause_in_temporal, sweeps
from tests.services.world import (
    World,
)


@pytest.mark.parametrize("placed", [False, True])
async def test_a_call_that_may_be_going_on_is_followed_again(world: World, placed: bool) -> None:
    """Temporal has no trace of it: it was restored, or lost its data."""
    call = await world.place_call()
    if placed:
        await world.ctx.database.write(
            lambda s: events.record_placed(s, call.call_id, "sim_1", now=world.clock.now)
        )
    world.clock.now += START_AGE
    assert (await sweeps(world).sweep_leases()).leases == 0
    handle = world.ctx.temporal.get_workflow_handle(call.workflow_id)
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    record = await world.ctx.database.read(lambda s: calls.get_call(s, call.call_id))
    assert record is not None
    assert not record.status.terminal
    await handle.terminate()


async def test_a_call_that_is_paused_in_temporal_is_looked_after(world: World) -> None:
    [call] = await world.claim_calls(1)
    handle = await world.ctx.temporal.start_workflow(
        "Nothing", id=call.workflow_id, task_queue="nobody-listens"
    )
    await pause_in_temporal(world, handle.id)
    world.clock.now += START_AGE
    assert (await sweeps(world).sweep_leases()).leases == 0
    await handle.terminate()


def _is_withdrawn(world: World, call_id: str) -> Callable[[Any], Any]:
    of_call = select(call_table.c.recipient_id).where(call_table.c.id == call_id)
    return lambda s: s.connection().execute(
        update(recipient).where(recipient.c.id.in_(of_call)).values(withdrawn=True)
    )


def _is_hung_up_by_its_campaign(world: World, call_id: str) -> Callable[[Any], Any]:
    of_call = select(call_table.c.campaign_id).where(call_table.c.id == call_id)
    return lambda s: s.connection().execute(
        update(campaign_table)
        .where(campaign_table.c.id.in_(of_call))
        .values(state="stopping", hang_up=True)
    )


def _is_suppressed(world: World, call_id: str) -> Callable[[Any], Any]:
    def work(s: Session) -> None:
        record = calls.get_call(s, call_id)
        assert record is not None
        now = world.clock.now
        suppressions.suppress_all(s, record.tenant, [record.to], "asked", now=now, source="desk")

    return work


@pytest.mark.parametrize("why", [_is_withdrawn, _is_hung_up_by_its_campaign, _is_suppressed])
async def test_a_call_that_could_not_be_told_to_hang_up_is_told_again(
    world: World, why: Callable[[World, str], Callable[[Any], Any]]
) -> None:
    call = await world.place_call()
    handle = await world.ctx.temporal.start_workflow(
        "Nothing", id=call.workflow_id, task_queue="nobody-listens"
    )
    await world.ctx.database.write(why(world, call.call_id))
    world.clock.now += START_AGE
    await sweeps(world).sweep_leases()
    events = (await handle.fetch_history()).events
    assert [
        event.workflow_execution_signaled_event_attributes.signal_name
        for event in events
        if event.HasField("workflow_execution_signaled_event_attributes")
    ] == ["hang_up"]
    await handle.terminate()


async def test_a_call_on_a_line_that_was_removed_holds_nothing_up(world: World) -> None:
    """It is not known how it goes on there; the longest it can last is waited for."""
    removed = await world.place_call()
    await world.ctx.temporal.start_workflow(
        "Nothing", id=removed.workflow_id, task_queue="nobody-listens"
    )
    await world.ctx.temporal.get_workflow_handle(removed.workflow_id).terminate()
    await world.ctx.database.write(
        lambda s: s.connection().execute(
            update(call_table).where(call_table.c.id == removed.call_id).values(line="removed")
        )
    )
    world.clock.now += timedelta(seconds=1)
    # The next one in line: two numbers, as each is called once at a time.
    [_, other] = await _claim_two(world)
    world.clock.now += START_AGE
    assert (await sweeps(world).sweep_leases()).leases >= 1
    assert await _ended(world, other)
    assert not await _ended(world, removed.call_id)
    world.clock.now += timedelta(days=1)
    await sweeps(world).sweep_leases()
    assert await _ended(world, removed.call_id)


async def _claim_two(world: World) -> list[str]:
    claimed = await world.claim_calls(3)
    return [call.call_id for call in claimed]


async def _ended(world: World, call_id: str) -> bool:
    record = await world.ctx.database.read(lambda s: calls.get_call(s, call_id))
    assert record is not None
    return record.status.terminal


async def test_every_lease_is_looked_at_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw, at each of the leases in turn."""
    free = leases.close_fence
    for at in range(3):
        claimed = await world.claim_calls(3)
        world.clock.now += START_AGE
        broken = claimed[at].call_id

        def close_fence(s: Any, call_id: str, *, now: Any, broken: str = broken) -> Any:
            if call_id == broken:
                raise RuntimeError("nobody foresaw that")
            return free(s, call_id, now=now)

        with monkeypatch.context() as patched:
            patched.setattr(leases, "close_fence", close_fence)
            assert (await sweeps(world).sweep_leases()).leases == 2
        assert (await sweeps(world).sweep_leases()).leases == 1
        assert not await _live(world)


async def _live(world: World) -> list[Any]:
    now = world.clock.now
    return await world.ctx.database.read(
        lambda s: leases.leases_to_check(s, now=now, older_than=timedelta(0), limit=9)
    )


async def test_a_call_on_a_removed_line_ends_unplaced_and_holds_the_line(world: World) -> None:
    """Instead of being tried for ever; the claims of a minute take no more for that line."""
    [call] = await world.claim_calls(1)
    ctx = world.ctx
    resources = Resources(
        ctx.database, ctx.temporal, Lines([]), ctx.clock, public_url="http://127.0.0.1:1"
    )
    placed = await ActivityEnvironment().run(
        Calls(resources).place_call, PlaceInput(call_id=call.call_id)
    )
    assert (placed.result, placed.failure) == (
        PlacementResult.NOT_PLACED,
        FailureClass.MISCONFIGURED,
    )
    assert "not in the settings" in (placed.detail or "")
    assert await world.claim_calls(1) == []
