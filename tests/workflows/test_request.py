"""A call that another service asks for, from any language."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from workflows.registry import sandbox
from workflows.request import RequestCallWorkflow


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"tenant": "default", "request": {"agent": {"id": "a"}}}, "request.to"),
        ({"tenant": "default", "request": {"to": "+12125550143"}}, "request.agent"),
        (
            {
                "tenant": "default",
                "request": {"to": "+12125550143", "agent": {"id": "a"}, "max_durration": "5m"},
            },
            "request.max_durration",
        ),
    ],
)
async def test_input_that_cannot_be_read_fails_and_names_the_field(
    server: WorkflowEnvironment, given: dict[str, Any], named: str
) -> None:
    queue = uuid.uuid4().hex
    async with Worker(
        server.client,
        task_queue=queue,
        workflows=[RequestCallWorkflow],
        workflow_runner=sandbox(),
    ):
        with pytest.raises(WorkflowFailureError) as failed:
            await server.client.execute_workflow(
                "RequestCallWorkflow", given, id=f"request/{queue}", task_queue=queue
            )
    message = str(failed.value.cause)
    assert named in message
    assert "+12125550143" not in message
