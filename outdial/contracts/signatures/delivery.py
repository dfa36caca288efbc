"""Activities of `DeliveryWorkflow`, and their messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from temporalio import activity


class EndpointRef(BaseModel):
    model_config = ConfigDict(frozen=True)

    tenant: str
    endpoint_id: str


class Drained(BaseModel):
    """How far an outbox was drained."""

    model_config = ConfigDict(frozen=True)

    sent: int = 0
    """Requests, delivered or not."""
    wake_at: datetime | None = None
    """When the next one is due; None when nothing is pending."""


class DeliveryActivities(ABC):
    """Activities of one endpoint."""

    @activity.defn(name="drain_endpoint")
    @abstractmethod
    async def drain_endpoint(self, endpoint: EndpointRef) -> Drained:
        """Send what is due, in order for each subject, until nothing is or a while has passed."""
