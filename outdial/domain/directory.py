"""What a tenant keeps for its calls: contacts, agents and phone numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    tenant: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Data of the tenant, stored unchanged and not interpreted."""
    version: int = 1
    """Counts the changes."""
    created_at: datetime
    updated_at: datetime


class Contact(_Kept):
    """An entry of the tenant's directory of persons."""

    phone: str
    """E.164; unique within the tenant."""
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    company: str | None = None
    notes: str | None = None
    time_zone: str | None = None
    """IANA name, such as America/New_York."""
    tags: list[str] = Field(default_factory=list)


class RegisteredAgent(_Kept):
    """A voice agent, registered under an id of the tenant's own."""

    name: str
    line: str | None = None
    """The line it speaks on; default: the tenant's only one."""
    remote_id: str
    """Its id at the line's provider."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the provider for this agent."""
    is_active: bool = True
    is_default: bool = False
    """Used for calls that name no agent."""


class PhoneNumber(_Kept):
    """A number that calls may show."""

    phone: str
    """E.164."""
    label: str | None = None
    line: str | None = None
    agent_id: str | None = None
    is_active: bool = True
