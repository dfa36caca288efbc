"""Workers for all workflows whose activities can be held, and waits for what they do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker, WorkflowRunner

from outdial.contracts import names
from tests.waiting import until
from tests.workflows.holding import Handle, Hold, cancel_and_wait
from workflows.call import CallWorkflow
from workflows.callbacks import CallbackWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.registry import sandbox
from workflows.request import RequestCallWorkflow
from workflows.run_campaign import RunCampaignWorkflow
from workflows.sweep import SweepWorkflow

BEFORE = "before its first task"
WAITING = "while it waits"
SHORT_TASKS: dict[str, Any] = {"task_timeout": timedelta(seconds=1)}
"""A task that waits for a local activity hears of a cancellation no later than that."""
OTHER_QUEUES = (names.CALL_QUEUE, names.DELIVERY_QUEUE, names.CALLBACK_QUEUE)


@asynccontextmanager
async def working(
    server: WorkflowEnvironment,
    queue: str,
    hold: Hold,
    *activities: Callable[..., Any],
    runner: WorkflowRunner | None = None,
) -> AsyncIterator[None]:
    """All workflows, and these activities on every queue."""
    workflows = [
        CampaignWorkflow,
        CallWorkflow,
        RequestCallWorkflow,
        CallbackWorkflow,
        DeliveryWorkflow,
        SweepWorkflow,
        RunCampaignWorkflow,
    ]
    async with Worker(
        server.client,
        task_queue=queue,
        workflows=workflows,
        activities=list(activities),
        workflow_runner=runner or sandbox(),
        interceptors=[hold],
    ):
        workers = [
            Worker(
                server.client, task_queue=other, activities=list(activities), interceptors=[hold]
            )
            for other in OTHER_QUEUES
        ]
        async with workers[0], workers[1], workers[2]:
            yield


async def status_of(handle: Handle) -> WorkflowExecutionStatus | None:
    return (await handle.describe()).status


async def timer_started(handle: Handle) -> bool:
    events = (await handle.fetch_history()).events
    return any(event.HasField("timer_started_event_attributes") for event in events)


async def cancelled(hold: Hold, handle: Handle, waits: Callable[[], Awaitable[bool]]) -> None:
    """Cancel it where the case says; `waits` tells that it waits."""
    if hold.at == WAITING:
        await until(waits)
        await cancel_and_wait(handle)
    elif hold.at != BEFORE:
        await hold.cancel(handle)


async def holds(truth: bool) -> bool:
    return truth
