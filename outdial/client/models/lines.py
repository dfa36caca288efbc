"""Models of the API: lines. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from outdial.client.models.shared import FailureClass


class LineFailure(BaseModel):
    """A call that the line failed."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    at: datetime
    failure: FailureClass
    detail: str | None = None
    """The provider's own words."""


LineState = Literal["in_service", "resting", "trying"] | str


class Line(BaseModel):
    """A line's state, its limits, and its latest failures."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    name: str
    provider: str
    state: LineState
    since: datetime | None = None
    reason: str | None = None
    retry_at: datetime | None = None
    max_concurrent: int
    per_second: float
    in_flight: int
    held_until: datetime | None = None
    held_reason: str | None = None
    failures: list[LineFailure] = Field(default_factory=list)


class LineList(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Line]
