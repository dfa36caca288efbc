"""/v1/campaigns/{name}/report."""

from typing import Annotated

from fastapi import APIRouter, Query

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.auth import needs
from outdial.api.v1.refusals import refusals
from outdial.api.v1.routes.campaigns import Name
from outdial.domain.report.report import CampaignReport
from outdial.services.accounts.access import Caller
from outdial.services.campaigns.reporting import make_report

router = APIRouter(prefix="/campaigns", tags=["reports"], route_class=AdmittedRoute)
MOST_ROWS = 100_000
"""Recipients and calls; a process takes some seconds to read so many."""


@router.get("/{name}/report", responses=refusals("not_found", "report_too_large"))
async def get_report(
    name: Name,
    launch: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Counted from 1; default: the present.")
    ] = None,
    right: Annotated[
        list[Annotated[str, Query(max_length=100)]] | None,
        Query(
            max_length=50,
            description="Outcomes that count as right; default: those of a talk with a person, "
            "but for such as `opted_out` or `wrong_number`.",
        ),
    ] = None,
    caller: Caller = needs("campaigns:read"),
) -> CampaignReport:
    """The figures of a launch: the funnel from its roster to right outcomes, who answered, outcomes
    by zone, line, agent, caller id and revision, durations, costs, and what rules were applied.
    Rates have Wilson intervals of 95 %. A launch with more than 100,000 recipients and calls is
    refused with `report_too_large`; `outdial report` reads any."""
    return await make_report(caller.ctx, name, launch=launch, right=right or (), at_most=MOST_ROWS)
