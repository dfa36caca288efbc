"""Activities of `SweepWorkflow`: repair what a crash or an operator left behind."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pydantic import BaseModel, ConfigDict
from temporalio import activity


class Swept(BaseModel):
    """How many things were repaired."""

    model_config = ConfigDict(frozen=True)

    leases: int = 0
    events: int = 0
    campaigns: int = 0
    requests: int = 0


class SweepActivities(ABC):
    """Activities of the sweeper."""

    @activity.defn(name="sweep_leases")
    @abstractmethod
    async def sweep_leases(self) -> Swept:
        """Free slots whose call workflow is gone and whose call is certainly over."""

    @activity.defn(name="sweep_events")
    @abstractmethod
    async def sweep_events(self) -> Swept:
        """Send the signals that were lost in a crash after a webhook was stored, and ask for the
        analyses whose webhook never came."""

    @activity.defn(name="sweep_campaigns")
    @abstractmethod
    async def sweep_campaigns(self) -> Swept:
        """Start the workflows of campaigns that have lost theirs; stop those that a person ended
        in Temporal."""

    @activity.defn(name="sweep_requests")
    @abstractmethod
    async def sweep_requests(self) -> Swept:
        """Signal requesters whose recipient has ended, should the signal have been lost."""
