"""The bare baseline's worker: places calls through the real adapter, records nothing."""

from __future__ import annotations

import argparse
import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.baseline.workflows import BareCall, BareCampaign
from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.port import LineConfig

QUEUE = "bare"


class BareActivities:
    def __init__(self, provider: SimulatedProvider, webhook_url: str) -> None:
        self._provider = provider
        self._webhook_url = webhook_url

    @activity.defn(name="bare_place")
    async def place(self, call_id: str) -> str:
        number = int(call_id.rpartition("-")[2])
        placed = await self._provider.place(
            PlaceRequest(
                call_id=call_id,
                to=f"+1202555{number % 10_000:04}",
                caller_id=None,
                agent="bench",
                attempt=1,
                ring_timeout=timedelta(seconds=30),
                max_duration=timedelta(minutes=5),
                webhook_url=self._webhook_url,
            )
        )
        return placed.provider_call_id

    @activity.defn(name="bare_end")
    async def end(self, call_id: str) -> None:
        return None


async def work(
    temporal: str, network: str, api_key: str, secret: str, webhook_url: str, signals: int
) -> None:
    BareCall.signals = signals
    client = await Client.connect(temporal, data_converter=pydantic_data_converter)
    provider = SimulatedProvider(
        LineConfig(
            name="bare",
            base_url=network,
            credentials={"api_key": api_key, "webhook_secret": secret},
        )
    )
    activities = BareActivities(provider, webhook_url)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[BareCall, BareCampaign],
        activities=[activities.place, activities.end],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=4000,
        max_concurrent_workflow_tasks=50,
        max_concurrent_activities=200,
        max_concurrent_local_activities=100,
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("temporal", "network", "api-key", "secret", "webhook-url"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--signals", type=int, required=True)
    asyncio.run(work(**vars(parser.parse_args())))
