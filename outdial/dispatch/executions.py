"""The state and the result of a workflow: open, closed by a person, closed otherwise, or absent.

Read from the raw response: the SDK's own enumeration has no value for a paused workflow, and
describing one raises ValueError there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import HistoryEventFilterType, WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
)
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from outdial.contracts.messages import RequestResult
from outdial.contracts.workflows import RequestCallWorkflow
from outdial.dispatch.answers import ANSWER_WITHIN, answered_within
from outdial.dispatch.errors import WorkflowFailed, failures_translated, is_not_found, reason_of

SERVER_IDENTITY = "history-service"
"""The identity that terminates a workflow which has reached a limit of the server."""


class ExecutionState(StrEnum):
    OPEN = "open"
    """Running, or paused by an operator: it is still the one that does the work."""
    COMPLETED = "completed"
    ENDED_BY_PERSON = "ended_by_person"
    """Terminated or cancelled."""
    FAILED = "failed"
    """Failed, timed out, or terminated by the server itself."""
    ABSENT = "absent"
    """Never started, past its retention, or lost with the server's data."""


@dataclass(frozen=True)
class Execution:
    """The newest run of a workflow id."""

    state: ExecutionState
    closed_at: datetime | None = None
    memo: dict[str, Any] | None = None
    """None when there is none, or it can't be decoded."""

    @property
    def open(self) -> bool:
        return self.state is ExecutionState.OPEN


_ABSENT = Execution(ExecutionState.ABSENT)
_STATES = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING: ExecutionState.OPEN,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_PAUSED: ExecutionState.OPEN,
    # Its successor is about to be the newest run.
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW: ExecutionState.OPEN,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED: ExecutionState.COMPLETED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED: ExecutionState.ENDED_BY_PERSON,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED: ExecutionState.ENDED_BY_PERSON,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED: ExecutionState.FAILED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: ExecutionState.FAILED,
}


async def describe_execution(
    temporal: Client,
    workflow_id: str,
    *,
    doing: str = "the state of a workflow is not known",
    limit: timedelta | None = None,
) -> Execution:
    """The newest run of a workflow id; within ANSWER_WITHIN, or another limit.

    Raises TemporalRefused and TemporalUnavailable, which say `doing`.
    A status that this version doesn't know counts as open: nothing is repaired on a guess.
    """
    async with answered_within(limit or ANSWER_WITHIN, doing):
        return await _describe(temporal, workflow_id)


async def await_closed(temporal: Client, workflow_id: str, limit: timedelta, *, doing: str) -> bool:
    """Wait until a workflow is over, however it ends, or is not found; False when it is still open
    after a time.

    Raises TemporalRefused and TemporalUnavailable, which say `doing`.
    """
    if not (await describe_execution(temporal, workflow_id, doing=doing)).open:
        return True
    with failures_translated(doing):
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await temporal.get_workflow_handle(workflow_id).result()
        except TimeoutError:
            return False
        except WorkflowFailureError:
            return True
        except RPCError as error:
            if not is_not_found(error):
                raise
    return True


async def await_request(temporal: Client, workflow_id: str) -> RequestResult:
    """The outcome of a requested call, when there is one. Raises WorkflowFailed,
    TemporalRefused, TemporalUnavailable."""
    doing = "the outcome is not known yet"
    # How long it is waited for has no limit, how long a connection is made has one.
    await describe_execution(temporal, workflow_id, doing=doing)
    handle = temporal.get_workflow_handle_for(RequestCallWorkflow.run, workflow_id)
    with failures_translated(doing):
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            raise WorkflowFailed(reason_of(error)) from error


async def _describe(temporal: Client, workflow_id: str) -> Execution:
    try:
        answer = await temporal.workflow_service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(
                namespace=temporal.namespace,
                execution=WorkflowExecution(workflow_id=workflow_id),
            ),
            retry=True,
        )
    except RPCError as error:
        if is_not_found(error):
            return _ABSENT
        raise
    info = answer.workflow_execution_info
    state = _STATES.get(info.status, ExecutionState.OPEN)
    terminated = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED
    if info.status == terminated and await _terminated_by_server(temporal, info.execution):
        state = ExecutionState.FAILED
    closed_at = info.close_time.ToDatetime(tzinfo=UTC) if info.HasField("close_time") else None
    return Execution(state, closed_at, await _memo(temporal, dict(info.memo.fields)))


async def _terminated_by_server(temporal: Client, execution: WorkflowExecution) -> bool:
    answer = await temporal.workflow_service.get_workflow_execution_history(
        GetWorkflowExecutionHistoryRequest(
            namespace=temporal.namespace,
            execution=execution,
            history_event_filter_type=(
                HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
            ),
        ),
        retry=True,
    )
    return any(
        event.workflow_execution_terminated_event_attributes.identity == SERVER_IDENTITY
        for event in answer.history.events
    )


async def _memo(temporal: Client, fields: dict[str, Payload]) -> dict[str, Any] | None:
    if not fields:
        return None
    converter = temporal.data_converter
    try:
        return {key: (await converter.decode([field]))[0] for key, field in fields.items()}
    except (RuntimeError, ValueError):
        return None  # written by a codec that this process does not have
