"""/v1/suppressions."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.answers import IdempotencyKey, answered_once
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of, read_cursor
from outdial.api.v1.refusals import OF_KEY, refusals
from outdial.services.accounts.access import Caller
from outdial.services.compliance import suppressing
from outdial.services.compliance.numbers import parse_number
from outdial.services.errors import NotFound

router = APIRouter(prefix="/suppressions", tags=["suppressions"], route_class=AdmittedRoute)
Number = Annotated[str, Path(max_length=50, examples=["+12125550143"])]


class NewSuppressions(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"numbers": ["+12125550143"], "reason": "asked by letter"}]
        },
    )

    numbers: list[Annotated[str, Field(max_length=50)]] = Field(min_length=1, max_length=10_000)
    reason: str = Field(min_length=1, max_length=500)


class UnreadableNumber(BaseModel):
    index: int
    """Its index in `numbers`."""
    why: str


class SuppressionResult(BaseModel):
    added: int
    already_listed: int
    """Already on the list."""
    hung_up: int
    """Queued and ringing calls that are being ended."""
    unread: list[UnreadableNumber] = []
    """Entries that are no number, and were not added."""


class Suppression(BaseModel):
    phone: str
    reason: str
    source: str
    since: datetime


class SuppressionChange(BaseModel):
    change: str
    """`listed` or `lifted`."""
    reason: str
    source: str
    at: datetime


class SuppressionHistory(BaseModel):
    phone: str
    history: list[SuppressionChange]
    """Oldest first."""


@router.post("", response_model=SuppressionResult, responses=refusals(*OF_KEY))
async def suppress_numbers(
    body: NewSuppressions,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("suppressions:write"),
) -> Response:
    """Suppress numbers: they are never called again, and their queued and ringing calls are
    ended. Entries that can't be read are reported; the others are added all the same."""

    async def carry_out() -> SuppressionResult:
        numbers, unread = suppressing.read_numbers(body.numbers)
        source = f"key {caller.key.id}"
        done = await suppressing.suppress(caller.ctx, numbers, body.reason, source=source)
        return SuppressionResult(
            added=done.added,
            already_listed=done.already_listed,
            hung_up=done.hung_up,
            unread=[UnreadableNumber(index=one.index, why=one.why) for one in unread],
        )

    return await answered_once(request, caller, idempotency_key, carry_out, 200)


@router.get("")
async def list_suppressions(
    limit: Limit = PAGE, cursor: Cursor = None, caller: Caller = needs("suppressions:read")
) -> Page[Suppression]:
    """The suppressed numbers, ordered by number."""
    after = read_cursor(cursor, str)
    rows = await suppressing.list_suppressed(
        caller.ctx, limit=limit + 1, after=after[0] if after else None
    )
    return page_of(
        rows,
        limit,
        lambda one: Suppression(
            phone=one.phone, reason=one.reason, source=one.source, since=one.since
        ),
        lambda one: [one.phone],
    )


@router.get("/{number}", responses=refusals("not_found"))
async def get_suppression(
    number: Number, caller: Caller = needs("suppressions:read")
) -> SuppressionHistory:
    """The history of a number: when it was suppressed and lifted."""
    phone = parse_number(number)
    changes = await suppressing.history(caller.ctx, phone)
    if not changes:
        raise NotFound("suppression of", phone)
    history = [
        SuppressionChange(change=c.change, reason=c.reason, source=c.source, at=c.at)
        for c in changes
    ]
    return SuppressionHistory(phone=phone, history=history)


@router.delete(
    "/{number}",
    status_code=204,
    responses=refusals("not_found"),
    openapi_extra={"x-repeatable": False},
)
async def lift_suppression(
    number: Number,
    reason: Annotated[str, Query(min_length=1, max_length=500)],
    caller: Caller = needs("suppressions:write"),
) -> None:
    """Lift a suppression. The number's history is kept. If the answer is lost, read the history
    before you repeat it: a second request lifts a suppression that came meanwhile too."""
    phone = parse_number(number)
    source = f"key {caller.key.id}"
    if not await suppressing.lift(caller.ctx, phone, reason, source=source):
        raise NotFound("suppression of", phone)
