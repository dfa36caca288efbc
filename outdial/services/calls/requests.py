"""Ask for one call, and await its outcome, perhaps days later."""

from __future__ import annotations

import uuid

from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from outdial.contracts.messages import RequestCallInput, RequestResult
from outdial.contracts.names import TASK_QUEUE, request_workflow_id
from outdial.contracts.search_attributes import CAMPAIGN, LINE
from outdial.contracts.workflows import RequestCallWorkflow
from outdial.dispatch.errors import outages_translated
from outdial.domain.bounds import OutOfBounds
from outdial.domain.call.plan import CallRequest
from outdial.domain.instants import TOO_FAR, too_far
from outdial.domain.numbers.phone import BadPhone, mask_phone, parse_destination
from outdial.domain.record import DIRECT_CAMPAIGN
from outdial.resources.resources import Resources
from outdial.services.calls.calls import require_carried
from outdial.services.errors import RequestRefused

LONGEST_KEY = 200
"""It is part of a workflow's id, of which some servers keep 255 characters."""
Handle = WorkflowHandle[RequestCallWorkflow, RequestResult]


async def request_call(ctx: Resources, request: CallRequest, key: str | None = None) -> str:
    """Have one call made; the id of the workflow that stands for it.

    Two requests with one key are the same request. Raises RequestRefused, TemporalUnavailable,
    and UnknownLine when the line is not configured or can't be chosen.
    """
    lines = ctx.lines.of_tenant(ctx.tenant)
    line = lines.choose(request.line)
    require_carried(lines[line], request, variables=False)
    try:
        to = parse_destination(request.to)
    except BadPhone as error:
        raise RequestRefused(f"to: {error}") from error
    try:
        request.require_bounded()
    except OutOfBounds as error:
        raise RequestRefused(str(error)) from None
    if too_far(request.not_before, ctx.clock()):
        raise RequestRefused(f"not_before: {TOO_FAR}")
    key = key or uuid.uuid4().hex
    if len(key) > LONGEST_KEY:
        raise RequestRefused(f"key: found {len(key)} characters; write at most {LONGEST_KEY}")
    workflow_id = request_workflow_id(ctx.tenant, key)
    try:
        with outages_translated("the call was not asked for"):
            await ctx.temporal.start_workflow(
                RequestCallWorkflow.run,
                RequestCallInput(
                    tenant=ctx.tenant,
                    request=request.model_copy(update={"to": to, "line": line}),
                    key=key,
                ),
                id=workflow_id,
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"call {mask_phone(to)} on line {line}",
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(CAMPAIGN, DIRECT_CAMPAIGN),
                        SearchAttributePair(LINE, line),
                    ]
                ),
            )
    except WorkflowAlreadyStartedError:
        return workflow_id  # asked for before, and over: its outcome can be read
    return workflow_id


async def await_outcome(ctx: Resources, workflow_id: str) -> RequestResult:
    """The final outcome, when there is one. Raises RequestRefused, TemporalUnavailable."""
    handle: Handle = ctx.temporal.get_workflow_handle_for(RequestCallWorkflow.run, workflow_id)
    try:
        with outages_translated("the outcome is not known yet"):
            return await handle.result()
    except WorkflowFailureError as error:
        cause: BaseException | None = error.cause
        while cause is not None and not isinstance(cause, ApplicationError):
            cause = getattr(cause, "cause", None)
        if cause is None:
            raise RequestRefused("the request was ended from outside") from error
        raise RequestRefused(cause.message) from error
