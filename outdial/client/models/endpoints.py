"""Models of the API: endpoints. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

EndpointKind = Literal["tenant", "campaign", "call"] | str


EndpointState = Literal["enabled", "disabled"] | str


class CreatedEndpoint(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    kind: EndpointKind
    name: str | None
    url: str
    events: list[str]
    scheme: str
    state: EndpointState
    reason: str | None
    failing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    secret: str


class Endpoint(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    kind: EndpointKind
    name: str | None
    url: str
    events: list[str]
    scheme: str
    state: EndpointState
    reason: str | None
    failing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class EndpointPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Endpoint]
    next_cursor: str | None = None


class EndpointSecret(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    secret: str
    former_until: datetime | None = None


class EndpointUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    url: str | None = None
    events: list[str] | None = None
    name: str | None = None
    enabled: bool | None = None


class NewEndpoint(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    url: str
    events: list[str] | None = None
    """The events it receives, such as `call.completed`; `*` means all."""
    name: str | None = None
    scheme: str = "standard"
    """How webhooks are written and signed: `standard`, or the format of a compatible system such
    as `buildvoiceai`. Events are selected by our names in any case."""


class SecretRotation(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    overlap_hours: float = 24
    """How long the previous secret stays valid. With 0 it is invalid at once: for a secret that
    has leaked."""
