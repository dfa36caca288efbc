"""/v1/campaigns."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.bodies import MAX_BODY, accepting
from outdial.api.state import state_of
from outdial.api.v1.answers import IdempotencyKey, idempotent_request, shown, tag
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of, read_cursor
from outdial.api.v1.refusals import BY_UPLOAD, OF_DEFINITION, OF_KEY, refusals
from outdial.api.v1.routes.launches import ACCEPTED, accept, carried_out_once
from outdial.domain.call.claim import CampaignState
from outdial.domain.definition.differences import Difference, Effect
from outdial.domain.record import CampaignRecord, Progress
from outdial.intake.apart import parse_apart
from outdial.intake.definition import MAX_BYTES, LoadedDefinition, read_definition_text
from outdial.services.accounts.access import Caller
from outdial.services.accounts.once import Answer
from outdial.services.campaigns import control, launching, staging
from outdial.services.campaigns.control import Changed
from outdial.services.campaigns.plan_check import require_plan
from outdial.services.compliance import explaining, waiting
from outdial.services.compliance.numbers import parse_number
from outdial.services.compliance.waiting import CampaignExplanation
from outdial.services.errors import RequestRefused
from outdial.services.operations import reading

router = APIRouter(prefix="/campaigns", tags=["campaigns"], route_class=AdmittedRoute)
Name = Annotated[str, Path(max_length=63, examples=["spring-checkups"])]
PlanId = Annotated[
    str | None,
    Query(
        min_length=64,
        max_length=64,
        description="The id of a plan of this definition. It is refused with 409 if the plan was "
        "made of other inputs than there are now.",
    ),
]

_EXAMPLE = {
    "name": "tomorrow",
    "purpose": "informational",
    "agent": "reminder",
    "recipients": [{"phone": "+12125550143", "first_name": "Ana", "at": "10:30"}],
    "variables": {"greeting": "Hello {{ first_name }}, see you tomorrow at {{ at }}."},
    "schedule": {"days": ["mon", "tue", "wed", "thu", "fri"], "hours": "09:00-18:00"},
    "retry": {"busy": {"delays": "10m"}, "no_answer": {"delays": ["2h", "next_day"]}},
}
DEFINITION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A campaign file; `outdial schema` prints its JSON Schema.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["name", "purpose", "agent"],
                    "additionalProperties": True,
                },
                "example": _EXAMPLE,
            },
            "application/yaml": {"schema": {"type": "string"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["definition", "contacts"],
                    "properties": {
                        "definition": {
                            "type": "string",
                            "description": "A campaign file with `recipients: {csv: contacts}`.",
                        },
                        "contacts": {"type": "string", "contentMediaType": "text/csv"},
                    },
                }
            },
        },
    }
}
LISTED_DEFINITION: dict[str, Any] = {
    "requestBody": {
        **DEFINITION["requestBody"],
        "content": {
            media_type: content
            for media_type, content in DEFINITION["requestBody"]["content"].items()
            if media_type != "multipart/form-data"
        },
    }
}
"""A definition that lists its recipients."""


class Campaign(BaseModel):
    name: str
    purpose: str
    state: CampaignState
    reason: str | None
    line: str
    launch: int
    """Counted from 1."""
    revision: int
    max_concurrent: int
    direct: bool
    """Whether it is the tenant's direct campaign, for single calls."""
    created_at: datetime
    launched_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, record: CampaignRecord) -> "Campaign":
        plan = record.plan
        return cls(
            purpose=plan.purpose,
            line=plan.line,
            max_concurrent=plan.pacing.max_concurrent,
            **record.model_dump(include=set(cls.model_fields)),
        )


class CampaignDetails(Campaign):
    progress: Progress


class UncallableRecipients(BaseModel):
    people: int
    reason: str


class DefinitionDifference(BaseModel):
    """A key of a definition, with its values in YAML; null where it is not set."""

    path: str
    before: str | None
    after: str | None
    effect: Effect
    """What the change does to a campaign that runs."""

    @classmethod
    def of(cls, difference: Difference) -> "DefinitionDifference":
        return cls(**asdict(difference))


class LaunchedCampaign(Campaign):
    created: bool
    """False: it was already running, and nothing was changed."""
    differences: list[DefinitionDifference]
    """What differs from the campaign that is running already; `POST /v1/campaigns/{name}/apply`
    applies it."""
    never: list[UncallableRecipients]
    """Recipients who can never be called, by reason."""
    notes: list[str]
    """What its lines will not do: enforce the longest duration, or ring a real telephone."""


class CampaignStateChange(BaseModel):
    state: CampaignState
    revision: int
    noted_only: bool
    """No workflow is running; the change takes effect when the campaign runs again."""

    @classmethod
    def of(cls, changed: Changed) -> "CampaignStateChange":
        return cls(state=changed.state, revision=changed.revision, noted_only=changed.noted_only)


class PauseRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "storm"}]})

    reason: str | None = Field(default=None, max_length=500)


class StopRequest(PauseRequest):
    hang_up: bool = False
    """Hang up calls in flight instead of letting them end."""


_CONTROL = refusals("not_found", "campaign_over", "change_refused", "no_worker")


@router.post(
    "",
    status_code=201,
    response_model=LaunchedCampaign,
    responses=refusals(
        *OF_DEFINITION,
        *BY_UPLOAD,
        *OF_KEY,
        "campaign_running",
        "campaign_over",
        "change_refused",
        "purpose_changed",
        "stale_plan",
        "launch_closing",
        "launch_interrupted",
        "no_worker",
    )
    | ACCEPTED,
    openapi_extra=DEFINITION,
)
@accepting(MAX_BYTES)
async def launch_campaign(
    request: Request,
    idempotency_key: IdempotencyKey = None,
    again: Annotated[
        bool, Query(description="Launch a campaign that has ended once more.")
    ] = False,
    plan: PlanId = None,
    caller: Caller = needs("campaigns:write"),
) -> Response:
    """Launch a campaign definition, as JSON or YAML. It lists its recipients; it can't name files
    of this machine. A form with the parts `definition` and `contacts` (the CSV file) is launched
    while `GET /v1/launches/{id}` shows how far it is; so is a body of more than a megabyte."""
    text = await body_text(request)
    stored = await idempotent_request(request, caller, idempotency_key)

    async def work(public_id: str | None, progress: staging.Progress | None = None) -> Answer:
        # Parsing a long one takes seconds, in which others are answered.
        loaded = await parse_apart(len(text), read_definition_text, text, name="body")
        return await launch(
            caller, loaded, again=again, plan=plan, progress=progress, public_id=public_id
        )

    if len(await request.body()) <= MAX_BODY:
        return await carried_out_once(caller, stored, work)
    slot = await state_of(request).uploads.open(caller.ctx.tenant, arrived=True)
    return await accept(request, caller, stored, work, slot.close)


async def launch(
    caller: Caller,
    loaded: LoadedDefinition,
    *,
    again: bool,
    plan: str | None = None,
    progress: staging.Progress | None = None,
    public_id: str | None = None,
) -> Answer:
    """Launch a definition, and show what came of it."""
    if plan is not None:
        await require_plan(caller.ctx, loaded, plan)
    launched = await launching.launch_campaign(
        caller.ctx,
        loaded,
        again=again,
        scopes=caller.key.scopes,
        progress=progress,
        public_id=public_id,
    )
    answer = LaunchedCampaign(
        **dict(Campaign.of(launched.campaign)),
        created=launched.created,
        differences=[DefinitionDifference.of(each) for each in launched.differences],
        never=[UncallableRecipients(people=n, reason=why) for n, why in launched.never],
        notes=list(launched.notes),
    )
    return shown(answer, 201)


@router.get("")
async def list_campaigns(
    state: Annotated[CampaignState | None, Query()] = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    caller: Caller = needs("campaigns:read"),
) -> Page[Campaign]:
    """All campaigns, ended ones included, oldest first."""
    after = read_cursor(cursor, int)
    records = await reading.list_campaigns(
        caller.ctx, state=state, limit=limit + 1, after=after[0] if after else 0
    )
    return page_of(records, limit, Campaign.of, lambda record: [record.id])


@router.get("/{name}", responses=refusals("not_found"))
async def get_campaign(
    name: Name, response: Response, caller: Caller = needs("campaigns:read")
) -> CampaignDetails:
    """A campaign with its current figures."""
    record, progress = await reading.record_with_progress(caller.ctx, name)
    response.headers.update(tag(record.revision))
    return CampaignDetails(**dict(Campaign.of(record)), progress=progress)


@router.post("/{name}/pause", responses=_CONTROL)
async def pause_campaign(
    name: Name, body: PauseRequest | None = None, caller: Caller = needs("campaigns:write")
) -> CampaignStateChange:
    """Place no more calls; calls in flight continue."""
    return CampaignStateChange.of(
        await control.pause(caller.ctx, name, reason=body.reason if body else None)
    )


@router.post("/{name}/resume", responses=_CONTROL)
async def resume_campaign(
    name: Name, caller: Caller = needs("campaigns:write")
) -> CampaignStateChange:
    """Place calls again."""
    return CampaignStateChange.of(await control.resume(caller.ctx, name))


@router.post("/{name}/stop", responses=_CONTROL)
async def stop_campaign(
    name: Name, body: StopRequest | None = None, caller: Caller = needs("campaigns:write")
) -> CampaignStateChange:
    """End it for good. Calls in flight end by themselves, or are hung up."""
    options = body or StopRequest()
    return CampaignStateChange.of(
        await control.stop(caller.ctx, name, hang_up=options.hang_up, reason=options.reason)
    )


@router.get("/{name}/explain", responses=refusals("not_found"))
async def explain_recipient(
    name: Name,
    phone: Annotated[str, Query(max_length=50, examples=["+12125550143"])],
    caller: Caller = needs("campaigns:read"),
) -> list[dict[str, Any]]:
    """Why a recipient is called now, later or never: time zones, rules, caps, attempts, and what
    could change the decision. One entry for each row of the roster with this number."""
    return await explaining.explain(caller.ctx, name, parse_number(phone))


@router.get("/{name}/waiting", responses=refusals("not_found"))
async def explain_campaign(
    name: Name, caller: Caller = needs("campaigns:read")
) -> CampaignExplanation:
    """Why a campaign places no calls, or no more of them: the limits that admit none now, and what
    its recipients wait for, by count. A thousand of them are decided about at most, those who are
    due first."""
    return await waiting.explain_campaign(caller.ctx, name)


async def body_text(request: Request) -> str:
    """The body as text. Raises RequestRefused."""
    body = await request.body()
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequestRefused("body: found bytes that are not UTF-8; send it as UTF-8") from None
