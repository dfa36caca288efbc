"""Record the histories that tests/replay replays: `python -m tests.replay.record`.

Adds the shapes that are missing; never touches one that is there.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.signatures.call import LookUp, Placement, PlacementResult
from activities.signatures.request import (
    RequestActivities,
    Requested,
    RequestInput,
    RequestRef,
    RequestState,
)
from activities.signatures.sweep import SweepActivities, Swept
from domain.call import CallStatus, FailureClass
from domain.definition import Agent
from domain.plan import CallRequest
from domain.roster import RecipientDraft
from tests.waiting import until
from tests.workflows.conftest import start_server, start_skipping
from tests.workflows.fakes import PLACED, FakeCalls
from tests.workflows.test_call import claimed, reached, report, start, working
from tests.workflows.test_campaign import campaign
from workflows.call import CallWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.messages import (
    AddRequest,
    PauseRequest,
    RequestCallInput,
    ResumeRequest,
    StopRequest,
)
from workflows.registry import sandbox
from workflows.request import RequestCallWorkflow
from workflows.sweep import SweepWorkflow

FOLDER = Path(__file__).parent / "histories"
Handle = WorkflowHandle[Any, Any]
Shape = Callable[[WorkflowEnvironment], Awaitable[dict[str, Handle]]]


async def _answered(server: WorkflowEnvironment) -> dict[str, Handle]:
    calls, call = FakeCalls(), claimed()
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)
        await calls.was_placed.wait()
        for status in (CallStatus.RINGING, CallStatus.IN_PROGRESS):
            await handle.signal(CallWorkflow.report, report(call, status))
            await reached(handle, status)
        await handle.signal(CallWorkflow.report, report(call, CallStatus.COMPLETED))
        await handle.result()
    return {"call_answered": handle}


async def _early(server: WorkflowEnvironment) -> dict[str, Handle]:
    calls, call = FakeCalls(), claimed()
    calls.placement = PLACED.model_copy(update={"reports": (report(call, CallStatus.BUSY),)})
    return {"call_busy_before_the_response": await _to_the_end(server, calls, call)}


async def _not_placed(server: WorkflowEnvironment) -> dict[str, Handle]:
    calls = FakeCalls()
    calls.placement = Placement(
        result=PlacementResult.NOT_PLACED, failure=FailureClass.THROTTLED, upsert_status=True
    )
    return {"call_not_placed": await _to_the_end(server, calls, claimed())}


async def _silent(skipping: WorkflowEnvironment) -> dict[str, Handle]:
    calls, call = FakeCalls(), claimed()
    calls.lookups = [
        LookUp(found=True, reports=(report(call, CallStatus.RINGING),)),
        LookUp(found=True, reports=(report(call, CallStatus.NO_ANSWER),)),
    ]
    return {"call_silent_then_found": await _to_the_end(skipping, calls, call)}


async def _lost(skipping: WorkflowEnvironment) -> dict[str, Handle]:
    calls = FakeCalls()
    calls.placement = PLACED.model_copy(update={"result": PlacementResult.UNKNOWN})
    calls.lookups = [LookUp(found=False), LookUp(found=False, absent=True)]
    return {"call_request_lost": await _to_the_end(skipping, calls, claimed())}


async def _unknown(skipping: WorkflowEnvironment) -> dict[str, Handle]:
    calls = FakeCalls()
    calls.placement = PLACED.model_copy(update={"result": PlacementResult.UNKNOWN})
    calls.lookups = [LookUp(found=False)]
    return {"call_unknown_to_the_end": await _to_the_end(skipping, calls, claimed())}


async def _to_the_end(
    environment: WorkflowEnvironment, calls: FakeCalls, call: Any
) -> WorkflowHandle[Any, Any]:
    async with working(environment, calls) as queue:
        handle = await start(environment, queue, call)
        await handle.result()
    return handle


async def _ended_from_outside(server: WorkflowEnvironment) -> dict[str, Handle]:
    handles: dict[str, Handle] = {}
    for name in ("call_cancelled", "call_hung_up"):
        calls, call = FakeCalls(), claimed()
        calls.lookups = [LookUp(found=True, reports=(report(call, CallStatus.CANCELED),))]
        async with working(server, calls) as queue:
            handle = await start(server, queue, call)
            await handle.signal(CallWorkflow.report, report(call, CallStatus.RINGING))
            await reached(handle, CallStatus.RINGING)
            if name == "call_cancelled":
                await handle.cancel()
            else:
                await handle.signal(CallWorkflow.hang_up)
            await until(lambda calls=calls: _is(calls.hung_up == 1))  # type: ignore[misc]
            await handle.signal(CallWorkflow.report, report(call, CallStatus.CANCELED))
            await handle.result()
        handles[name] = handle
    return handles


async def _campaigns(server: WorkflowEnvironment) -> dict[str, Handle]:
    async with campaign(server, recipients=9, max_concurrent=3) as (handle, _, _):
        await handle.result()
    finished = handle
    async with campaign(server, recipients=24, max_concurrent=6, continue_after_events=40) as (
        handle,
        _,
        _,
    ):
        await handle.result()
    first = server.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    last = server.client.get_workflow_handle(handle.id)
    return {
        "campaign_finished": finished,
        "campaign_continued_first_run": first,
        "campaign_continued_last_run": last,
    }


async def _steered(server: WorkflowEnvironment) -> dict[str, Handle]:
    handles: dict[str, Handle] = {}
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (handle, _, calls):
        await until(lambda: _is(calls.placed == 2))
        _ = await handle.execute_update(CampaignWorkflow.pause, PauseRequest())
        _ = await handle.execute_update(
            CampaignWorkflow.add_recipients,
            AddRequest(recipients=(RecipientDraft(position=6, phone="+12025550123"),)),
        )
        _ = await handle.execute_update(CampaignWorkflow.resume, ResumeRequest())
        calls.go_on.set()
        await handle.result()
        handles["campaign_paused_resumed_added"] = handle
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (handle, _, calls):
        await until(lambda: _is(calls.placed == 2))
        _ = await handle.execute_update(CampaignWorkflow.stop, StopRequest(hang_up=True))
        calls.go_on.set()
        await handle.result()
        handles["campaign_stopped"] = handle
    async with campaign(server, recipients=6, max_concurrent=2, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 2))
        await handle.cancel()
        await until(lambda: _is(roster.state.value == "stopping"))
        calls.go_on.set()
        await handle.result()
        handles["campaign_cancelled"] = handle
    return handles


async def _waiting(server: WorkflowEnvironment) -> dict[str, Handle]:
    async with campaign(server, recipients=4, max_concurrent=2, held=True) as (
        handle,
        roster,
        calls,
    ):
        await until(lambda: _is(calls.placed == 2))
        _save("campaign_waiting", await handle.fetch_history())
        row = roster.rows[0]
        call = server.client.get_workflow_handle(f"call/default/{roster.name}/1/0/{row.calls}")
        _save("call_waiting", await call.fetch_history())
        calls.go_on.set()
        await handle.result()
    return {}


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


async def _requests(server: WorkflowEnvironment) -> dict[str, Handle]:
    waiting = RequestState(done=False, waiting_for="its turn")
    asked = RequestCallInput(
        tenant="default", request=CallRequest(to="+12025550123", agent=Agent(id="a"))
    )
    handles: dict[str, Handle] = {}
    for name in ("request_settled", "request_withdrawn"):
        states = [waiting, RequestState(done=True, outcome="completed", status="completed")]
        fake = _Requests(states if name == "request_settled" else [waiting])
        parts = (fake.enroll_request, fake.read_request, fake.withdraw_request)
        async with _worker(server, *parts) as queue:
            handle = await server.client.start_workflow(
                RequestCallWorkflow.run, asked, id=f"request/{uuid.uuid4().hex}", task_queue=queue
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
        server, sweeps.sweep_leases, sweeps.sweep_events, sweeps.sweep_campaigns
    ) as queue:
        swept = await server.client.start_workflow(
            SweepWorkflow.run, id=f"sweep/{uuid.uuid4().hex}", task_queue=queue
        )
        await swept.result()
    return handles | {"sweep": swept}


async def _timer_runs(handle: Handle) -> bool:
    history = await handle.fetch_history()
    return any(event.HasField("timer_started_event_attributes") for event in history.events)


async def _is(holds: bool) -> bool:
    return holds


def _save(name: str, history: Any) -> None:
    path = FOLDER / f"{name}.json"
    if path.exists():
        return
    # Who recorded it is nobody's business, and changes nothing.
    events = json.loads(re.sub(r'"\d+@[\w.-]+"', '"recorder"', history.to_json()))
    path.write_text(json.dumps(events, indent=1, sort_keys=True) + "\n")
    sys.stdout.write(f"recorded {path.name}: {len(events['events'])} events\n")


async def _record(environment: WorkflowEnvironment, *shapes: Shape) -> None:
    for shape in shapes:
        for name, handle in (await shape(environment)).items():
            _save(name, await handle.fetch_history())


async def main() -> None:
    """Record what is missing."""
    FOLDER.mkdir(exist_ok=True)
    async with await start_server() as server:
        await _record(
            server,
            _answered,
            _early,
            _not_placed,
            _ended_from_outside,
            _campaigns,
            _steered,
            _waiting,
            _requests,
        )
    for shape in (_silent, _lost, _unknown):
        async with await start_skipping() as skipping:
            await _record(skipping, shape)


if __name__ == "__main__":
    asyncio.run(main())
