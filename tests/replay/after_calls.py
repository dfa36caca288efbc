"""Shapes of histories of what follows a call."""

from __future__ import annotations

from temporalio.testing import WorkflowEnvironment

from outdial.contracts.messages import AfterCallInput
from outdial.domain.call.chain import StepState
from outdial.domain.definition.callbacks import After
from tests.replay.recording import Handle
from tests.workflows.test_after_call import FakeSteps, plan, working
from workflows.after_call import AfterCallWorkflow


async def followed(server: WorkflowEnvironment) -> dict[str, Handle]:
    done = FakeSteps(
        plan(0, "book"),
        plan(1, "email"),
        plan(2, "tell", after=After.FOLLOW_UP),
        book=StepState.FOLLOW_UP,
    )
    failed = FakeSteps(plan(0, "book", undo=True), plan(1, "webhook"), webhook=99)
    handles: dict[str, Handle] = {}
    for name, steps in (("after_call_done", done), ("after_call_undone", failed)):
        async with working(server, steps) as queue:
            handle = await server.client.start_workflow(
                AfterCallWorkflow.run,
                AfterCallInput(call_id="c1"),
                id=f"after/{queue}/1",
                task_queue=queue,
            )
            await handle.result()
        handles[name] = handle
    return handles
