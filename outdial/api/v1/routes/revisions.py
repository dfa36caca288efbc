"""/v1/campaigns/{name}/apply, /rollback, /revisions and /diff."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.bodies import accepting
from outdial.api.v1.answers import (
    IdempotencyKey,
    IfMatch,
    answered_once,
    idempotent_request,
    shown,
    version_of,
)
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of, read_cursor
from outdial.api.v1.refusals import BY_UPLOAD, OF_DEFINITION, OF_KEY, refusals
from outdial.api.v1.routes.campaigns import (
    DEFINITION,
    DefinitionDifference,
    Name,
    PlanId,
    body_text,
)
from outdial.api.v1.routes.canaries import Canary
from outdial.api.v1.routes.launches import ACCEPTED, carried_out_once
from outdial.domain.call.claim import CampaignState
from outdial.intake.apart import parse_apart
from outdial.intake.definition import MAX_BYTES, LoadedDefinition, read_definition_text
from outdial.services.accounts.access import Caller
from outdial.services.accounts.once import Answer
from outdial.services.campaigns import applying, revisions
from outdial.services.campaigns.applying import Applied
from outdial.services.campaigns.plan_check import require_plan
from outdial.services.campaigns.roster_mode import RosterMode
from outdial.services.campaigns.staging import Progress

router = APIRouter(prefix="/campaigns", tags=["revisions"], route_class=AdmittedRoute)
Recipients = Annotated[
    RosterMode,
    Query(
        description="add: who is new is added. match: who is not listed is removed, too. "
        "keep: recipients are not read."
    ),
]
CanaryShare = Annotated[
    float | None,
    Query(
        ge=1,
        le=50,
        description="Per cent of the recipients that get it first; it is promoted or taken back "
        "by itself. Recipients are not read then.",
        examples=[5],
    ),
]
Reason = Annotated[str | None, Query(max_length=500, description="Why; kept with the revision.")]

_OF_CHANGES = (
    "not_found",
    *OF_KEY,
    "change_refused",
    "campaign_over",
    "launch_closing",
    "launch_interrupted",
    "precondition_failed",
    "no_worker",
)


class Revision(BaseModel):
    revision: int
    launch: int
    created_at: datetime
    author: str | None
    """Such as `user ana` or `key reports`."""
    reason: str | None
    restores: int | None
    """The earlier revision whose definition it has again."""
    added: int
    """How many recipients came with it."""
    removed: int
    canary_share: float | None
    """It was given to this share of the recipients alone, as a canary."""


class RosterChanges(BaseModel):
    added: int
    changed: int
    """People whose values changed, or who were removed and come back."""
    same: int
    removed: int
    missing: int
    """People of the campaign who are not among the definition's recipients. They are removed with
    `recipients=match` alone."""


class AppliedRevision(BaseModel):
    name: str
    state: CampaignState
    revision: int
    before: int
    """The revision before."""
    changed: bool
    """False: nothing differed, and nothing was done."""
    differences: list[DefinitionDifference]
    roster: RosterChanges
    noted_only: bool
    """No workflow is running; the change takes effect when the campaign runs again."""
    canary: Canary | None
    """It is tried on some recipients first: the campaign stays at its revision meanwhile."""

    @classmethod
    def of(cls, applied: Applied) -> "AppliedRevision":
        campaign, roster = applied.campaign, applied.roster
        return cls(
            name=campaign.name,
            state=campaign.state,
            revision=campaign.revision,
            before=applied.before,
            changed=applied.changed,
            differences=[DefinitionDifference.of(each) for each in applied.differences],
            roster=RosterChanges(
                added=roster.added,
                changed=roster.changed,
                same=roster.same,
                removed=applied.removed,
                missing=roster.missing,
            ),
            noted_only=applied.noted_only,
            canary=None if applied.canary is None else Canary.of(applied.canary),
        )


@dataclass(frozen=True)
class Change:
    """What is to be done with a definition, from wherever it comes."""

    name: str
    recipients: RosterMode
    reason: str | None
    expected: int | None
    plan: str | None = None
    """The id of the plan that is carried out."""
    canary: float | None = None
    """A share of the recipients that get it first."""

    async def apply(
        self,
        caller: Caller,
        loaded: LoadedDefinition,
        *,
        progress: Progress | None = None,
        public_id: str | None = None,
    ) -> Answer:
        """Apply it, and show what came of it."""
        expected = self.expected
        if self.plan is not None:
            planned = await require_plan(caller.ctx, loaded, self.plan)
            expected = planned.revision if expected is None else expected
        applied = await applying.apply_definition(
            caller.ctx,
            loaded,
            name=self.name,
            mode=self.recipients,
            reason=self.reason,
            expected=expected,
            scopes=caller.key.scopes,
            progress=progress,
            public_id=public_id,
            canary=self.canary,
        )
        return shown(AppliedRevision.of(applied), 200)


class RollbackRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"revision": 2, "reason": "too many"}]}
    )

    revision: int | None = Field(default=None, ge=1, le=2**31 - 1)
    """The one to go back to. Default: the one before the present, of the same launch."""
    reason: str | None = Field(default=None, max_length=500)


@router.post(
    "/{name}/apply",
    response_model=AppliedRevision,
    responses=refusals(
        *OF_DEFINITION,
        *BY_UPLOAD,
        *_OF_CHANGES,
        "purpose_changed",
        "name_changed",
        "stale_plan",
    )
    | ACCEPTED,
    openapi_extra=DEFINITION,
)
@accepting(MAX_BYTES)
async def apply_definition(
    name: Name,
    request: Request,
    recipients: Recipients = RosterMode.ADD,
    canary: CanaryShare = None,
    reason: Reason = None,
    plan: PlanId = None,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("campaigns:write"),
) -> Response:
    """Make a campaign that has not ended match a definition, as JSON or YAML. Calls that are
    claimed run out as they were; what may not be called any more is not. With `If-Match`, only from
    that revision. A form with the parts `definition` and `contacts` (the CSV file) is applied while
    `GET /v1/launches/{id}` shows how far it is."""
    text = await body_text(request)
    stored = await idempotent_request(request, caller, idempotency_key)
    share = None if canary is None else canary / 100
    change = Change(name, recipients, reason, version_of(if_match), plan, share)

    async def work(public_id: str | None, progress: Progress | None = None) -> Answer:
        loaded = await parse_apart(len(text), read_definition_text, text, name="body")
        return await change.apply(caller, loaded, progress=progress, public_id=public_id)

    return await carried_out_once(caller, stored, work)


@router.post(
    "/{name}/rollback",
    response_model=AppliedRevision,
    responses=refusals(*_OF_CHANGES, *OF_DEFINITION, "purpose_changed"),
)
async def roll_back_campaign(
    name: Name,
    request: Request,
    body: RollbackRequest | None = None,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("campaigns:write"),
) -> Response:
    """Apply the definition of an earlier revision again. Nobody is added or removed."""
    back = body or RollbackRequest()

    async def carry_out() -> AppliedRevision:
        applied = await applying.roll_back(
            caller.ctx,
            name,
            back.revision,
            reason=back.reason,
            expected=version_of(if_match),
            scopes=caller.key.scopes,
        )
        return AppliedRevision.of(applied)

    return await answered_once(request, caller, idempotency_key, carry_out, 200)


@router.get("/{name}/revisions", responses=refusals("not_found"))
async def list_revisions(
    name: Name,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    caller: Caller = needs("campaigns:read"),
) -> Page[Revision]:
    """Every version of the campaign's definition, the newest first: who made it, when and why."""
    before = read_cursor(cursor, int)
    records = await revisions.list_revisions(
        caller.ctx, name, limit=limit + 1, before=before[0] if before else None
    )
    return page_of(
        records,
        limit,
        lambda record: Revision(**record.model_dump()),
        lambda record: [record.revision],
    )


@router.get("/{name}/diff", responses=refusals("not_found", "change_refused"))
async def diff_revisions(
    name: Name,
    before: Annotated[int, Query(ge=1, le=2**31 - 1, examples=[1])],
    after: Annotated[int, Query(ge=1, le=2**31 - 1, examples=[2])],
    caller: Caller = needs("campaigns:read"),
) -> list[DefinitionDifference]:
    """What differs from one revision to another, key by key."""
    differences = await revisions.diff_revisions(caller.ctx, name, before, after)
    return [DefinitionDifference.of(each) for each in differences]
