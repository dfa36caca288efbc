"""Shapes of histories of drained outboxes."""

from __future__ import annotations

from temporalio.testing import WorkflowEnvironment

from tests.replay.recording import Handle, save
from tests.waiting import until
from tests.workflows.test_delivery import LATER, SOON, FakeOutbox, draining, rests
from workflows.delivery import DeliveryWorkflow

CONTINUE_EARLY = "limit.historyCount.suggestContinueAsNew=10"
"""For the server: a history of so many events is long enough."""


async def drained(server: WorkflowEnvironment) -> dict[str, Handle]:
    async with draining(server, FakeOutbox(SOON, LATER)) as handle:
        await until(lambda: rests(handle, 2))
        save("delivery_waiting", await handle.fetch_history())
        await handle.signal(DeliveryWorkflow.nudge)
        await handle.result()
    return {"delivery_drained": handle}


async def continued(server: WorkflowEnvironment) -> dict[str, Handle]:
    """Over a server that asks for a new run early."""
    async with draining(server, FakeOutbox(SOON, SOON, SOON, SOON)) as handle:
        await handle.result()
    first = server.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    described = await first.describe()
    assert described.status is not None
    assert described.status.name == "CONTINUED_AS_NEW"
    return {"delivery_continued_first_run": first}
