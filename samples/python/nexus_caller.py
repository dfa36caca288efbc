"""A workflow of another namespace that awaits a call, by the Nexus endpoint `outdial`."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from datetime import timedelta
from typing import Any

import nexusrpc
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "nexus-caller"


@nexusrpc.service(name="outdial")
class Outdial:
    place_call: nexusrpc.Operation[dict[str, Any], dict[str, Any]]
    run_campaign: nexusrpc.Operation[dict[str, Any], dict[str, Any]]


@workflow.defn
class Booking:
    """Calls somebody, and goes on with what came of it."""

    @workflow.run
    async def run(self, to: str) -> str:
        outdial = workflow.create_nexus_client(service=Outdial, endpoint="outdial")
        order = {
            "tenant": "default",
            "request": {
                "to": to,
                "agent": {"id": "reception"},
                "schedule": {"hours": "00:00-24:00"},
            },
        }
        result = await outdial.execute_operation(
            Outdial.place_call, order, schedule_to_close_timeout=timedelta(days=7)
        )
        return str(result["outcome"])


async def main(to: str) -> None:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS", "localhost:7233"),
        namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"),
    )
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Booking],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        outcome = await client.execute_workflow(
            Booking.run, to, id=f"booking-{uuid.uuid4().hex}", task_queue=QUEUE
        )
    print(f"the call: {outcome}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # a client's threads can abort an interpreter that ends: sdk-python issue 300
