"""Models of the API: contacts. Written by `make openapi`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from outdial.client.models.shared import Contact


class ContactPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Contact]
    next_cursor: str | None = None


class ContactUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    company: str | None = None
    notes: str | None = None
    time_zone: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    phone: str | None = None


class NewContact(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    company: str | None = None
    notes: str | None = None
    time_zone: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    phone: str
