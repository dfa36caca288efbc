"""Activities of `CallbackWorkflow`, and their messages, which hold no personal data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from outdial.domain.call.callback_run import CallbackState
from outdial.domain.definition.callbacks import After, CallbackRetry


class CallbackRunRef(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    run: int = 1


class CallbackPlan(BaseModel):
    """How one callback of a run is to be carried out."""

    model_config = ConfigDict(frozen=True)

    position: int
    kind: str
    state: CallbackState
    after: After = After.DONE
    undo: bool = False
    retry: CallbackRetry = CallbackRetry()


class CallbackRunPlan(BaseModel):
    model_config = ConfigDict(frozen=True)

    callbacks: tuple[CallbackPlan, ...] = ()


class CallbackRef(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    position: int
    timeout: timedelta = timedelta(seconds=30)
    may_wait: bool = False
    """Whether `busy` may be answered: the workflow tries again later then."""


class CallbackResult(BaseModel):
    model_config = ConfigDict(frozen=True)

    state: CallbackState
    busy: bool = False
    """Nothing was done: the tenant's share of the worker is taken."""
    tries: int = 0
    """Tries that had failed before a busy answer."""


class CallbackNote(BaseModel):
    """The state of a callback that was not carried out, and why."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    position: int
    state: CallbackState
    note: str


class CallbackRunEnd(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    run: int
    error: str | None = None


class CallbackActivities(ABC):
    """Activities of one callback run."""

    @activity.defn(name="read_callback_run")
    @abstractmethod
    async def read_callback_run(self, run: CallbackRunRef) -> CallbackRunPlan:
        """The callbacks of a run in order, with their states."""

    @activity.defn(name="run_callback")
    @abstractmethod
    async def run_callback(self, callback: CallbackRef) -> CallbackResult:
        """Carry one callback out. The idempotency key is the same for every try."""

    @activity.defn(name="undo_callback")
    @abstractmethod
    async def undo_callback(self, callback: CallbackRef) -> CallbackResult:
        """Undo what a callback did."""

    @activity.defn(name="note_callback")
    @abstractmethod
    async def note_callback(self, note: CallbackNote) -> None:
        """Record that a callback failed for good, or was skipped."""

    @activity.defn(name="finish_callback_run")
    @abstractmethod
    async def finish_callback_run(self, end: CallbackRunEnd) -> None:
        """Record the end of a run."""
