"""A hang-up is tried until the call has ended, and as soon as somebody knows whom to ask."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from outdial.contracts import names
from outdial.contracts.signatures.call import (
    HangUp,
    HangUpInput,
    LookUp,
    LookUpInput,
    PlacementResult,
)
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.status import CallStatus
from tests.waiting import until
from tests.workflows.cancelling import timer_started
from tests.workflows.fakes import PLACED, FakeCalls
from tests.workflows.test_call import claimed, report, start
from workflows.call import CallWorkflow


class Stubborn(FakeCalls):
    """Ends a call when it is asked the `takes`-th time, and does not report that by itself."""

    def __init__(self, call: ClaimedCall, *, takes: int, possible: bool = True) -> None:
        super().__init__()
        self.takes = takes
        self.possible = possible
        self.asked = 0
        self.exists = True
        """Whether the provider's id of the call is known."""
        self._end = report(call, CallStatus.CANCELED)

    @activity.defn(name="hang_up_call")
    async def hang_up_call(self, hang_up: HangUpInput) -> HangUp:
        self.asked += 1
        self.hung_up += self.exists
        return HangUp(requested=self.exists and self.possible, possible=self.possible)

    @activity.defn(name="look_up_call")
    async def look_up_call(self, look_up: LookUpInput) -> LookUp:
        self.looked_up += 1
        over = self.hung_up >= self.takes
        return LookUp(exists=self.exists, reports=(self._end,) if over else ())


@asynccontextmanager
async def working(server: WorkflowEnvironment, calls: FakeCalls) -> AsyncIterator[str]:
    """Without the sandbox, which would load the module anew, with the grace that it has."""
    queue = f"q-{uuid.uuid4().hex}"
    parts: dict[str, Any] = {
        "workflows": [CallWorkflow],
        "workflow_runner": UnsandboxedWorkflowRunner(),
    }
    async with (
        Worker(server.client, task_queue=queue, activities=calls.activities, **parts),
        Worker(server.client, task_queue=names.CALL_QUEUE, activities=calls.activities),
    ):
        yield queue


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.call.HANG_UP_GRACE", timedelta(milliseconds=10))
    monkeypatch.setattr("workflows.call.UNKNOWN_POLL", timedelta(milliseconds=10))


async def _is(truth: bool) -> bool:
    return truth


@pytest.mark.parametrize("by", ["signal", "cancellation"])
async def test_it_is_asked_again_until_the_call_has_ended(
    server: WorkflowEnvironment, by: str
) -> None:
    call = claimed()
    calls = Stubborn(call, takes=2)
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)
        await until(lambda: timer_started(handle))  # it is placed, and followed
        await (handle.signal(CallWorkflow.hang_up) if by == "signal" else handle.cancel())
        result = await handle.result()
    assert calls.hung_up >= 2
    assert result.status is CallStatus.CANCELED


@pytest.mark.parametrize("found_by", ["a look-up", "a report"])
async def test_an_unknown_placement_is_hung_up_once_it_is_known(
    server: WorkflowEnvironment, found_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opted out meanwhile is not called to the end."""
    monkeypatch.setattr("workflows.call.HANG_UP_GRACE", timedelta(minutes=5))
    call = claimed()
    calls = Stubborn(call, takes=1)
    calls.exists = False
    calls.placement = PLACED.model_copy(update={"result": PlacementResult.UNKNOWN})
    if found_by == "a report":
        monkeypatch.setattr("workflows.call.UNKNOWN_POLL", timedelta(minutes=5))
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)
        await until(lambda: timer_started(handle))
        await handle.signal(CallWorkflow.hang_up)
        await until(lambda: _is(calls.asked == 1))
        if found_by == "a look-up":
            await until(lambda: _is(calls.looked_up >= 1))
        calls.exists = True
        if found_by == "a report":
            await handle.signal(CallWorkflow.report, report(call, CallStatus.RINGING))
        await until(lambda: _is(calls.hung_up >= 1))
        await handle.signal(CallWorkflow.report, report(call, CallStatus.CANCELED))
        result = await handle.result()
    assert result.status is CallStatus.CANCELED


async def test_a_provider_that_can_not_hang_up_is_asked_once(server: WorkflowEnvironment) -> None:
    call = claimed()
    calls = Stubborn(call, takes=99, possible=False)
    async with working(server, calls) as queue:
        handle = await start(server, queue, call)
        await until(lambda: timer_started(handle))
        await handle.signal(CallWorkflow.report, report(call, CallStatus.RINGING))
        await handle.signal(CallWorkflow.hang_up)
        await until(lambda: _is(calls.looked_up >= 4))
        assert calls.asked == 1
        await handle.signal(CallWorkflow.report, report(call, CallStatus.COMPLETED))
        await handle.result()
