"""/v1/agents."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.answers import IdempotencyKey, IfMatch, answered_once, tag, version_of
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of
from outdial.api.v1.refusals import OF_KEY, refusals
from outdial.api.v1.routes.calls import place_of
from outdial.api.v1.routes.contacts import given
from outdial.domain.directory import RegisteredAgent
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import AGENTS
from outdial.services.accounts.rights import require_for_agent
from outdial.services.errors import PreconditionFailed

router = APIRouter(prefix="/agents", tags=["agents"], route_class=AdmittedRoute)
_ID = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$"
AgentId = Annotated[str, Path(max_length=100)]


class NewAgent(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "reminder",
                    "name": "Reminder",
                    "remote_id": "asst_7f2c",
                    "settings": {"first_message": "Hello {{ first_name }}"},
                }
            ]
        },
    )

    id: str | None = Field(default=None, pattern=_ID)
    name: str = Field(min_length=1, max_length=200)
    line: str | None = Field(default=None, max_length=100)
    remote_id: str | None = Field(default=None, max_length=500)
    settings: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    is_active: bool = True
    is_default: bool = False


class AgentUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"is_active": False}]}
    )

    name: str | None = Field(default=None, min_length=1, max_length=200)
    line: str | None = Field(default=None, max_length=100)
    remote_id: str | None = Field(default=None, max_length=500)
    settings: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    is_active: bool | None = None
    is_default: bool | None = None


@router.post(
    "",
    status_code=201,
    response_model=RegisteredAgent,
    responses=refusals(*OF_KEY, "unknown_line"),
)
async def create_agent(
    body: NewAgent,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("agents:write"),
) -> Response:
    """Register an agent under an id of your own. `remote_id` is its id at the line's provider;
    default: the same."""

    async def carry_out() -> RegisteredAgent:
        require_for_agent(caller.ctx, caller.key.scopes, body.model_dump())
        return await directory.add_agent(caller.ctx, body.model_dump())

    return await answered_once(request, caller, idempotency_key, carry_out, 201)


@router.get("")
async def list_agents(
    limit: Limit = PAGE,
    cursor: Cursor = None,
    is_active: Annotated[bool | None, Query()] = None,
    caller: Caller = needs("agents:read"),
) -> Page[RegisteredAgent]:
    """The registered agents, oldest first."""
    chosen: dict[str, Any] = {} if is_active is None else {"is_active": is_active}
    agents = await directory.page(
        caller.ctx, AGENTS, limit=limit + 1, after=place_of(cursor), **chosen
    )
    return page_of(agents, limit, lambda one: one, lambda one: [one.created_at.isoformat(), one.id])


@router.get("/{agent_id}", responses=refusals("not_found"))
async def get_agent(
    agent_id: AgentId, response: Response, caller: Caller = needs("agents:read")
) -> RegisteredAgent:
    """An agent, by the id it was registered under."""
    agent = await directory.get(caller.ctx, AGENTS, agent_id)
    response.headers.update(tag(agent.version))
    return agent


@router.patch("/{agent_id}", responses=refusals("not_found", "precondition_failed", "unknown_line"))
async def update_agent(
    agent_id: AgentId,
    body: AgentUpdate,
    response: Response,
    if_match: IfMatch = None,
    caller: Caller = needs("agents:write"),
) -> RegisteredAgent:
    """Change an agent. With `If-Match`, only from that version."""
    values = given(body, *(set(AgentUpdate.model_fields) - {"line"}))
    directory.require_line(caller.ctx, values.get("line"))
    version = version_of(if_match)
    if {"line", "remote_id", "settings"} & set(values):
        before = await directory.get(caller.ctx, AGENTS, agent_id)
        require_for_agent(caller.ctx, caller.key.scopes, before.model_dump() | values)
        # What was checked is what is changed: two changes at once could add up to a third.
        version = before.version if version is None else version
        if version != before.version:
            raise PreconditionFailed("agent", before.version)
    agent = await directory.change(caller.ctx, AGENTS, agent_id, values, version=version)
    response.headers.update(tag(agent.version))
    return agent


@router.delete(
    "/{agent_id}", status_code=204, responses=refusals("not_found", "precondition_failed")
)
async def delete_agent(
    agent_id: AgentId, if_match: IfMatch = None, caller: Caller = needs("agents:write")
) -> None:
    """Delete an agent. Calls already requested with it are still placed."""
    await directory.remove(caller.ctx, AGENTS, agent_id, version=version_of(if_match))
