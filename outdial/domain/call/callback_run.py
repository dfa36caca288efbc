"""The run of one call's callbacks: its state, and how far each callback is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.callbacks import Callback
from outdial.domain.record import CallRecord

MIRROR = "mirror_appointments"
"""The kind of an entry that no definition lists: writes to a shared calendar what the agent booked
or changed during the call."""
MIRROR_POSITION = -1
"""Before every callback of the definition."""


class CallbackRunState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    """A callback failed for good; `outdial retry-callback` goes on from there."""


class CallbackState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FOLLOW_UP = "follow_up"
    """It could not be done as requested, and a person has to deal with it."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """How the earlier callbacks went does not fit its `after`."""
    UNDONE = "undone"


class CallbackEntry(BaseModel):
    """One callback of a run, with its state."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    position: int
    kind: str
    callback: Callback | None
    """As the definition had it when the call settled; None for a mirror entry."""
    state: CallbackState
    generation: int
    note: str | None = None
    result: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """The idempotency key: the same for every try, another one after an undo."""
        return f"call/{self.call_id}/{self.position}/{self.generation}"


class CallbackRun(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    tenant: str
    campaign_id: int
    state: CallbackRunState
    run: int
    """1, and one more with each retry."""
    error: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    entries: tuple[CallbackEntry, ...] = ()


class CallbackContext(BaseModel):
    """What carrying out an entry needs of its call."""

    model_config = ConfigDict(frozen=True)

    entry: CallbackEntry
    call: CallRecord
    plan: CallPlan
    phones: tuple[str, ...]
    """The number that was called, then the recipient's others."""
    zones: tuple[str, ...]
    variables: dict[str, str]
