"""The drain of an endpoint goes on while something is pending, and ends when nothing is."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from outdial.contracts import names
from outdial.contracts.messages import DeliveryResult
from outdial.contracts.signatures.delivery import DeliveryActivities, Drained, EndpointRef
from tests.waiting import until
from workflows.delivery import DeliveryWorkflow
from workflows.registry import sandbox

Handle = WorkflowHandle[DeliveryWorkflow, DeliveryResult]
SOON, LATER = timedelta(milliseconds=200), timedelta(hours=3)


class FakeOutbox(DeliveryActivities):
    """Sends one webhook a drain; `waits` say when the next is due after each."""

    def __init__(self, *waits: timedelta | None) -> None:
        self._waits = list(waits)
        self.drains = 0
        self.go_on = asyncio.Event()
        """While it is not set, a drain does not end."""
        self.go_on.set()

    @activity.defn(name="drain_endpoint")
    async def drain_endpoint(self, endpoint: EndpointRef) -> Drained:
        self.drains += 1
        await self.go_on.wait()
        wait = self._waits.pop(0) if self._waits else None
        return Drained(sent=1, wake_at=None if wait is None else datetime.now(UTC) + wait)


@asynccontextmanager
async def draining(server: WorkflowEnvironment, outbox: FakeOutbox) -> AsyncIterator[Handle]:
    queue = uuid.uuid4().hex
    async with (
        Worker(
            server.client,
            task_queue=queue,
            workflows=[DeliveryWorkflow],
            workflow_runner=sandbox(),
        ),
        Worker(
            server.client,
            task_queue=names.DELIVERY_QUEUE,
            activities=[outbox.drain_endpoint],
        ),
    ):
        yield await server.client.start_workflow(
            DeliveryWorkflow.run,
            EndpointRef(tenant="default", endpoint_id="ep_1"),
            id=f"delivery/{queue}",
            task_queue=queue,
        )


async def rests(handle: Handle, timers: int) -> bool:
    """Whether it has begun to wait so many times."""
    history = await handle.fetch_history()
    started = [e for e in history.events if e.HasField("timer_started_event_attributes")]
    return len(started) >= timers


async def test_it_waits_until_the_next_is_due_or_a_nudge(server: WorkflowEnvironment) -> None:
    outbox = FakeOutbox(SOON, LATER)
    async with draining(server, outbox) as handle:
        await until(lambda: rests(handle, 2))
        assert outbox.drains == 2
        await handle.signal(DeliveryWorkflow.nudge)
        assert await handle.result() == DeliveryResult(sent=3)


async def test_a_nudge_while_it_drains_is_not_lost(server: WorkflowEnvironment) -> None:
    """What became due after the drain's last look would otherwise wait for nobody."""
    outbox = FakeOutbox()
    outbox.go_on.clear()
    async with draining(server, outbox) as handle:

        async def drains() -> bool:
            return outbox.drains == 1

        await until(drains)
        await handle.signal(DeliveryWorkflow.nudge)
        outbox.go_on.set()
        assert await handle.result() == DeliveryResult(sent=2)
