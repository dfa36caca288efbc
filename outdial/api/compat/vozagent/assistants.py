"""`/v1/assistants` and `/v1/phone-numbers`, to be read only
(docs.vozagent.ai/developers/api/assistants, /phone-numbers). What an assistant says stands in its
settings at the provider, so far as they are known here."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.values import Timestamp
from outdial.api.compat.vozagent.auth import needs
from outdial.api.compat.vozagent.calls import PAGE, Limit, Offset
from outdial.api.compat.vozagent.models import text_in
from outdial.domain.directory import PhoneNumber, RegisteredAgent
from outdial.services.accounts import directory
from outdial.services.accounts.access import Caller
from outdial.services.accounts.directory import AGENTS, PHONE_NUMBERS

router = APIRouter(prefix="/v1", route_class=AdmittedRoute)
MOST = 1000


class ListedAssistant(BaseModel):
    id: str
    name: str
    role: str | None
    assistant_type: Literal["outbound"] = "outbound"
    is_active: bool
    voice_id: str | None
    first_message: str | None
    phone_number_id: str | None
    """Of the number that its calls show."""
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, agent: RegisteredAgent, number: PhoneNumber | None, **more: Any) -> Self:
        own = {"id", "name", "is_active", "created_at", "updated_at"}
        return cls(
            **agent.model_dump(include=own),
            role=text_in(agent.metadata, "role"),
            voice_id=text_in(agent.settings, "voice_id"),
            first_message=text_in(agent.settings, "first_message"),
            phone_number_id=None if number is None else number.id,
            **more,
        )


class Assistant(ListedAssistant):
    first_message_mode: str | None
    personality: str | None
    vapi_assistant_id: str
    """Its id at the line's provider, whoever that is."""
    system_prompt: str | None
    template_id: str | None


_SET = ("first_message_mode", "personality", "system_prompt", "template_id")


class Number(BaseModel):
    id: str
    phone_number: str
    label: str | None
    provider: str | None
    status: Literal["active", "inactive"]
    assistant_id: str | None
    sms_enabled: Literal[False] = False
    monthly_cost_cents: int | None = None
    """What its provider takes for it is not known here."""
    created_at: Timestamp

    @classmethod
    def of(cls, number: PhoneNumber, provider: str | None) -> Self:
        return cls(
            id=number.id,
            phone_number=number.phone,
            label=number.label,
            provider=provider,
            status="active" if number.is_active else "inactive",
            assistant_id=number.agent_id,
            created_at=number.created_at,
        )


@router.get("/assistants")
async def list_assistants(
    limit: Limit = PAGE,
    offset: Offset = 0,
    is_active: Annotated[bool | None, Query()] = None,
    assistant_type: Literal["inbound", "outbound", "custom"] | None = None,
    caller: Caller = needs("agents:read"),
) -> list[ListedAssistant]:
    """The oldest first. All of them make calls."""
    if assistant_type not in (None, "outbound"):
        return []
    chosen: dict[str, Any] = {} if is_active is None else {"is_active": is_active}
    agents = await directory.page(caller.ctx, AGENTS, limit=limit, offset=offset, **chosen)
    numbers: list[PhoneNumber] = []
    if caller.may("phone_numbers:read"):
        numbers = await directory.page(caller.ctx, PHONE_NUMBERS, limit=MOST)
    shown = {number.agent_id: number for number in numbers}
    return [ListedAssistant.of(one, shown.get(one.id)) for one in agents]


@router.get("/assistants/{assistant_id}")
async def get_assistant(
    assistant_id: Annotated[str, Path(max_length=100)], caller: Caller = needs("agents:read")
) -> Assistant:
    agent = await directory.get(caller.ctx, AGENTS, assistant_id)
    number: PhoneNumber | None = None
    if caller.may("phone_numbers:read"):
        number = await directory.find(caller.ctx, PHONE_NUMBERS, agent_id=agent.id)
    settings = {name: text_in(agent.settings, name) for name in _SET}
    return Assistant.of(agent, number, vapi_assistant_id=agent.remote_id, **settings)


@router.get("/phone-numbers")
async def list_numbers(
    status: Literal["active", "inactive", "pending"] | None = None,
    provider: Annotated[str | None, Query(max_length=50)] = None,
    caller: Caller = needs("phone_numbers:read"),
) -> list[Number]:
    """The oldest first."""
    lines = caller.ctx.lines
    numbers = await directory.page(caller.ctx, PHONE_NUMBERS, limit=MOST)
    providers = {name: line.provider.name for name, line in lines.items()}
    only = next(iter(providers.values())) if len(providers) == 1 else None
    shown = [Number.of(one, providers.get(one.line, only) if one.line else only) for one in numbers]
    return [
        one for one in shown if status in (None, one.status) and provider in (None, one.provider)
    ]
