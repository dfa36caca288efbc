"""Hold a workflow at one of its activities, cancel it there, and let it go on."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from tests.waiting import until

Handle = WorkflowHandle[Any, Any]


class Hold(Interceptor):
    """The first execution of one activity, local or not, waits until it may go on."""

    def __init__(self, at: str | None) -> None:
        self.at = at
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Held(next, self)

    async def cancel(self, handle: Handle) -> None:
        """Cancel the workflow while it is held, and let go once it has seen that."""
        async with asyncio.timeout(20):
            await self.reached.wait()
        await cancel_and_wait(handle)
        self.go_on.set()


class _Held(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, hold: Hold) -> None:
        super().__init__(next)
        self._hold = hold

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        hold = self._hold
        if activity.info().activity_type == hold.at and not hold.reached.is_set():
            hold.reached.set()
            await hold.go_on.wait()
        return await super().execute_activity(input)


async def cancel_and_wait(handle: Handle) -> None:
    """Cancel a workflow, and return once one of its tasks has dealt with that.

    A task that waits for a local activity completes at most a task timeout later.
    """
    await handle.cancel()

    async def processed() -> bool:
        events = (await handle.fetch_history()).events
        requests = [
            event.event_id
            for event in events
            if event.HasField("workflow_execution_cancel_requested_event_attributes")
        ]
        done = [
            event.event_id
            for event in events
            if event.HasField("workflow_task_completed_event_attributes")
        ]
        return bool(requests and done and done[-1] > requests[0])

    await until(processed, timeout=20)
