"""Terminate, cancel and reset from Temporal's command line, in the middle of a campaign.

What each means is in docs/decisions/0005. The campaigns run side by side on one stack.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.services.operations import reading
from tests.faults.harness import Stack, campaign, numbers, open_stack, plan_stack
from tests.faults.invariants import Aftermath, assert_nothing_broken
from tests.waiting import until

pytestmark = pytest.mark.faults
log = logging.getLogger(__name__)

ALREADY_OVER = "workflow execution already completed"
BUSY = "Workflow is busy"
"""The server has a task of it in hand: whoever meant it clicks again."""
RECIPIENTS = 8
MAX_CONCURRENT = 3
PEOPLE = {
    # Long enough that a call is still going on when the command line has started, on a machine
    # that has other things to do.
    "time_scale": 2.0,
    "talk_seconds": [50.0, 59.0],
    "weights": {"answer": 0.7, "no_answer": 0.15, "voicemail": 0.15},
    "voicemail_seconds": [40.0, 50.0],
}


@dataclass(frozen=True)
class Meddling:
    """What an operator does, to the campaign or to one of its calls, and what it leads to."""

    arguments: tuple[str, ...]
    to_a_call: bool
    state: CampaignState = CampaignState.FINISHED


CASES = {
    "call-terminate": Meddling(("terminate",), True),
    "call-cancel": Meddling(("cancel",), True),
    "call-reset-first": Meddling(("reset", "--type", "FirstWorkflowTask"), True),
    "call-reset-last": Meddling(("reset", "--type", "LastWorkflowTask"), True),
    "campaign-terminate": Meddling(("terminate",), False, CampaignState.STOPPED),
    "campaign-cancel": Meddling(("cancel",), False, CampaignState.STOPPED),
    "campaign-reset-first": Meddling(("reset", "--type", "FirstWorkflowTask"), False),
    "campaign-reset-last": Meddling(("reset", "--type", "LastWorkflowTask"), False),
}


@dataclass(frozen=True)
class End:
    aftermath: Aftermath
    meddled_with: str | None
    """Id of the call, when it was one."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ends(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[dict[str, asyncio.Task[End]]]:
    plan = plan_stack(tmp_path_factory.mktemp("operators"), people=PEOPLE)
    async with open_stack(plan) as stack:
        running = {
            name: asyncio.create_task(_meddle(stack, name, nth)) for nth, name in enumerate(CASES)
        }
        yield running
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)


async def _meddle(stack: Stack, name: str, nth: int) -> End:
    people = numbers(RECIPIENTS, start=nth * RECIPIENTS)
    await stack.launch(campaign(name, people, max_concurrent=MAX_CONCURRENT))
    case = CASES[name]
    call_id, workflow_id = await _talking(stack, name)
    if case.to_a_call:
        while ALREADY_OVER in await _click(stack, case, workflow_id):
            call_id, workflow_id = await _talking(stack, name)
    else:
        call_id = None
        await _click(stack, case, campaign_workflow_id("default", name))
    await stack.until_over(name, timeout=240)
    aftermath = await stack.aftermath(name)
    log.info("%s", aftermath.summary())
    return End(aftermath, call_id)


async def _click(stack: Stack, case: Meddling, workflow_id: str) -> str:
    command, *rest = case.arguments
    reason = () if command == "cancel" else ("--reason", "somebody clicked")
    while True:
        try:
            return await stack.temporal(
                "workflow", command, "--workflow-id", workflow_id, *reason, *rest
            )
        except AssertionError as refused:
            if case.to_a_call and ALREADY_OVER in str(refused):
                return str(refused)  # the person hung up while the command line started
            if BUSY not in str(refused):
                raise


async def _talking(stack: Stack, name: str) -> tuple[str | None, str]:
    """A call of the campaign in which people talk, once somebody has been called before."""
    talking: list[tuple[str, str]] = []

    async def somebody_talks() -> bool:
        stack.check_parts()
        calls = await reading.list_calls(stack.ctx, name)
        ended = [call for call in calls if call.status.terminal]
        talking[:] = [
            (call.id, call.workflow_id) for call in calls if call.status is CallStatus.IN_PROGRESS
        ]
        return bool(ended and talking)

    await until(somebody_talks, timeout=120, interval=0.1)
    # The newest one: it goes on for longest.
    return talking[-1]


@pytest.mark.parametrize("name", CASES)
async def test_nobody_is_called_twice_and_no_slot_leaks(
    ends: dict[str, asyncio.Task[End]], name: str
) -> None:
    end = await ends[name]
    aftermath = end.aftermath
    if end.meddled_with is not None:
        assert aftermath.creates[end.meddled_with] == 1
    assert_nothing_broken(
        aftermath,
        recipients=RECIPIENTS,
        max_concurrent=MAX_CONCURRENT,
        state=CASES[name].state,
    )


@pytest.mark.parametrize("name", ["campaign-terminate", "campaign-cancel"])
async def test_who_was_not_called_is_told_so(ends: dict[str, asyncio.Task[End]], name: str) -> None:
    aftermath = (await ends[name]).aftermath
    called = {call.recipient_id for call in aftermath.calls}
    left_out = [row for row in aftermath.recipients if row.id not in called]
    assert left_out
    assert {(row.outcome, row.reason) for row in left_out} == {("canceled", "campaign stopped")}


async def test_a_cancelled_call_is_hung_up(ends: dict[str, asyncio.Task[End]]) -> None:
    end = await ends["call-cancel"]
    [made] = [call for call in end.aftermath.made if call["call_id"] == end.meddled_with]
    assert made["reason"] == "ended_by_api"
