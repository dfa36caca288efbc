"""/v1/campaigns/{name}/recipients and /results."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.bodies import LARGE, accepting
from outdial.api.v1.answers import IdempotencyKey, idempotent_request, shown
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of, read_cursor
from outdial.api.v1.refusals import BY_UPLOAD, OF_KEY, refusals
from outdial.api.v1.routes.campaigns import Name
from outdial.api.v1.routes.launches import Launch, carried_out_once
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.domain.definition.source import InlineRecipient
from outdial.domain.record import RecipientState
from outdial.services.accounts.access import Caller
from outdial.services.accounts.once import Answer
from outdial.services.campaigns import adding, removing, results
from outdial.services.campaigns.results import Result
from outdial.services.compliance.numbers import parse_number
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
        return cls(
            **result.values,
            variables=result.recipient.variables,
            structured=result.last.structured if result.last else {},
        )


class RemovedRecipients(BaseModel):
    removed: int
    """How many recipients were removed; those who are done stay as they are."""
    hung_up: int
    """How many of them were being called; those calls are being ended."""


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
        *OF_KEY,
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


@router.delete("/{name}/recipients/{phone}", responses=refusals("not_found", "change_refused"))
async def remove_recipient(
    name: Name,
    phone: Annotated[str, Path(max_length=50, examples=["+12125550143"])],
    caller: Caller = needs("campaigns:write"),
) -> RemovedRecipients:
    """Remove a person from the current launch: they are not called any more, by any of their
    numbers, and a call to them is ended. Suppress the number if no campaign may call it."""
    removal = await removing.remove_recipient(caller.ctx, name, parse_number(phone))
    return RemovedRecipients(removed=removal.removed, hung_up=removal.hung_up)


@router.get("/{name}/results", responses=refusals("not_found"))
async def list_results(
    name: Name,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    caller: Caller = needs("campaigns:read"),
) -> Page[RecipientResult]:
    """The results of all recipients of the current launch."""
    after = read_cursor(cursor, int)
    rows = await results.list_results(
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
    `recipient_state`; of more than 1,000 variables the others are in one column,
    `other_variables`, as JSON. It can be read as a contact file: what a spreadsheet would take for
    a formula stands behind an apostrophe, which is taken away again."""
    await reading.require_campaign(caller.ctx, name)
    disposition = {"content-disposition": f'attachment; filename="{name}.csv"'}
    lines = results.results_csv(caller.ctx, name)
    return StreamingResponse(lines, media_type=_CSV, headers=disposition)
