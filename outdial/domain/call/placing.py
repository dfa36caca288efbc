"""The request that dials a number."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class PlaceRequest(BaseModel):
    """Everything a provider needs to dial one number once. Personal data: never in a history."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    """Our id; travels in whatever the provider echoes."""
    to: str
    """E.164."""
    caller_id: str | None
    agent: str
    agent_settings: dict[str, Any] = Field(default_factory=dict)
    attempt: int
    """1 for the first attempt to this recipient."""
    variables: dict[str, str] = Field(default_factory=dict)
    ring_timeout: timedelta
    max_duration: timedelta
    recording: bool | None = None
    """Whether it has to be recorded, or must not be; None: not where that can be had without
    losing anything else, else as it is set at the provider."""
    webhook_url: str
