"""Shapes of histories of callbacks."""

from __future__ import annotations

from temporalio.testing import WorkflowEnvironment

from outdial.contracts.messages import CallbackRunInput
from outdial.domain.call.callback_run import CallbackState
from outdial.domain.definition.callbacks import After
from tests.replay.recording import Handle
from tests.workflows.test_callbacks import FakeCallbacks, plan, working
from workflows.callbacks import CallbackWorkflow


async def carried_out(server: WorkflowEnvironment) -> dict[str, Handle]:
    done = FakeCallbacks(
        plan(0, "book"),
        plan(1, "email"),
        plan(2, "tell", after=After.FOLLOW_UP),
        book=CallbackState.FOLLOW_UP,
    )
    failed = FakeCallbacks(plan(0, "book", undo=True), plan(1, "webhook"), webhook=99)
    handles: dict[str, Handle] = {}
    for name, callbacks in (("callbacks_done", done), ("callbacks_undone", failed)):
        async with working(server, callbacks) as queue:
            handle = await server.client.start_workflow(
                CallbackWorkflow.run,
                CallbackRunInput(call_id="c1"),
                id=f"callbacks/{queue}/1",
                task_queue=queue,
            )
            await handle.result()
        handles[name] = handle
    return handles
