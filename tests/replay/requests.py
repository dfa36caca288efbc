"""Shapes of histories of requests and sweeps."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from outdial.contracts.messages import RequestCallInput
from outdial.contracts.signatures.request import (
    RequestActivities,
    Requested,
    RequestInput,
    RequestRef,
    RequestState,
)
from outdial.contracts.signatures.sweep import SweepActivities, Swept
from outdial.domain.call.plan import CallRequest
from outdial.domain.definition.agent import Agent
from tests.replay.recording import Handle
from tests.waiting import until
from workflows.registry import sandbox
from workflows.request import RequestCallWorkflow
from workflows.sweep import SweepWorkflow


class _Requests(RequestActivities):
    def __init__(self, states: list[RequestState]) -> None:
        self._states = states

    @activity.defn(name="enroll_request")
    async def enroll_request(self, request: RequestInput) -> Requested:
        return Requested(recipient_id=1)

    @activity.defn(name="read_request")
    async def read_request(self, request: RequestRef) -> RequestState:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    @activity.defn(name="withdraw_request")
    async def withdraw_request(self, request: RequestRef) -> RequestState:
        return RequestState(done=True, outcome="canceled")


class _Sweeps(SweepActivities):
    @activity.defn(name="sweep_leases")
    async def sweep_leases(self) -> Swept:
        return Swept(leases=1)

    @activity.defn(name="sweep_events")
    async def sweep_events(self) -> Swept:
        return Swept(events=2)

    @activity.defn(name="sweep_campaigns")
    async def sweep_campaigns(self) -> Swept:
        return Swept()

    @activity.defn(name="sweep_requests")
    async def sweep_requests(self) -> Swept:
        return Swept()


@asynccontextmanager
async def _worker(server: WorkflowEnvironment, *activities: Any) -> AsyncIterator[str]:
    queue = uuid.uuid4().hex
    async with Worker(
        server.client,
        task_queue=queue,
        workflows=[RequestCallWorkflow, SweepWorkflow],
        activities=list(activities),
        workflow_runner=sandbox(),
    ):
        yield queue


async def settled_and_swept(server: WorkflowEnvironment) -> dict[str, Handle]:
    waiting = RequestState(done=False, waiting_for="its turn")
    message = RequestCallInput(
        tenant="default", request=CallRequest(to="+12025550123", agent=Agent(id="a"))
    )
    handles: dict[str, Handle] = {}
    for name in ("request_settled", "request_withdrawn"):
        states = [waiting, RequestState(done=True, outcome="completed", status="completed")]
        fake = _Requests(states if name == "request_settled" else [waiting])
        parts = (fake.enroll_request, fake.read_request, fake.withdraw_request)
        async with _worker(server, *parts) as queue:
            handle = await server.client.start_workflow(
                RequestCallWorkflow.run, message, id=f"request/{uuid.uuid4().hex}", task_queue=queue
            )
            await until(lambda handle=handle: _timer_runs(handle))  # type: ignore[misc]
            if name == "request_settled":
                await handle.signal(RequestCallWorkflow.settled)
            else:
                await handle.cancel()
            await handle.result()
        handles[name] = handle
    sweeps = _Sweeps()
    async with _worker(
        server,
        sweeps.sweep_leases,
        sweeps.sweep_events,
        sweeps.sweep_campaigns,
        sweeps.sweep_requests,
    ) as queue:
        swept = await server.client.start_workflow(
            SweepWorkflow.run, id=f"sweep/{uuid.uuid4().hex}", task_queue=queue
        )
        await swept.result()
    return handles | {"sweep": swept}


async def _timer_runs(handle: Handle) -> bool:
    history = await handle.fetch_history()
    return any(event.HasField("timer_started_event_attributes") for event in history.events)
