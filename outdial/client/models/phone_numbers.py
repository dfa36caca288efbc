"""Models of the API: phone numbers. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class NewPhoneNumber(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    label: str | None = None
    line: str | None = None
    agent_id: str | None = None
    is_active: bool = True
    metadata: dict[str, Any] | None = None
    phone: str


class PhoneNumber(BaseModel):
    """A number that calls may show."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    tenant: str
    metadata: dict[str, Any] | None = None
    """Data of the tenant, stored unchanged and not interpreted."""
    version: int = 1
    """Counts the changes."""
    created_at: datetime
    updated_at: datetime
    phone: str
    """E.164."""
    label: str | None = None
    line: str | None = None
    agent_id: str | None = None
    is_active: bool = True


class PhoneNumberPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[PhoneNumber]
    next_cursor: str | None = None


class PhoneNumberUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    label: str | None = None
    line: str | None = None
    agent_id: str | None = None
    is_active: bool = True
    metadata: dict[str, Any] | None = None
