"""/v1/log: what operators did."""

from typing import Annotated

from fastapi import APIRouter, Query

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of, read_cursor
from outdial.domain.access import READ_LOG
from outdial.domain.operator import LogEntry
from outdial.services.accounts.access import Caller
from outdial.services.compliance.operator_log import list_log

router = APIRouter(prefix="/log", tags=["log"], route_class=AdmittedRoute)


@router.get("")
async def list_log_entries(
    subject: Annotated[
        str | None,
        Query(
            max_length=200,
            examples=["campaign/spring-checkups"],
            description="Only what was done to this: `campaign/NAME`, `call/ID`, `agent/ID`, "
            "`phone_number/ID`, `key/ID`, `endpoint/ID`, `delivery/ID`, `place/US-LA`, `rules` or "
            "`suppressions`.",
        ),
    ] = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    caller: Caller = needs(READ_LOG),
) -> Page[LogEntry]:
    """What operators did, newest first: who, when, through which door, and why. Entries are never
    changed; `outdial log --verify` checks that none was changed or removed."""
    before = read_cursor(cursor, int)
    rows = await list_log(
        caller.ctx, limit=limit + 1, before=before[0] if before else None, subject=subject
    )
    return page_of(rows, limit, lambda entry: entry, lambda entry: [entry.sequence])
