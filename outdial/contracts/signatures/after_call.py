"""What the workflow of a call's consequences asks of the world. No personal data in here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from outdial.domain.call.chain import StepState
from outdial.domain.definition.callbacks import After, StepRetry


class ChainRef(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    run: int = 1


class StepPlan(BaseModel):
    """How one step is to be carried out."""

    model_config = ConfigDict(frozen=True)

    position: int
    kind: str
    state: StepState
    after: After = After.DONE
    undo: bool = False
    retry: StepRetry = StepRetry()


class ChainPlan(BaseModel):
    model_config = ConfigDict(frozen=True)

    steps: tuple[StepPlan, ...] = ()


class StepRef(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    position: int
    timeout: timedelta = timedelta(seconds=30)
    may_wait: bool = False
    """Whether the workflow comes again when it hears `busy`; older ones do not know the word."""


class StepResult(BaseModel):
    model_config = ConfigDict(frozen=True)

    state: StepState
    busy: bool = False
    """Nothing was done: the tenant's places are taken."""
    tries: int = 0
    """Tries that had failed before a busy answer."""


class StepNote(BaseModel):
    """What became of a step that could not be carried out."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    position: int
    state: StepState
    note: str


class ChainEnd(BaseModel):
    model_config = ConfigDict(frozen=True)

    call_id: str
    run: int
    error: str | None = None


class AfterCallActivities(ABC):
    """Activities of the steps that follow a call."""

    @activity.defn(name="read_chain")
    @abstractmethod
    async def read_chain(self, chain: ChainRef) -> ChainPlan:
        """The steps, in order, as far as they have got."""

    @activity.defn(name="run_step")
    @abstractmethod
    async def run_step(self, step: StepRef) -> StepResult:
        """Carry one step out; repeating it has no second effect where the far side allows."""

    @activity.defn(name="undo_step")
    @abstractmethod
    async def undo_step(self, step: StepRef) -> StepResult:
        """Take back what a step did."""

    @activity.defn(name="note_step")
    @abstractmethod
    async def note_step(self, note: StepNote) -> None:
        """Write down that a step failed for good, or was left out."""

    @activity.defn(name="finish_chain")
    @abstractmethod
    async def finish_chain(self, end: ChainEnd) -> None:
        """Write down how it ended."""
