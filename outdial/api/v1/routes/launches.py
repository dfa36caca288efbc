"""/v1/launches: large launches and additions, which go on after their request was answered."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.state import state_of
from outdial.api.v1.answers import response, shown
from outdial.api.v1.auth import needs
from outdial.api.v1.problems import FieldProblem
from outdial.api.v1.refusals import refusals
from outdial.domain.record import StagingKind, StagingRecord, StagingState
from outdial.services.accounts.access import Caller
from outdial.services.accounts.once import Answer, Begun, once_begun
from outdial.services.campaigns.staging import Progress, Staging, cancel_staging, follow_staging
from outdial.services.errors import NotFound
from outdial.store.access.idempotency import IdempotentRequest
from outdial.store.roster.staging import CANCELED_CODE, INTERRUPTED_CODE

router = APIRouter(prefix="/launches", tags=["campaigns"], route_class=AdmittedRoute)
PATH = "/v1/launches"
LaunchId = Annotated[str, Path(max_length=100)]


class LaunchState(StrEnum):
    STAGING = "staging"
    """Rows are being read, checked and stored. No recipient is called yet."""
    MOVING = "moving"
    """An addition that was accepted: its recipients join the campaign."""
    DONE = "done"
    """Every recipient is on the campaign's roster."""
    REFUSED = "refused"
    """`problems` or `error` say why; nothing of it is left."""
    FAILED = "failed"
    """The process that worked on it has ended. Nothing was launched: send it again."""


class RowProblem(FieldProblem):
    file: str
    """The uploaded file, or the definition."""


class Launch(BaseModel):
    """A large launch, or a large addition to one."""

    id: str
    kind: StagingKind
    campaign: str
    launch: int
    """The launch of the campaign that its recipients are for; counted from 1."""
    state: LaunchState
    rows: int
    """Rows that were read so far."""
    recipients: int
    """Recipients that were stored so far."""
    rows_per_second: float
    problem_count: int
    problems: list[RowProblem]
    """What is wrong with rows so far; the first thousand problems."""
    error: str | None
    """Why it was refused, where that is no problem of a row."""
    code: str | None
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, staging: Staging) -> "Launch":
        record = staging.record
        return cls(
            id=record.public_id,
            state=_state(record),
            rows=record.rows_read,
            rows_per_second=round(record.rows_per_second, 1),
            problems=[
                RowProblem(
                    file=one.file.rpartition("/")[2],
                    field=one.field,
                    message=one.message,
                    line=one.line,
                    column=one.column,
                )
                for one in staging.problems
            ],
            code=record.error_code,
            finished_at=record.ended_at,
            **record.model_dump(include=_SAME),
        )


_SAME = {
    "kind",
    "campaign",
    "launch",
    "recipients",
    "problem_count",
    "error",
    "started_at",
    "updated_at",
}


ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": Launch,
        "description": "It goes on in the background",
        "headers": {
            "Location": {
                "description": "The launch, which says how far it is",
                "schema": {"type": "string"},
            }
        },
    }
}
"""The answer of a route that may begin a large launch, for the OpenAPI document."""


def _state(record: StagingRecord) -> LaunchState:
    if record.error_code == INTERRUPTED_CODE:
        return LaunchState.FAILED
    return LaunchState(record.state.value)


@router.get("/{launch_id}", responses=refusals("not_found"))
async def get_launch(launch_id: LaunchId, caller: Caller = needs("campaigns:read")) -> Launch:
    """How far it is, or how it ended; for a day after its end."""
    return Launch.of(await follow_staging(caller.ctx, launch_id))


@router.delete(
    "/{launch_id}",
    status_code=202,
    responses=refusals("not_found", "change_refused"),
    openapi_extra={"x-repeatable": False},
)
async def cancel_launch(launch_id: LaunchId, caller: Caller = needs("campaigns:write")) -> Launch:
    """Cancel a launch that is staging: what is stored of it is removed. A canceled one is refused
    with `change_refused`; if the answer is lost, read the launch."""
    staging = await cancel_staging(caller.ctx, launch_id)
    return Launch.of(staging)


def _accepted(staging: Staging) -> Answer:
    return shown(Launch.of(staging), 202)


async def accept(
    request: Request,
    caller: Caller,
    stored: IdempotentRequest | None,
    work: Callable[[str | None, Progress], Awaitable[Answer]],
    close: Callable[[], None],
) -> Response:
    """Begin a large launch or addition, unless it was before, and answer where to follow it.

    What is decided before a row is read is answered at once: a mistake in the definition, or a
    campaign that runs already. `close` is called once, when all is over: here if nothing began,
    and by the launch itself if it did, even if its answer can't be stored any more.
    """
    begun = False

    async def carry_out(public_id: str | None) -> Answer:
        nonlocal begun
        begun = True
        result = await state_of(request).launches.begin(partial(work, public_id), close)
        if isinstance(result, StagingRecord):
            return _accepted(Staging.of(result))
        return result

    try:
        return await carried_out_once(caller, stored, carry_out)
    finally:
        if not begun:
            close()


async def carried_out_once(
    caller: Caller,
    stored: IdempotentRequest | None,
    carry_out: Callable[[str | None], Awaitable[Answer]],
) -> Response:
    """Carry out what may begin a launch or an addition, unless it was before; `carry_out` gets the
    id for that. One that was begun and never answered, or whose workflow could not be started, is
    answered by where to follow it. One that was refused is carried out anew, unless somebody
    canceled it."""

    async def find(public_id: str) -> Begun:
        try:
            begun = await follow_staging(caller.ctx, public_id)
        except NotFound:
            return Begun()
        record = begun.record
        if record.state is StagingState.REFUSED and record.error_code != CANCELED_CODE:
            return Begun(over=True)
        return Begun(_accepted(begun), over=record.state is not StagingState.STAGING)

    answer = await once_begun(caller.ctx, stored, carry_out, find)
    answered = response(answer)
    staged = json.loads(answer.body).get("id") if answer.status == 202 else None
    if staged is not None:
        answered.headers["location"] = f"{PATH}/{staged}"
    return answered
