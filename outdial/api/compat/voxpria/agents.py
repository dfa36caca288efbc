"""`/api/v1/agents` (voxpria.com/docs/agents-api), to be read only. Flows are not ours: agents are
made at the line's provider."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Path

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.values import Timestamp
from outdial.api.compat.voxpria.auth import needs
from outdial.api.compat.voxpria.models import Camel, Success
from outdial.domain.call.request import CallFilter
from outdial.domain.call.status import CallStatus
from outdial.domain.directory import RegisteredAgent
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import AGENTS
from outdial.services.calls import calls

router = APIRouter(prefix="/api/v1/agents", route_class=AdmittedRoute)
MOST = 1000
_NEWEST = 1000
"""Calls that the figures of an agent are made of."""
_MINUTES = 10


class Agent(Camel):
    """`description`, `language` and `voice` are what the agent's metadata say under these names."""

    agent_id: str
    name: str
    description: str | None
    language: str | None
    voice: str | None
    status: str
    created_at: Timestamp

    @classmethod
    def of(cls, agent: RegisteredAgent, **more: Any) -> Self:
        texts = {name: _text(agent.metadata.get(name)) for name in _TEXT_FIELDS}
        return cls(
            agent_id=agent.id,
            name=agent.name,
            status="active" if agent.is_active else "inactive",
            created_at=agent.created_at,
            **texts,
            **more,
        )


_TEXT_FIELDS = ("description", "language", "voice")


class Configuration(Camel):
    greeting: str | None
    questions: list[str]
    max_duration: int
    """Seconds."""


class Stats(Camel):
    total_calls: int
    """Of the newest calls, which are counted up to 1,000."""
    success_rate: float | None
    """Percent of these calls; none without calls."""
    avg_duration: float | None
    """Not counted."""


class AgentDetails(Agent):
    configuration: Configuration
    stats: Stats


@router.get("")
async def list_agents(caller: Caller = needs("agents:read")) -> Success[list[Agent]]:
    agents = await directory.page(caller.ctx, AGENTS, limit=MOST)
    return Success(data=[Agent.of(one) for one in agents])


@router.get("/{agent_id}")
async def get_agent(
    agent_id: Annotated[str, Path(max_length=100)], caller: Caller = needs("agents:read")
) -> Success[AgentDetails]:
    agent = await directory.get(caller.ctx, AGENTS, agent_id)
    chosen = CallFilter(agent=agent.id)
    statuses = await calls.statuses_of_newest(caller.ctx, chosen, up_to=_NEWEST)
    total, completed = statuses.total(), statuses[CallStatus.COMPLETED]
    return Success(
        data=AgentDetails.of(
            agent,
            configuration=Configuration(
                greeting=_text(agent.settings.get("first_message")),
                questions=[],
                max_duration=_MINUTES * 60,
            ),
            stats=Stats(
                total_calls=total,
                success_rate=round(100 * completed / total, 1) if total else None,
                avg_duration=None,
            ),
        )
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
