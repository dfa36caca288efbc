"""/api/agents.

An agent is kept as it was described. Who speaks is the agent with its id at the line's provider;
`PATCH /v1/agents/{id}` names another one, by `remote_id`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.values import Milliseconds
from outdial.api.compat.voxanne.auth import needs
from outdial.domain.directory import RegisteredAgent
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import AGENTS

router = APIRouter(prefix="/api/agents", route_class=AdmittedRoute)
AgentId = Annotated[str, Path(max_length=100)]
_MOST = 1000
_DESCRIBED = ("voice_provider", "voice_id", "prompt", "tools")
_Word = Annotated[str, Field(max_length=200)]


class ChangedAgent(BaseModel):
    """What is left out stays as it is; fields that are not known are ignored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"prompt": "You are friendly."}]})

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    voice_provider: _Word | None = None
    voice_id: _Word | None = None
    prompt: Annotated[str, Field(max_length=100_000)] | None = None
    tools: Annotated[list[_Word], Field(max_length=100)] | None = None


class NewAgent(ChangedAgent):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Front Desk Agent",
                    "voice_provider": "elevenlabs",
                    "voice_id": "rachel",
                    "prompt": "You are a friendly medical receptionist...",
                    "tools": ["book_appointment", "check_availability"],
                }
            ]
        }
    )

    name: Annotated[str, Field(min_length=1, max_length=200)]


class Agent(BaseModel):
    """No page shows one; the names are those of the request."""

    id: str
    name: str
    voice_provider: str | None
    voice_id: str | None
    prompt: str | None
    tools: list[str]
    is_active: bool
    created_at: Milliseconds
    updated_at: Milliseconds

    @classmethod
    def of(cls, kept: RegisteredAgent) -> "Agent":
        described = kept.metadata.get("voxanne", {})
        return cls(
            id=kept.id,
            name=kept.name,
            voice_provider=described.get("voice_provider"),
            voice_id=described.get("voice_id"),
            prompt=described.get("prompt"),
            tools=described.get("tools") or [],
            is_active=kept.is_active,
            created_at=kept.created_at,
            updated_at=kept.updated_at,
        )


@router.get("")
async def list_agents(caller: Caller = needs("agents:read")) -> list[Agent]:
    agents = await directory.page(caller.ctx, AGENTS, limit=_MOST)
    return [Agent.of(one) for one in agents]


@router.post("", status_code=201)
async def create_agent(body: NewAgent, caller: Caller = needs("agents:write")) -> Agent:
    values = {"name": body.name, "metadata": _described({}, body)}
    return Agent.of(await directory.add_agent(caller.ctx, values))


@router.get("/{agent_id}")
async def get_agent(agent_id: AgentId, caller: Caller = needs("agents:read")) -> Agent:
    return Agent.of(await directory.get(caller.ctx, AGENTS, agent_id))


@router.patch("/{agent_id}")
async def change_agent(
    agent_id: AgentId, body: ChangedAgent, caller: Caller = needs("agents:write")
) -> Agent:
    kept = await directory.get(caller.ctx, AGENTS, agent_id)
    values: dict[str, Any] = {"metadata": _described(kept.metadata, body)}
    if body.name is not None:
        values["name"] = body.name
    changed = await directory.change(caller.ctx, AGENTS, agent_id, values, version=kept.version)
    return Agent.of(changed)


@router.delete("/{agent_id}")
async def remove_agent(
    agent_id: AgentId, caller: Caller = needs("agents:write")
) -> dict[str, bool]:
    await directory.remove(caller.ctx, AGENTS, agent_id)
    return {"success": True}


def _described(before: dict[str, Any], body: ChangedAgent) -> dict[str, Any]:
    sent = body.model_dump(include=set(_DESCRIBED), exclude_unset=True)
    return before | {"voxanne": before.get("voxanne", {}) | sent}
