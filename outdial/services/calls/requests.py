"""Ask for one call, and await its outcome, perhaps days later."""

from __future__ import annotations

import uuid

from outdial.contracts.messages import RequestCallInput, RequestResult
from outdial.contracts.names import request_workflow_id
from outdial.dispatch.errors import WorkflowFailed
from outdial.dispatch.executions import await_request
from outdial.dispatch.starting import start_request
from outdial.domain.bounds import OutOfBounds
from outdial.domain.call.plan import CallRequest
from outdial.domain.instants import TOO_FAR, too_far
from outdial.domain.numbers.phone import BadPhone, mask_phone, parse_destination
from outdial.resources.resources import Resources
from outdial.services.calls.calls import require_carried
from outdial.services.errors import RequestRefused

LONGEST_KEY = 200
"""It is part of a workflow's id, of which some servers keep 255 characters."""


async def request_call(ctx: Resources, request: CallRequest, key: str | None = None) -> str:
    """Have one call made; the id of the workflow that stands for it.

    Two requests with one key are the same request. Raises RequestRefused, TemporalRefused,
    TemporalUnavailable, and UnknownLine when the line is not configured or can't be chosen.
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
    given = RequestCallInput(
        tenant=ctx.tenant, request=request.model_copy(update={"to": to, "line": line}), key=key
    )
    await start_request(ctx.temporal, given, key, masked=mask_phone(to))
    return request_workflow_id(ctx.tenant, key)


async def await_outcome(ctx: Resources, workflow_id: str) -> RequestResult:
    """The final outcome, when there is one.

    Raises RequestRefused, TemporalRefused, TemporalUnavailable.
    """
    try:
        return await await_request(ctx.temporal, workflow_id)
    except WorkflowFailed as error:
        raise RequestRefused(error.reason or "the request was ended from outside") from error
