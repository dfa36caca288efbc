"""Shapes of call histories."""

from __future__ import annotations

from typing import Any

from temporalio.testing import WorkflowEnvironment

from outdial.contracts.signatures.call import LookUp, Placement, PlacementResult
from outdial.domain.call.status import CallStatus, FailureClass
from tests.replay.recording import Handle, holds
from tests.waiting import until
from tests.workflows.fakes import PLACED, FakeCalls
from tests.workflows.test_call import claimed, reached, report, start, working
from workflows.call import CallWorkflow


async def answered(server: WorkflowEnvironment) -> dict[str, Handle]:
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


async def early(server: WorkflowEnvironment) -> dict[str, Handle]:
    calls, call = FakeCalls(), claimed()
    calls.placement = PLACED.model_copy(update={"reports": (report(call, CallStatus.BUSY),)})
    return {"call_busy_before_the_response": await _to_the_end(server, calls, call)}


async def not_placed(server: WorkflowEnvironment) -> dict[str, Handle]:
    calls = FakeCalls()
    calls.placement = Placement(
        result=PlacementResult.NOT_PLACED, failure=FailureClass.THROTTLED, upsert_status=True
    )
    return {"call_not_placed": await _to_the_end(server, calls, claimed())}


async def silent(skipping: WorkflowEnvironment) -> dict[str, Handle]:
    calls, call = FakeCalls(), claimed()
    calls.lookups = [
        LookUp(exists=True, reports=(report(call, CallStatus.RINGING),)),
        LookUp(exists=True, reports=(report(call, CallStatus.NO_ANSWER),)),
    ]
    return {"call_silent_then_found": await _to_the_end(skipping, calls, call)}


async def lost(skipping: WorkflowEnvironment) -> dict[str, Handle]:
    calls = FakeCalls()
    calls.placement = PLACED.model_copy(update={"result": PlacementResult.UNKNOWN})
    calls.lookups = [LookUp(exists=False), LookUp(exists=False, absent=True)]
    return {"call_request_lost": await _to_the_end(skipping, calls, claimed())}


async def unknown(skipping: WorkflowEnvironment) -> dict[str, Handle]:
    calls = FakeCalls()
    calls.placement = PLACED.model_copy(update={"result": PlacementResult.UNKNOWN})
    calls.lookups = [LookUp(exists=False)]
    return {"call_unknown_to_the_end": await _to_the_end(skipping, calls, claimed())}


async def _to_the_end(environment: WorkflowEnvironment, calls: FakeCalls, call: Any) -> Handle:
    async with working(environment, calls) as queue:
        handle = await start(environment, queue, call)
        await handle.result()
    return handle


async def ended_from_outside(server: WorkflowEnvironment) -> dict[str, Handle]:
    handles: dict[str, Handle] = {}
    for name in ("call_cancelled", "call_hung_up"):
        calls, call = FakeCalls(), claimed()
        calls.lookups = [LookUp(exists=True, reports=(report(call, CallStatus.CANCELED),))]
        async with working(server, calls) as queue:
            handle = await start(server, queue, call)
            await handle.signal(CallWorkflow.report, report(call, CallStatus.RINGING))
            await reached(handle, CallStatus.RINGING)
            if name == "call_cancelled":
                await handle.cancel()
            else:
                await handle.signal(CallWorkflow.hang_up)
            await until(lambda calls=calls: holds(calls.hung_up == 1))  # type: ignore[misc]
            await handle.signal(CallWorkflow.report, report(call, CallStatus.CANCELED))
            await handle.result()
        handles[name] = handle
    return handles
