"""Run a whole campaign through Temporal and await what became of everybody."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid

from temporalio.client import Client


async def main(numbers: list[str]) -> None:
    client = await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "localhost:7233"))
    name = f"sample-{uuid.uuid4().hex[:8]}"
    result = await client.execute_workflow(
        "RunCampaignWorkflow",
        {
            "tenant": "default",
            "definition": {
                "name": name,
                "purpose": "informational",
                "agent": "reminder",
                "recipients": [{"phone": number, "at": "10:30"} for number in numbers],
                "variables": {"greeting": "See you tomorrow at {{ at }}."},
                "schedule": {"hours": "00:00-24:00"},
            },
        },
        id=f"run-{name}",
        task_queue="outdial",
    )
    print(f"{result['campaign']} {result['state']}: {result['recipients']}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    sys.stdout.flush()
    os._exit(0)  # a client's threads can abort an interpreter that ends: sdk-python issue 300
