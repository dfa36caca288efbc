"""Models of the API: agents. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class Agent(BaseModel):
    """A voice agent, registered under an id of the tenant's own."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    tenant: str
    metadata: dict[str, Any] | None = None
    """Data of the tenant, stored unchanged and not interpreted."""
    version: int = 1
    """Counts the changes."""
    created_at: datetime
    updated_at: datetime
    name: str
    line: str | None = None
    """The line it speaks on; default: the tenant's only one."""
    remote_id: str
    """Its id at the line's provider."""
    settings: dict[str, Any] | None = None
    """Settings of the provider for this agent."""
    is_active: bool = True
    is_default: bool = False
    """Used for calls that name no agent."""


class AgentPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Agent]
    next_cursor: str | None = None


class AgentUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    name: str | None = None
    line: str | None = None
    remote_id: str | None = None
    settings: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    is_active: bool | None = None
    is_default: bool | None = None


class NewAgent(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    id: str | None = None
    name: str
    line: str | None = None
    remote_id: str | None = None
    settings: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    is_active: bool = True
    is_default: bool = False
