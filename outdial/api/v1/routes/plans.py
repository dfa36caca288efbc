"""/v1/campaigns/plan."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from outdial.api.admission import AdmittedRoute
from outdial.api.planning import RUNS, plan_definition
from outdial.api.state import state_of
from outdial.api.v1.auth import needs
from outdial.api.v1.refusals import OF_DEFINITION, refusals
from outdial.api.v1.routes.campaigns import LISTED_DEFINITION, body_text
from outdial.domain.definition.fields import Timestamp
from outdial.intake.apart import parse_apart
from outdial.intake.definition import read_definition_text
from outdial.services.accounts.access import Caller
from outdial.services.campaigns.plan_document import PlanDocument

router = APIRouter(prefix="/campaigns", tags=["plans"], route_class=AdmittedRoute)
MOST_RUNS = 20


@router.post(
    "/plan",
    responses=refusals(*OF_DEFINITION, "plan_too_large", "rehearsal_failed", "row_process_failed"),
    openapi_extra=LISTED_DEFINITION,
)
async def plan_campaign(
    request: Request,
    runs: Annotated[
        int, Query(ge=0, le=MOST_RUNS, description="How many rehearsals; 0: none.")
    ] = RUNS,
    seed: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="Of the first run; the others have the next.")
    ] = 1,
    start: Annotated[
        Timestamp | None, Query(description="When it is launched. Default: now.")
    ] = None,
    caller: Caller = needs("campaigns:write"),
) -> PlanDocument:
    """What a campaign definition, as JSON or YAML, would do: who is called, who later, who never
    and why, when telephones may ring, and what it takes. Nothing is stored, and no call is placed.
    It lists its recipients; rows with problems are left out and shown. More than 100,000 rows and
    recipients of a campaign that goes on are refused with `plan_too_large`; `outdial plan` takes
    any number."""
    text = await body_text(request)
    loaded = await parse_apart(len(text), read_definition_text, text, name="body")
    return await plan_definition(
        state_of(request), caller, loaded, start=start, seeds=range(seed, seed + runs)
    )
