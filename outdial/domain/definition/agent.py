"""The voice agent that speaks in a call, at a line's provider."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue

from outdial.domain.definition.fields import Frozen
from outdial.domain.hints import Hint


class Agent(Frozen):
    """The voice agent that speaks in a call."""

    id: Annotated[str, Field(min_length=1), Hint("write the agent's id")]
    """The agent's id at the line's provider."""
    settings: Annotated[dict[str, Any], Hint("write settings as keys and values below it")] = Field(
        default_factory=dict
    )
    """Settings of the provider for this agent, passed on unchanged."""


class _AlsoById:
    """JSON Schema for editors: an agent may be written as its id alone."""

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(core_schema)]}


def _agent_by_id(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


AgentById = Annotated[Agent, BeforeValidator(_agent_by_id), _AlsoById()]
"""An agent, or its id alone."""
