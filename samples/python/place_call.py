"""Have one call made through Temporal and await how it ends, perhaps days later."""

from __future__ import annotations

import asyncio
import os
import sys

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy


async def main(to: str) -> None:
    client = await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "localhost:7233"))
    result = await client.execute_workflow(
        "RequestCallWorkflow",
        {
            "tenant": "default",
            "request": {
                "to": to,
                "agent": {"id": "reception"},
                "variables": {"first_name": "Ana"},
                "schedule": {"hours": "00:00-24:00"},
                "retry": {"busy": {"delays": "10m"}, "no_answer": {"delays": ["2h", "next_day"]}},
            },
        },
        id=f"request/default/sample-{to}",  # the same id again is the same request
        task_queue="outdial",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    print(f"{result['outcome']} after {result['attempts']} attempt(s)")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # a client's threads can abort an interpreter that ends: sdk-python issue 300
