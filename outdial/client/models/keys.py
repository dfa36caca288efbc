"""Models of the API: keys. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class ApiKey(BaseModel):
    """A key as it may be shown: without its secret."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    tenant: str
    name: str
    scopes: list[str]
    enabled: bool
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    previous_until: datetime | None = None
    calls_per_day: int | None = None


class ApiKeyPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[ApiKey]
    next_cursor: str | None = None


class CreatedKey(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    tenant: str
    name: str
    scopes: list[str]
    enabled: bool
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    previous_until: datetime | None = None
    calls_per_day: int | None = None
    key: str


class KeyRotation(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    grace_hours: float = 0


class KeyUpdate(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    enabled: bool


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    name: str
    scopes: list[str] | None = None
    expires_at: datetime | None = None
    calls_per_day: int | None = None
