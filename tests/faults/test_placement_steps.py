"""The worker dies at each step of a call: a table of what becomes of it.

Whatever the step, no call row is dialed twice, and the person is called in the end. A new row
is made only where it is certain that the first one never rang.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from outdial.domain.call.status import CallStatus, Fence
from tests.faults.harness import Stack, campaign, numbers, open_stack, plan_stack
from tests.faults.invariants import Aftermath, assert_nothing_broken
from tests.faults.killing_worker import Step
from tests.faults.parts import Part
from tests.waiting import until

LANES = 4
"""Stacks side by side: a step is mostly waiting for somebody's timeout."""
[PERSON] = numbers(1)
ANSWERS: dict[str, Any] = {"overrides": {PERSON: ["answer"]}}
LATE: dict[str, Any] = {"numbers": {PERSON: ["delay"]}, "delay_response_s": 1.5}
REFUSED: dict[str, Any] = {"numbers": {PERSON: ["throttle"]}}
SILENT: dict[str, Any] = {"silent_numbers": [PERSON]}


@dataclass(frozen=True)
class Row:
    """One call row in the end."""

    status: CallStatus
    fence: Fence
    outcome: str
    dialed: int
    """Calls that the network made for it."""
    attempt: bool


DIALED = Row(CallStatus.COMPLETED, Fence.PLACED, "completed", 1, True)
LOST = Row(CallStatus.FAILED, Fence.NOT_PLACED, "failed:unavailable", 0, False)
"""Nothing left, or nobody can tell until the provider says that it has no such call."""
REFUSED_BEFORE = Row(CallStatus.FAILED, Fence.NOT_PLACED, "failed:throttled", 0, False)
"""The refusal stands in the record: the repeated placement answers with it."""

SWEPT = Row(CallStatus.CANCELED, Fence.CLOSED, "canceled", 0, False)


@dataclass(frozen=True)
class Fall:
    """Where the worker dies, how the network behaves, what an operator does meanwhile."""

    step: Step
    faults: dict[str, Any]
    rows: tuple[Row, ...]
    """What becomes of the person's calls."""
    then: tuple[str, ...] = ()
    """Temporal's command line about the call's workflow, while no worker runs."""

    @property
    def name(self) -> str:
        silent = ", no webhooks" if "silent_numbers" in self.faults else ""
        return f"{self.step.value}{silent}{', then ' + self.then[0] if self.then else ''}"


TERMINATE = ("terminate",)
RESET = ("reset", "--type", "FirstWorkflowTask")

TABLE = {
    fall.name: fall
    for fall in (
        Fall(Step.CLAIM_DECIDED, {}, (DIALED,)),
        Fall(Step.CLAIM_COMMITTED, {}, (DIALED,)),
        Fall(Step.FENCE_FROZEN, {}, (LOST, DIALED)),
        Fall(Step.BEFORE_FENCE, {}, (SWEPT, DIALED), TERMINATE),
        Fall(Step.FENCE_COMMITTED, {}, (LOST, DIALED), TERMINATE),
        Fall(Step.REQUEST_SENT, LATE | SILENT, (DIALED,), TERMINATE),
        Fall(Step.RECORD_COMMITTED, {}, (DIALED,), TERMINATE),
        Fall(Step.END_COMMITTED, {}, (DIALED,), TERMINATE),
        Fall(Step.BEFORE_FENCE, {}, (DIALED,)),
        Fall(Step.FENCE_DECIDED, {}, (DIALED,)),
        Fall(Step.FENCE_COMMITTED, {}, (LOST, DIALED)),
        Fall(Step.REQUEST_SENT, LATE, (DIALED,)),
        Fall(Step.REQUEST_SENT, LATE | SILENT, (DIALED,)),
        Fall(Step.RESPONSE_ARRIVED, {}, (DIALED,)),
        Fall(Step.RESPONSE_ARRIVED, SILENT, (DIALED,)),
        Fall(Step.RECORD_DECIDED, {}, (DIALED,)),
        Fall(Step.RECORD_COMMITTED, {}, (DIALED,)),
        Fall(Step.REFUSAL_ARRIVED, REFUSED, (LOST, DIALED)),
        Fall(Step.REFUSAL_COMMITTED, REFUSED, (REFUSED_BEFORE, DIALED)),
        Fall(Step.BEFORE_END, {}, (DIALED,)),
        Fall(Step.END_DECIDED, {}, (DIALED,)),
        Fall(Step.END_COMMITTED, {}, (DIALED,)),
        Fall(Step.BEFORE_FENCE, {}, (DIALED,), RESET),
        Fall(Step.FENCE_COMMITTED, {}, (LOST, DIALED), RESET),
        Fall(Step.REQUEST_SENT, LATE | SILENT, (DIALED,), RESET),
        Fall(Step.RECORD_COMMITTED, {}, (DIALED,), RESET),
        Fall(Step.END_COMMITTED, {}, (DIALED,), RESET),
    )
}
End = tuple[Aftermath, tuple[Row, ...]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ends(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, asyncio.Future[End]]]:
    """How each step that was asked for ended; they run in lanes, each a stack of its own."""
    selected = {item.name for item in request.session.items}
    steps = [name for name in TABLE if f"{test_worker_falls_at.__name__}[{name}]" in selected]
    loop = asyncio.get_running_loop()
    futures: dict[str, asyncio.Future[End]] = {name: loop.create_future() for name in steps}
    left = list(steps)

    async def lane(number: int) -> None:
        plan = plan_stack(tmp_path_factory.mktemp(f"lane{number}"), people=ANSWERS)
        async with open_stack(plan, start_worker=False) as stack:
            while left:
                name = left.pop(0)
                try:
                    futures[name].set_result(await _fall(stack, TABLE[name]))
                except Exception as error:
                    futures[name].set_exception(error)

    def fail_all(ended: asyncio.Task[None]) -> None:
        """A lane whose stack would not start leaves nobody waiting."""
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            for future in futures.values():
                if not future.done():
                    future.set_exception(error)

    lanes = [asyncio.create_task(lane(n)) for n in range(min(LANES, len(steps)))]
    for task in lanes:
        task.add_done_callback(fail_all)
    yield futures
    for task in lanes:
        task.cancel()
    await asyncio.gather(*lanes, return_exceptions=True)


async def _fall(stack: Stack, fall: Fall) -> End:
    """One person's campaign, and a worker that falls; another one picks it up."""
    # People are told apart by how often they were called: the network begins anew.
    (await stack.network.post("/sim/reset")).raise_for_status()
    await stack.set_network(faults=fall.faults)
    name = f"step-{uuid.uuid4().hex[:8]}"
    mark = stack.folder / name
    fallen, other = stack.parts["worker"], Part(stack.parts["worker"].command)
    fallen.run_instead("tests.faults.killing_worker", fall.step.value, str(mark))
    other.run_instead("worker")
    try:
        await fallen.start()
        await stack.launch(campaign(name, [PERSON], max_concurrent=1))
        if fall.step is Step.FENCE_FROZEN:
            await _until_there(mark)
            await other.start()
            # It finds that the call never arrived, and dials anew; then the first wakes up.
            await stack.until_creates(1, timeout=180)
            fallen.thaw()
        else:
            assert await fallen.died() == -9
            if fall.then:
                await _send_to_temporal(stack, name, *fall.then)
            await other.start()
        await stack.until_over(name)
    finally:
        for part in (fallen, other):
            if part.running:
                await part.kill()
    assert mark.exists()
    return await _in_the_end(stack, name)


async def _send_to_temporal(stack: Stack, name: str, command: str, *arguments: str) -> None:
    [call] = (await stack.aftermath(name)).calls
    about = ("--workflow-id", call.workflow_id, "--reason", "somebody clicked")
    await stack.temporal("workflow", command, *about, *arguments)


async def _until_there(mark: Path) -> None:
    async def there() -> bool:
        return await asyncio.to_thread(mark.exists)

    await until(there, timeout=60)


async def _in_the_end(stack: Stack, name: str) -> End:
    aftermath = await stack.aftermath(name)
    rows = (
        Row(
            row.status,
            row.fence,
            row.outcome or "",
            aftermath.creates.get(row.id, 0),
            row.id in aftermath.attempted,
        )
        for row in sorted(aftermath.calls, key=lambda row: row.number)
    )
    return aftermath, tuple(rows)


@pytest.mark.faults
@pytest.mark.parametrize("name", TABLE)
async def test_worker_falls_at(ends: dict[str, asyncio.Future[End]], name: str) -> None:
    aftermath, became = await ends[name]
    assert became == TABLE[name].rows
    assert aftermath.finals() == {PERSON: ("completed", 1)}
    assert_nothing_broken(aftermath, recipients=1, max_concurrent=1)
