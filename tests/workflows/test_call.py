"""One phone call, whatever its provider says, in whatever order."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from outdial.contracts import names, search_attributes
from outdial.contracts.messages import CallResult
from outdial.contracts.signatures.call import LookUp, Placement, PlacementResult
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from tests.waiting import until
from tests.workflows.fakes import PLACED, FakeCalls
from workflows.call import CallWorkflow
from workflows.registry import sandbox

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def claimed() -> ClaimedCall:
    call_id = uuid.uuid4().hex
    return ClaimedCall(
        call_id=call_id,
        workflow_id=f"call/default/reminders/1/1/{call_id}",
        tenant="default",
        campaign="reminders",
        line="simulated",
        masked="+1202•••0123",
        attempt=1,
        ring_timeout=timedelta(seconds=30),
        max_duration=timedelta(minutes=10),
    )


def report(call: ClaimedCall, status: CallStatus, **more: object) -> CallEvent:
    return CallEvent.model_validate(
        {"call_id": call.call_id, "event_id": f"evt-{status}", "status": status, "at": AT, **more}
    )


@asynccontextmanager
async def working(environment: WorkflowEnvironment, calls: FakeCalls) -> AsyncIterator[str]:
    """Workers for one test; the queue of provider activities is the workflow's own constant."""
    queue = f"q-{uuid.uuid4().hex}"
    async with (
        Worker(
            environment.client,
            task_queue=queue,
            workflows=[CallWorkflow],
            activities=calls.activities,
            workflow_runner=sandbox(),
        ),
        Worker(environment.client, task_queue=names.CALL_QUEUE, activities=calls.activities),
    ):
        yield queue


async def start(
    environment: WorkflowEnvironment, queue: str, call: ClaimedCall
) -> WorkflowHandle[CallWorkflow, CallResult]:
    return await environment.client.start_workflow(
        CallWorkflow.run,
        call,
        id=call.workflow_id,
        task_queue=queue,
        search_attributes=TypedSearchAttributes(
            [SearchAttributePair(search_attributes.CALL_STATUS, CallStatus.QUEUED.value)]
        ),
    )


async def reached(handle: WorkflowHandle[CallWorkflow, CallResult], status: CallStatus) -> None:
    async def check() -> bool:
        return await handle.query(CallWorkflow.status) is status

    await until(check)


async def test_an_answered_call_costs_at_most_30_events(server: WorkflowEnvironment) -> None:
    calls, call = FakeCalls(), claimed()
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)
        await calls.was_placed.wait()
        for status in (CallStatus.RINGING, CallStatus.IN_PROGRESS):
            await handle.signal(CallWorkflow.report, report(call, status))
            await reached(handle, status)
        await handle.signal(
            CallWorkflow.report,
            report(call, CallStatus.COMPLETED, answered_by=AnsweredBy.HUMAN, duration_seconds=12),
        )
        result = await handle.result()
        history = await handle.fetch_history()
    assert result.status is CallStatus.COMPLETED
    assert len(history.events) <= 30, [event.event_type for event in history.events]
    assert calls.ends[0].analysis_wait == PLACED.analysis_wait
    described = await handle.describe()
    assert described.typed_search_attributes[search_attributes.CALL_STATUS] == "completed"


async def test_reports_may_come_twice_late_and_out_of_order(server: WorkflowEnvironment) -> None:
    calls, call = FakeCalls(), claimed()
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)
        talking, ringing = (
            report(call, CallStatus.IN_PROGRESS),
            report(call, CallStatus.RINGING),
        )
        for message in (talking, ringing, talking, ringing):
            await handle.signal(CallWorkflow.report, message)
        await reached(handle, CallStatus.IN_PROGRESS)
        done = report(call, CallStatus.COMPLETED)
        await handle.signal(CallWorkflow.report, done)
        result = await handle.result()
    assert result.status is CallStatus.COMPLETED
    assert len(calls.ends) == 1


async def test_reports_that_come_before_the_response_count(server: WorkflowEnvironment) -> None:
    calls, call = FakeCalls(), claimed()
    calls.placement = PLACED.model_copy(update={"reports": (report(call, CallStatus.BUSY),)})
    async with working(server, calls) as queue:
        result = await (await start(server, queue, call)).result()
    assert result.status is CallStatus.BUSY


async def test_a_report_of_another_call_is_ignored(server: WorkflowEnvironment) -> None:
    calls, call, other = FakeCalls(), claimed(), claimed()
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)
        await handle.signal(CallWorkflow.report, report(other, CallStatus.COMPLETED))
        await handle.signal(CallWorkflow.report, report(call, CallStatus.NO_ANSWER))
        assert (await handle.result()).status is CallStatus.NO_ANSWER


@pytest.mark.parametrize(
    ("placement", "status", "may_have_rung"),
    [
        (
            Placement(result=PlacementResult.NOT_PLACED, failure=FailureClass.THROTTLED),
            CallStatus.FAILED,
            False,
        ),
        (Placement(result=PlacementResult.WITHDRAWN, detail="paused"), CallStatus.CANCELED, False),
    ],
)
async def test_a_call_that_was_not_placed_ends_at_once(
    server: WorkflowEnvironment,
    placement: Placement,
    status: CallStatus,
    may_have_rung: bool,
) -> None:
    calls, call = FakeCalls(), claimed()
    calls.placement = placement
    async with working(server, calls) as queue:
        result = await (await start(server, queue, call)).result()
    assert result.status is status
    assert calls.ends[0].may_have_rung is may_have_rung


async def test_silence_is_broken_by_asking(skipping: WorkflowEnvironment) -> None:
    calls, call = FakeCalls(), claimed()
    calls.lookups = [
        LookUp(exists=True, reports=(report(call, CallStatus.RINGING),)),
        LookUp(exists=True, reports=(report(call, CallStatus.NO_ANSWER),)),
    ]
    async with working(skipping, calls) as queue:
        result = await (await start(skipping, queue, call)).result()
    assert result.status is CallStatus.NO_ANSWER
    assert calls.looked_up == 2


async def test_a_lost_request_is_no_attempt(skipping: WorkflowEnvironment) -> None:
    calls, call = FakeCalls(), claimed()
    calls.placement = PLACED.model_copy(update={"result": PlacementResult.UNKNOWN})
    calls.lookups = [LookUp(exists=False), LookUp(exists=False, absent=True)]
    async with working(skipping, calls) as queue:
        result = await (await start(skipping, queue, call)).result()
    assert result.status is CallStatus.FAILED
    assert not calls.ends[0].may_have_rung
    assert calls.placed == 1


@pytest.mark.parametrize("times", [1, 2])
async def test_a_call_that_was_wrongly_given_up_is_followed_to_its_end(
    skipping: WorkflowEnvironment, times: int
) -> None:
    """The store has its reports, and does not believe that it was never placed."""
    calls, call = FakeCalls(), claimed()
    calls.placement = PLACED.model_copy(update={"result": PlacementResult.UNKNOWN})
    absent = LookUp(exists=False, absent=True)
    ended = LookUp(exists=True, reports=(report(call, CallStatus.NO_ANSWER),))
    calls.lookups = [*[absent] * times, ended]
    calls.disproved = [CallStatus.RINGING] * times
    async with working(skipping, calls) as queue:
        result = await (await start(skipping, queue, call)).result()
    assert result.status is CallStatus.NO_ANSWER
    assert [end.not_placed for end in calls.ends] == [True] * times + [False]
    assert calls.placed == 1


async def test_a_call_nobody_can_tell_about_ends_as_unknown(
    skipping: WorkflowEnvironment,
) -> None:
    calls, call = FakeCalls(), claimed()
    calls.placement = PLACED.model_copy(update={"result": PlacementResult.UNKNOWN})
    calls.lookups = [LookUp(exists=False)]
    async with working(skipping, calls) as queue:
        handle = await start(skipping, queue, call)
        await handle.result()
        started, closed = (await handle.describe()).start_time, (await handle.describe()).close_time
    assert calls.ends[0].failure is FailureClass.UNKNOWN
    assert calls.ends[0].may_have_rung
    longest = call.ring_timeout + call.max_duration + timedelta(minutes=1)
    assert closed is not None
    assert closed - started >= longest


async def test_a_cancelled_call_is_hung_up_and_recorded(server: WorkflowEnvironment) -> None:
    calls, call = FakeCalls(), claimed()
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)

        async def provider_reports_the_end() -> None:
            await handle.signal(CallWorkflow.report, report(call, CallStatus.CANCELED))

        calls.on_hang_up = provider_reports_the_end
        await handle.signal(CallWorkflow.report, report(call, CallStatus.RINGING))
        await reached(handle, CallStatus.RINGING)
        await handle.cancel()
        await handle.result()
    assert calls.hung_up >= 1
    assert calls.ends[0].status is CallStatus.CANCELED


async def test_a_placement_is_never_cancelled_half_way(server: WorkflowEnvironment) -> None:
    calls, call = FakeCalls(), claimed()
    async with working(server, calls) as queue:
        placing, answer = asyncio.Event(), asyncio.Event()

        async def slow_provider() -> None:
            placing.set()
            await answer.wait()

        calls.on_place = slow_provider
        handle = await start(server, queue, call)
        await placing.wait()
        withdrawing = asyncio.Event()

        async def not_placed_yet() -> None:
            withdrawing.set()

        calls.on_hang_up = not_placed_yet
        await handle.cancel()
        # Else the answer may come in the task that deals with the cancellation.
        await asyncio.wait_for(withdrawing.wait(), 20)

        async def provider_reports_the_end() -> None:
            await handle.signal(CallWorkflow.report, report(call, CallStatus.CANCELED))

        calls.on_hang_up = provider_reports_the_end
        answer.set()
        await handle.result()
    # Once to keep it from leaving, should it not have left; once when it had.
    assert (calls.placed, calls.hung_up) == (1, 2)
    assert calls.ends[0].status is CallStatus.CANCELED


async def test_hang_up_by_signal(server: WorkflowEnvironment) -> None:
    calls, call = FakeCalls(), claimed()
    calls.lookups = [LookUp(exists=True, reports=(report(call, CallStatus.CANCELED),))]
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)

        async def provider_reports_the_end() -> None:
            await handle.signal(CallWorkflow.report, report(call, CallStatus.CANCELED))

        calls.on_hang_up = provider_reports_the_end
        await handle.signal(CallWorkflow.hang_up)
        assert (await handle.result()).status is CallStatus.CANCELED
