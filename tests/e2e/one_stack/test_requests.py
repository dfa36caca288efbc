"""A call that another service asks for, through a Temporal client that knows none of our code."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import ActivityError, ApplicationError

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.record import DIRECT_CAMPAIGN
from tests.builders import phone
from tests.e2e.histories import histories, texts
from tests.e2e.stacks import Stack
from tests.waiting import until

DIRECT = campaign_workflow_id("default", DIRECT_CAMPAIGN)
ALWAYS = {"hours": "00:00-24:00"}
Handle = WorkflowHandle[Any, Any]


async def ask(stack: Stack, to: str, **request: Any) -> Handle:
    """As a service in any language would: names, a queue, and JSON."""
    plain = await Client.connect(stack.embedded.state.endpoints.temporal)
    body = {"to": to, "agent": {"id": "reception"}, "schedule": ALWAYS, **request}
    return await plain.start_workflow(
        "RequestCallWorkflow",
        {"tenant": "default", "request": body},
        id=f"booking-{uuid.uuid4().hex}",
        task_queue="outdial",
    )


async def outcome(handle: Handle) -> dict[str, Any]:
    """The result as JSON says it; raises TimeoutError rather than wait for days."""
    async with asyncio.timeout(60):
        return dict(await handle.result())


async def test_the_result_is_the_final_outcome(stack: Stack) -> None:
    handle = await ask(stack, phone(2000), variables={"name": "Ada"}, time_zone="Europe/Berlin")
    result = await outcome(handle)
    assert (result["outcome"], result["status"], result["attempts"]) == (
        "completed",
        "completed",
        1,
    )
    assert result["duration_seconds"] == pytest.approx(0.45, abs=0.2)
    (call,) = [call for call in await stack.network.calls() if call["to"] == phone(2000)]
    assert result["call_id"] == call["call_id"]
    assert call["agent"] == "reception"


async def test_busy_first_then_answered(stack: Stack) -> None:
    number = phone(2001)
    await stack.network.configure({"people": {"overrides": {number: ["busy", "answer"]}}})
    handle = await ask(stack, number, retry={"busy": {"delays": "1s"}})
    result = await outcome(handle)
    assert (result["outcome"], result["attempts"]) == ("completed", 2)
    calls = [call for call in await stack.network.calls() if call["to"] == number]
    assert [call["result"] for call in calls] == ["busy", "completed"]


async def test_cancelled_it_is_withdrawn_and_nobody_is_called(stack: Stack) -> None:
    day = f"{datetime.now(UTC) + timedelta(days=200):%Y-%m-%d}"
    handle = await ask(stack, phone(2002), not_before=f"{day}T00:00:00Z")
    await until(lambda: _waits(handle, day))
    await handle.cancel()
    result = await outcome(handle)
    assert (result["outcome"], result["attempts"], result["call_id"]) == ("canceled", 0, None)
    assert phone(2002) not in {call["to"] for call in await stack.network.calls()}


async def test_cancelled_during_the_call_it_is_hung_up(stack: Stack) -> None:
    number = phone(2003)
    await stack.network.configure({"people": {"talk_seconds": [600, 600]}})
    try:
        handle = await ask(stack, number)
        await until(lambda: _talks(stack, number))
        await handle.cancel()
        result = await outcome(handle)
    finally:
        await stack.network.configure({"people": {"talk_seconds": [0.3, 0.6]}})
    assert result["attempts"] == 1
    (call,) = [call for call in await stack.network.calls() if call["to"] == number]
    assert (call["status"], call["reason"]) == ("completed", "ended_by_api")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"to": "+1202"}, "found '+1202', which is not a number of any numbering plan"),
        ({"line": "moon"}, "line 'moon' is not configured; known are simulated"),
        ({"time_zone": "Mars/Olympus"}, "'Mars/Olympus'"),
        ({"state": "Flrida"}, "found state 'Flrida', which is in no table"),
        (
            {"accept_risk": [{"rule": "no-rules.XX", "reason": "counsel looked at it"}]},
            "accept_risk: found 'no-rules.XX', which is no rule",
        ),
    ],
)
async def test_what_cannot_be_called_fails_with_its_reason(
    stack: Stack, changes: dict[str, Any], message: str
) -> None:
    handle = await ask(stack, **{"to": phone(2004), **changes})
    with pytest.raises(WorkflowFailureError) as failed:
        await outcome(handle)
    assert isinstance(failed.value.cause, ActivityError)
    cause = failed.value.cause.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, message in cause.message) == ("RequestRefused", True), cause.message


async def test_a_direct_campaign_that_was_ended_runs_again_with_the_next_request(
    stack: Stack,
) -> None:
    await outcome(await ask(stack, phone(2005)))
    direct = stack.client.get_workflow_handle(DIRECT)
    await direct.terminate("an operator's mistake")
    result = await outcome(await ask(stack, phone(2006)))
    assert result["outcome"] == "completed"
    described = await direct.describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert await described.static_summary() == "single calls requested by other services"


async def test_only_the_request_itself_knows_the_number(stack: Stack) -> None:
    """It is the caller's own input; the calls and the direct campaign never see it."""
    number = phone(2007)
    result = await outcome(await ask(stack, number))
    call = await stack.calls(DIRECT_CAMPAIGN)
    (mine,) = [each for each in call if each.id == result["call_id"]]
    for history in (await histories(stack.client, [DIRECT, mine.workflow_id])).values():
        assert not [text for text in texts(history) if number.removeprefix("+") in text]


async def _waits(handle: Handle, until_when: str) -> bool:
    described = await handle.describe()
    state = await handle.query("state") if described.history_length > 4 else {}
    return until_when in (state.get("waiting_for") or "")


async def _talks(stack: Stack, number: str) -> bool:
    return any(
        call["to"] == number and call["status"] == "in_progress"
        for call in await stack.network.calls()
    )
