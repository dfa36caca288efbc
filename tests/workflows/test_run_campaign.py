"""A campaign that another service awaits: launched, carried out, its result handed on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from outdial.contracts import names
from outdial.contracts.messages import CampaignInput, CampaignResult
from outdial.contracts.signatures.launch import LaunchActivities, LaunchedCampaign, LaunchInput
from outdial.domain.call.claim import CampaignState
from tests.waiting import until
from tests.workflows.cancelling import timer_started
from tests.workflows.roster import FakeRoster
from tests.workflows.test_campaign import AnsweringCalls
from workflows.call import CallWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.registry import sandbox
from workflows.run_campaign import RunCampaignWorkflow

Handle = WorkflowHandle[RunCampaignWorkflow, CampaignResult]


class FakeLaunches(LaunchActivities):
    def __init__(self, name: str) -> None:
        self._name = name
        self._requester: str | None = None
        self.over = False

    @activity.defn(name="launch_campaign")
    async def launch_campaign(self, launch: LaunchInput) -> LaunchedCampaign:
        if launch.file is not None:
            raise ApplicationError("found a file", type="LaunchRefused", non_retryable=True)
        asks = activity.info().workflow_id
        self._requester = self._requester or asks
        return LaunchedCampaign(
            tenant="default",
            name=self._name,
            campaign_id=1,
            launch=1,
            own=asks == self._requester,
            over=self.over,
        )


@dataclass
class Running:
    server: WorkflowEnvironment
    queue: str
    roster: FakeRoster
    calls: AnsweringCalls
    launches: FakeLaunches

    async def start(self, launch: LaunchInput | None = None) -> Handle:
        return await self.server.client.start_workflow(
            RunCampaignWorkflow.run,
            launch or LaunchInput(tenant="default", definition="name: any"),
            id=f"run/{uuid.uuid4().hex}",
            task_queue=self.queue,
        )

    async def start_campaign(self) -> None:
        """What the sweeper does with a launch that has no workflow yet."""
        await self.server.client.start_workflow(
            CampaignWorkflow.run,
            CampaignInput(tenant="default", campaign=self.queue, campaign_id=1, launch=1),
            id=names.campaign_workflow_id("default", self.queue),
            task_queue=self.queue,
        )

    async def until_placed(self, count: int) -> None:
        async def placed() -> bool:
            return self.calls.placed == count

        await until(placed)

    async def until_stopping(self) -> None:
        async def stopping() -> bool:
            return self.roster.state is CampaignState.STOPPING

        await until(stopping)


@asynccontextmanager
async def running(server: WorkflowEnvironment, *, held: bool = False) -> AsyncIterator[Running]:
    """A worker for campaigns of four people, two at once."""
    name = f"c-{uuid.uuid4().hex[:8]}"
    roster = FakeRoster(name, 4, 2)
    calls, launches = AnsweringCalls(server, roster), FakeLaunches(name)
    if held:
        calls.go_on.clear()
    async with (
        Worker(
            server.client,
            task_queue=name,
            workflows=[RunCampaignWorkflow, CampaignWorkflow, CallWorkflow],
            activities=[*roster.activities, calls.end_call, launches.launch_campaign],
            workflow_runner=sandbox(),
        ),
        Worker(server.client, task_queue=names.CALL_QUEUE, activities=calls.activities),
    ):
        yield Running(server, name, roster, calls, launches)


async def refusal_of(handle: Handle) -> ApplicationError:
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    cause: BaseException | None = failed.value.cause
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__
    assert cause is not None
    return cause


async def test_its_result_is_the_campaigns(server: WorkflowEnvironment) -> None:
    async with running(server) as at:
        result = await (await at.start()).result()
    assert result.state is CampaignState.FINISHED
    assert at.calls.placed == 4


async def test_cancelled_it_stops_the_campaign(server: WorkflowEnvironment) -> None:
    async with running(server, held=True) as at:
        handle = await at.start()
        await at.until_placed(2)
        await handle.cancel()
        await at.until_stopping()
        at.calls.go_on.set()
        result = await handle.result()
    assert result.state is CampaignState.STOPPED
    assert at.calls.placed == 2


async def test_a_refused_launch_fails_with_its_reason(server: WorkflowEnvironment) -> None:
    async with running(server) as at:
        refused = await refusal_of(await at.start(LaunchInput(tenant="default", file="x.yaml")))
    assert (refused.type, refused.message) == ("LaunchRefused", "found a file")
    assert at.calls.placed == 0


async def test_nobody_awaits_a_campaign_that_somebody_else_runs(
    server: WorkflowEnvironment,
) -> None:
    async with running(server, held=True) as at:
        first = await at.start()
        await at.until_placed(2)
        refused = await refusal_of(await at.start())
        assert refused.type == "AlreadyRunning"
        at.calls.go_on.set()
        assert (await first.result()).state is CampaignState.FINISHED


async def test_its_own_launch_is_followed_if_the_sweeper_started_it(
    server: WorkflowEnvironment,
) -> None:
    async with running(server, held=True) as at:
        await at.start_campaign()
        await at.until_placed(2)
        handle = await at.start()
        at.calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 20)
    assert result.state is CampaignState.FINISHED
    assert at.calls.placed == 4


async def test_a_launch_that_it_follows_is_stopped_with_it(server: WorkflowEnvironment) -> None:
    async with running(server, held=True) as at:
        await at.start_campaign()
        await at.until_placed(2)
        handle = await at.start()
        await until(lambda: timer_started(handle), timeout=20)
        await handle.cancel()
        await at.until_stopping()
        at.calls.go_on.set()
        result = await asyncio.wait_for(handle.result(), 20)
    assert result.state is CampaignState.STOPPED
    assert at.calls.placed == 2


async def test_a_launch_that_is_over_is_not_carried_out_again(
    server: WorkflowEnvironment,
) -> None:
    async with running(server) as at:
        at.launches.over, at.roster.state = True, CampaignState.FINISHED
        result = await asyncio.wait_for((await at.start()).result(), 20)
    assert result.state is CampaignState.FINISHED
    assert (at.roster.claims, at.calls.placed) == ({}, 0)
