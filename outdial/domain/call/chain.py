"""The steps that follow one call, as they are kept and carried out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.callbacks import Callback
from outdial.domain.record import CallRecord

MIRROR = "mirror_appointments"
"""A step of our own: another calendar is told what the call changed while it lasted."""
MIRROR_POSITION = -1
"""Before all that the definition lists."""


class ChainState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    """A step failed for good; `outdial retry-callback` goes on from there."""


class StepState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FOLLOW_UP = "follow_up"
    """It could not be done as asked, and is a matter for people."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """What went before is not what it is for."""
    UNDONE = "undone"


class Step(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    position: int
    kind: str
    callback: Callback | None
    """None for a step of our own."""
    state: StepState
    generation: int
    note: str | None = None
    result: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """Names the wish: the same one is carried out once."""
        return f"call/{self.call_id}/{self.position}/{self.generation}"


class Chain(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    tenant: str
    campaign_id: int
    state: ChainState
    run: int
    error: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    steps: tuple[Step, ...] = ()


class StepContext(BaseModel):
    """All that a step may have to know."""

    model_config = ConfigDict(frozen=True)

    step: Step
    call: CallRecord
    plan: CallPlan
    phones: tuple[str, ...]
    """The number that was called, then the person's others."""
    zones: tuple[str, ...]
    variables: dict[str, str]
    earlier: tuple[Step, ...] = ()
