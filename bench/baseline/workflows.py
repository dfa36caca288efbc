"""The smallest workflow that follows one call: an activity, signals, a local activity."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.workflow import ParentClosePolicy

ACTIVITY_TIMEOUT = timedelta(seconds=30)


@workflow.defn(name="BareCall")
class BareCall:
    signals = 3
    """How many it awaits; set by its worker, which runs it without the sandbox."""

    def __init__(self) -> None:
        self._heard = 0

    @workflow.run
    async def run(self, call_id: str) -> int:
        await workflow.execute_activity(
            "bare_place", call_id, start_to_close_timeout=ACTIVITY_TIMEOUT
        )
        await workflow.wait_condition(lambda: self._heard >= self.signals)
        await workflow.execute_local_activity(
            "bare_end", call_id, start_to_close_timeout=ACTIVITY_TIMEOUT
        )
        return self._heard

    @workflow.signal
    def report(self, status: str) -> None:
        self._heard += 1


@workflow.defn(name="BareCampaign")
class BareCampaign:
    """A window of children, refilled when one closes; continues as new when told to."""

    @workflow.run
    async def run(self, first: int, total: int, window: int, prefix: str) -> int:
        in_flight: set[asyncio.Task[None]] = set()
        started, starting = first, 0

        async def call(number: int) -> None:
            nonlocal starting
            name = f"{prefix}-{number}"
            child = await workflow.start_child_workflow(
                BareCall.run, name, id=name, parent_close_policy=ParentClosePolicy.ABANDON
            )
            starting -= 1
            await child

        while started < total:
            while len(in_flight) < window and started < total:
                task = asyncio.create_task(call(started))
                in_flight.add(task)
                task.add_done_callback(in_flight.discard)
                started += 1
                starting += 1
            await workflow.wait_condition(lambda: len(in_flight) < window)
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(lambda: not in_flight)
                workflow.continue_as_new(args=[started, total, window, prefix])
        await workflow.wait_condition(lambda: not in_flight)
        return started
