"""What the database says is under way is carried out, whatever became of Temporal's side of it;
only a person cancels people."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from temporalio.api.command.v1 import Command, FailWorkflowExecutionCommandAttributes
from temporalio.api.enums.v1 import CommandType
from temporalio.api.failure.v1 import Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PauseWorkflowExecutionRequest,
    PollWorkflowTaskQueueRequest,
    RespondWorkflowTaskCompletedRequest,
)
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from activities.recovery import LAUNCH_AGE
from activities.sweeps import SIGN_OF_LIFE, START_AGE, Sweeps
from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.errors import TemporalUnavailable
from outdial.dispatch.executions import ExecutionState, describe_execution
from outdial.dispatch.starting import start_campaign
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.source import InlineRecipient
from outdial.domain.record import CampaignRecord
from outdial.providers.lines import Lines
from outdial.resources.resources import Resources
from outdial.services.campaigns import control
from outdial.services.campaigns.adding import add_recipients
from outdial.services.campaigns.launching import launch_campaign, store_launch
from outdial.store.call import calls
from outdial.store.campaign import campaigns
from outdial.store.db.tables import recipient
from tests.services.world import (
    NUMBERS,
    World,
    build_world,
    definition,
    new_name,
    no_temporal,
)
from tests.waiting import until

Handle = WorkflowHandle[Any, Any]


def sweeps(world: World, lines: Lines | None = None) -> Sweeps:
    ctx = world.ctx
    return Sweeps(
        Resources(
            ctx.database,
            ctx.temporal,
            lines or ctx.lines,
            ctx.clock,
            public_url="http://127.0.0.1:1",
        )
    )


def handle_of(world: World, campaign: CampaignRecord) -> Handle:
    return world.ctx.temporal.get_workflow_handle(
        campaign_workflow_id(campaign.tenant, campaign.name)
    )


async def record(world: World, campaign: CampaignRecord) -> CampaignRecord:
    stored = await world.ctx.database.read(lambda s: campaigns.require_campaign(s, campaign.id))
    assert stored is not None
    return stored


async def people(world: World, campaign: CampaignRecord) -> Counter[tuple[str, str | None]]:
    rows = await world.ctx.database.read(
        lambda s: (
            s.connection()
            .execute(
                select(recipient.c.state, recipient.c.outcome).where(
                    recipient.c.campaign_id == campaign.id
                )
            )
            .all()
        )
    )
    return Counter((row.state, row.outcome) for row in rows)


async def launched_without_temporal(world: World) -> CampaignRecord:
    nowhere = build_world(world.ctx.database, await no_temporal())
    nowhere.clock.now = world.clock.now
    name = new_name()
    with pytest.raises(TemporalUnavailable):
        await launch_campaign(nowhere.ctx, definition(name))
    stored = await world.ctx.database.read(lambda s: campaigns.find_campaign(s, "default", name))
    assert stored is not None
    return stored


async def never_started(world: World) -> CampaignRecord:
    """Temporal was away at launch, or its data was deleted, or a worker died in between."""
    return await launched_without_temporal(world)


async def failed(world: World) -> CampaignRecord:
    launched, queue = await launched_without_temporal(world), uuid.uuid4().hex
    client = world.ctx.temporal
    await client.start_workflow(
        "CampaignWorkflow", id=handle_of(world, launched).id, task_queue=queue
    )
    task = await client.workflow_service.poll_workflow_task_queue(
        PollWorkflowTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue))
    )
    fail = FailWorkflowExecutionCommandAttributes(failure=Failure(message="a bug"))
    await client.workflow_service.respond_workflow_task_completed(
        RespondWorkflowTaskCompletedRequest(
            namespace=client.namespace,
            task_token=task.task_token,
            commands=[
                Command(
                    command_type=CommandType.COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION,
                    fail_workflow_execution_command_attributes=fail,
                )
            ],
        )
    )
    return launched


async def _closed(world: World, campaign: CampaignRecord) -> bool:
    return (await handle_of(world, campaign).describe()).status is not (
        WorkflowExecutionStatus.RUNNING
    )


async def timed_out(world: World) -> CampaignRecord:
    launched = await launched_without_temporal(world)
    await world.ctx.temporal.start_workflow(
        "CampaignWorkflow",
        id=campaign_workflow_id("default", launched.name),
        task_queue="nobody-listens",
        execution_timeout=timedelta(milliseconds=100),
    )
    await until(lambda: _closed(world, launched))
    return launched


async def _launched_again(world: World, end: Callable[[Handle], Awaitable[None]]) -> CampaignRecord:
    first = (await launch_campaign(world.ctx, definition(new_name()))).campaign
    await end(handle_of(world, first))
    world.clock.now += LAUNCH_AGE
    assert (await sweeps(world).sweep_campaigns()).campaigns >= 1
    assert (await record(world, first)).state is CampaignState.STOPPED
    return (await store_launch(world.ctx, definition(first.name), again=True)).record


async def terminated_before_this_launch(world: World) -> CampaignRecord:
    """A person ended the last launch; of this one Temporal has heard nothing."""
    return await _launched_again(world, lambda handle: handle.terminate())


LOST = [never_started, failed, timed_out, terminated_before_this_launch]


@pytest.mark.parametrize("lose", LOST, ids=lambda lose: lose.__name__)
async def test_a_campaign_that_lost_its_workflow_gets_a_new_one(
    world: World, lose: Callable[[World], Awaitable[CampaignRecord]]
) -> None:
    lost = await lose(world)
    before = await people(world, lost)
    world.clock.now += LAUNCH_AGE
    assert (await sweeps(world).sweep_campaigns()).campaigns >= 1
    described = await handle_of(world, lost).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert (await record(world, lost)).state is CampaignState.RUNNING
    assert await people(world, lost) == before
    assert (await sweeps(world).sweep_campaigns()).campaigns == 0, "once"
    await handle_of(world, lost).terminate()


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPING])
async def test_a_lost_campaign_is_paused_or_stopped_as_its_operator_said(
    world: World, state: CampaignState
) -> None:
    lost = await never_started(world)
    await control.store_state(world.ctx, lost.name, state)
    world.clock.now += LAUNCH_AGE
    await sweeps(world).sweep_campaigns()
    stored = await record(world, lost)
    if state is CampaignState.PAUSED:
        assert stored.state is CampaignState.PAUSED
        assert (await describe_execution(world.ctx.temporal, handle_of(world, lost).id)).open
        await handle_of(world, lost).terminate()
    else:
        assert stored.state is CampaignState.STOPPED
        assert await people(world, lost) == {("done", "canceled"): len(NUMBERS)}


async def test_temporal_is_not_asked_about_a_campaign_that_has_just_claimed(world: World) -> None:
    [call] = await world.claim_calls(1)
    world.clock.now += SIGN_OF_LIFE
    assert (await sweeps(world).sweep_campaigns()).campaigns == 0
    campaign = campaign_workflow_id(call.tenant, call.campaign)
    execution = await describe_execution(world.ctx.temporal, campaign)
    assert execution.state is ExecutionState.ABSENT
    world.clock.now += timedelta(seconds=1)
    assert (await sweeps(world).sweep_campaigns()).campaigns == 1
    await world.ctx.temporal.get_workflow_handle(campaign).terminate()


async def test_a_young_launch_is_left_to_whoever_launches_it(world: World) -> None:
    lost = await never_started(world)
    await sweeps(world).sweep_campaigns()
    execution = await describe_execution(world.ctx.temporal, handle_of(world, lost).id)
    assert execution.state is ExecutionState.ABSENT


@pytest.mark.parametrize("before_memos", [False, True])
async def test_a_campaign_that_a_person_terminated_is_stopped_to_its_last_row(
    world: World, before_memos: bool
) -> None:
    """While its people were still staged: nobody is left without an outcome."""
    launched = (await launch_campaign(world.ctx, definition(new_name()))).campaign
    if before_memos:  # as an earlier version started it
        await handle_of(world, launched).terminate()
        await world.ctx.temporal.start_workflow(
            "CampaignWorkflow", id=handle_of(world, launched).id, task_queue="nobody-listens"
        )
        world.clock.now -= LAUNCH_AGE
    await handle_of(world, launched).terminate()
    world.clock.now += LAUNCH_AGE * 2
    assert (await sweeps(world).sweep_campaigns()).campaigns >= 1
    stored = await record(world, launched)
    assert (stored.state, stored.reason) == (
        CampaignState.STOPPED,
        "its workflow was ended from outside",
    )
    assert await people(world, launched) == {("done", "canceled"): len(NUMBERS)}
    assert (await launch_campaign(world.ctx, definition(launched.name), again=True)).created
    await handle_of(world, launched).terminate()


async def pause_in_temporal(world: World, workflow_id: str) -> None:
    await world.ctx.temporal.workflow_service.pause_workflow_execution(
        PauseWorkflowExecutionRequest(
            namespace=world.ctx.temporal.namespace,
            workflow_id=workflow_id,
            identity="somebody",
            request_id="1",
        )
    )


async def test_a_campaign_that_is_paused_in_temporal_is_left_alone(world: World) -> None:
    launched = (await launch_campaign(world.ctx, definition(new_name()))).campaign
    await pause_in_temporal(world, handle_of(world, launched).id)
    world.clock.now += LAUNCH_AGE
    assert (await sweeps(world).sweep_campaigns()).campaigns == 0
    assert (await record(world, launched)).state is CampaignState.RUNNING
    again = await launch_campaign(world.ctx, definition(launched.name))
    assert (again.created, again.resumed) == (False, False)
    await handle_of(world, launched).terminate()


async def test_two_sweeps_meet_without_an_error(world: World) -> None:
    launched = (await launch_campaign(world.ctx, definition(new_name()))).campaign
    await handle_of(world, launched).terminate()
    lost = await never_started(world)
    [call] = await world.claim_calls(1)
    world.clock.now += START_AGE
    rounds = [sweeps(world) for _ in range(4)]
    await asyncio.gather(
        *(one.sweep_campaigns() for one in rounds),
        *(one.sweep_leases() for one in rounds),
        *(one.sweep_events() for one in rounds),
        *(one.sweep_requests() for one in rounds),
    )
    assert (await record(world, launched)).state is CampaignState.STOPPED
    assert (await record(world, lost)).state is CampaignState.RUNNING
    stored_call = await world.ctx.database.read(lambda s: calls.get_call(s, call.call_id))
    assert stored_call is not None
    assert stored_call.status is CallStatus.CANCELED
    await handle_of(world, lost).terminate()


async def test_rows_that_were_added_without_a_word_are_announced(world: World) -> None:
    launched = (await launch_campaign(world.ctx, definition(new_name()))).campaign
    nowhere = build_world(world.ctx.database, await no_temporal())
    with pytest.raises(TemporalUnavailable):
        await add_recipients(nowhere.ctx, launched.name, [InlineRecipient(phone="+12025550177")])
    world.clock.now += LAUNCH_AGE
    await sweeps(world).sweep_campaigns()
    history = await handle_of(world, launched).fetch_history()
    signals = [
        event.workflow_execution_signaled_event_attributes.signal_name
        for event in history.events
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    assert signals == ["nudge"]
    await handle_of(world, launched).terminate()


async def test_every_campaign_is_looked_at_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = [await never_started(world) for _ in range(3)]
    world.clock.now += LAUNCH_AGE

    async def start(temporal: Any, campaign: CampaignRecord) -> None:
        if campaign.id == lost[0].id:
            raise RuntimeError("nobody foresaw that")
        await start_campaign(temporal, campaign)

    with monkeypatch.context() as patched:
        patched.setattr("activities.recovery.start_campaign", start)
        assert (await sweeps(world).sweep_campaigns()).campaigns == 2
    assert (await sweeps(world).sweep_campaigns()).campaigns == 1
    for campaign in lost:
        await handle_of(world, campaign).terminate()


async def test_a_server_that_ends_a_workflow_is_no_person(world: World) -> None:
    """Beyond a limit the server terminates by itself, under its own name."""
    launched = (await launch_campaign(world.ctx, definition(new_name()))).campaign
    other = await world.ctx.temporal.start_workflow(
        "Nothing", id=f"other/{launched.name}", task_queue="nobody-listens"
    )
    await other.terminate("somebody's")
    await _terminate_as(world, handle_of(world, launched).id, "history-service")
    by_person = await describe_execution(world.ctx.temporal, other.id)
    by_server = await describe_execution(world.ctx.temporal, handle_of(world, launched).id)
    assert by_person.state is ExecutionState.ENDED_BY_PERSON
    assert by_server.state is ExecutionState.FAILED


async def _terminate_as(world: World, workflow_id: str, identity: str) -> None:
    client = world.ctx.temporal
    config = client.config()
    service = client.service_client
    original = service.config.identity
    service.config = replace(service.config, identity=identity)
    try:
        await type(client)(**config).get_workflow_handle(workflow_id).terminate("limit")
    finally:
        service.config = replace(service.config, identity=original)
