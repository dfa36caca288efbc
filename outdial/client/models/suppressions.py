"""Models of the API: suppressions. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from outdial.client.models.shared import SuppressionChange


class NewSuppressions(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    numbers: list[str]
    reason: str


class Suppression(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    phone: str
    reason: str
    source: str
    since: datetime


class SuppressionHistory(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    phone: str
    history: list[SuppressionChange]


class SuppressionPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Suppression]
    next_cursor: str | None = None


class UnreadableNumber(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    index: int
    why: str


class SuppressionResult(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    added: int
    already_listed: int
    hung_up: int
    unread: list[UnreadableNumber] = Field(default_factory=list)
