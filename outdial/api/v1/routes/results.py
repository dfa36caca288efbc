"""/v1/campaigns/{name}/recipients and /results."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.bodies import LARGE, accepting
from outdial.api.v1.answers import IdempotencyKey, idempotent_request, shown
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of, read_cursor
from outdial.api.v1.refusals import BY_UPLOAD, refusals
from outdial.api.v1.routes.campaigns import Name
from outdial.api.v1.routes.launches import Launch, carried_out_once
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.domain.definition.source import InlineRecipient
from outdial.domain.record import RecipientState
from outdial.domain.spreadsheets import escape_cell
from outdial.services.accounts.access import Caller
from outdial.services.accounts.once import Answer
from outdial.services.campaigns import adding
from outdial.services.campaigns.adding import Result
from outdial.services.operations import reading

router = APIRouter(prefix="/campaigns", tags=["campaigns"], route_class=AdmittedRoute)
_CSV = "text/csv; charset=utf-8"


class NewRecipients(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"recipients": [{"phone": "+12125550143", "first_name": "Ana"}]}]
        },
    )

    recipients: list[InlineRecipient] = Field(min_length=1, max_length=10_000)


class AddedRecipients(BaseModel):
    added: int
    state: CampaignState


class RecipientResult(BaseModel):
    recipient: int
    phone: str
    state: RecipientState
    outcome: str | None
    reason: str | None
    attempts: int
    not_before: datetime | None
    last_call: str | None
    status: CallStatus | None
    answered_by: AnsweredBy | None
    disposition: str | None
    duration_seconds: float | None
    ended_at: datetime | None
    cost: float | None
    variables: dict[str, str]
    structured: dict[str, Any]

    @classmethod
    def of(cls, result: Result) -> "RecipientResult":
        recipient, last = result.recipient, result.last
        of_recipient = {
            "phone",
            "state",
            "outcome",
            "reason",
            "attempts",
            "not_before",
            "variables",
        }
        of_call = {"status", "answered_by", "disposition", "duration_seconds", "ended_at", "cost"}
        called: dict[str, Any] = dict.fromkeys(of_call)
        if last is not None:
            called = last.model_dump(include=of_call)
        return cls(
            recipient=recipient.id,
            last_call=last.id if last else None,
            structured=last.structured if last else {},
            **recipient.model_dump(include=of_recipient),
            **called,
        )


_FILE: dict[str, Any] = {
    "requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}},
}


@router.post(
    "/{name}/recipients",
    status_code=202,
    response_model=AddedRecipients | Launch,
    responses=refusals(
        *BY_UPLOAD,
        "not_found",
        "conflict",
        "change_refused",
        "campaign_over",
        "launch_closing",
        "launch_interrupted",
        "no_worker",
        "invalid_definition",
    ),
    openapi_extra=_FILE,
)
@accepting(LARGE)
async def add_recipients(
    name: Name,
    body: NewRecipients,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("campaigns:write"),
) -> Response:
    """Add recipients to a campaign that has not ended. Keys that a recipient does not have are
    variables. A contact file, as text/csv, is added while `GET /v1/launches/{id}` shows how far it
    is; its columns are those that the campaign's definition names."""

    async def carry_out(public_id: str | None) -> Answer:
        count, changed = await adding.add_recipients(
            caller.ctx, name, body.recipients, scopes=caller.key.scopes, public_id=public_id
        )
        return shown(AddedRecipients(added=count, state=changed.state), 202)

    stored = await idempotent_request(request, caller, idempotency_key)
    return await carried_out_once(caller, stored, carry_out)


@router.get("/{name}/results", responses=refusals("not_found"))
async def list_results(
    name: Name,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    caller: Caller = needs("campaigns:read"),
) -> Page[RecipientResult]:
    """The results of all recipients of the current launch."""
    after = read_cursor(cursor, int)
    rows = await adding.list_results(
        caller.ctx, name, limit=limit + 1, after=after[0] if after else None
    )
    return page_of(rows, limit, RecipientResult.of, lambda one: [one.recipient.position])


@router.get(
    "/{name}/results.csv",
    response_class=Response,
    responses=refusals("not_found")
    | {200: {"description": "CSV", "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_results(name: Name, caller: Caller = needs("campaigns:read")) -> Response:
    """The same as one CSV file, streamed. Variables are columns named `var_…`, `state` is
    `recipient_state`. It can be read as a contact file: what a spreadsheet would take for a formula
    stands behind an apostrophe, which is taken away again."""
    await reading.require_campaign(caller.ctx, name)
    first = await adding.list_results(caller.ctx, name, limit=adding.PAGE)
    variables = sorted({key for one in first for key in one.recipient.variables})
    disposition = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(_rows(caller, name, variables), media_type=_CSV, headers=disposition)


async def _rows(caller: Caller, name: str, variables: list[str]) -> AsyncIterator[str]:
    columns = [field for field in RecipientResult.model_fields if field not in _NESTED]
    named = [_NAMES.get(column, column) for column in columns]
    yield _line([*named, *(f"var_{key}" for key in variables)])
    async for result in adding.stream_results(caller.ctx, name):
        values = RecipientResult.of(result).model_dump(mode="json")
        own = values["variables"]
        yield _line([values[c] for c in columns] + [own.get(key) for key in variables])


_NAMES = {"state": "recipient_state"}
"""Columns that a contact file would take for something else: `state` is where somebody lives."""
_NESTED = ("variables", "structured")


def _line(values: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(
        ["" if value is None else escape_cell(str(value)) for value in values]
    )
    return buffer.getvalue()
