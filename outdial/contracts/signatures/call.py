"""Activities of `CallWorkflow`, and their messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from temporalio import activity

from outdial.domain.call.event import CallEnd, CallEvent
from outdial.domain.call.status import CallStatus, FailureClass


class PlaceInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str


class PlacementResult(StrEnum):
    PLACED = "placed"
    UNKNOWN = "unknown"
    """The request may have arrived; to be found out, never to be repeated."""
    NOT_PLACED = "not_placed"
    WITHDRAWN = "withdrawn"
    """The fence did not let it pass."""


class Placement(BaseModel):
    """How a placement went, and how the line wants to be followed."""

    model_config = ConfigDict(frozen=True)

    result: PlacementResult
    failure: FailureClass | None = None
    detail: str | None = None
    retry_after: timedelta | None = None
    reports: tuple[CallEvent, ...] = ()
    """Events that came before the response."""
    upsert_status: bool = True
    ring_silence: timedelta = timedelta(seconds=60)
    talk_silence: timedelta = timedelta(minutes=2)
    analysis_wait: timedelta = timedelta(0)


class LookUpInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str


class LookUp(BaseModel):
    """What the provider knows about a call."""

    model_config = ConfigDict(frozen=True)

    exists: bool
    """Whether the provider knows the call."""
    absent: bool = False
    """Certainly never placed: it was looked up after the deadline and the listing's lag."""
    reports: tuple[CallEvent, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_older_histories(cls, data: Any) -> Any:
        return _renamed(data, "found", "exists")


class HangUpInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str


class HangUp(BaseModel):
    model_config = ConfigDict(frozen=True)

    requested: bool
    """False when the provider cannot end calls, or does not know this one (yet)."""
    possible: bool = True
    """False when the provider can't end calls: asking again is of no use."""

    @model_validator(mode="before")
    @classmethod
    def _of_older_histories(cls, data: Any) -> Any:
        return _renamed(data, "asked", "requested")


class Ended(BaseModel):
    model_config = ConfigDict(frozen=True)

    status: CallStatus
    outcome: str | None = None
    settled: bool = False


def _renamed(data: Any, former: str, name: str) -> Any:
    """A message with a field under its present name."""
    if not isinstance(data, dict) or former not in data:
        return data
    return {name if key == former else key: value for key, value in data.items()}


class CallActivities(ABC):
    """Activities of one phone call."""

    @activity.defn(name="place_call")
    @abstractmethod
    async def place_call(self, place: PlaceInput) -> Placement:
        """Dial behind the fence, once; a repeated execution reconciles instead."""

    @activity.defn(name="look_up_call")
    @abstractmethod
    async def look_up_call(self, look_up: LookUpInput) -> LookUp:
        """Look the call up at its provider, and store what it reports."""

    @activity.defn(name="hang_up_call")
    @abstractmethod
    async def hang_up_call(self, hang_up: HangUpInput) -> HangUp:
        """Ask the provider to end a call."""

    @activity.defn(name="end_call")
    @abstractmethod
    async def end_call(self, call_id: str, end: CallEnd) -> Ended:
        """Record the end and free the slot, only if it is not recorded yet."""
