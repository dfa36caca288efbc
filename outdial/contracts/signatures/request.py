"""Activities of `RequestCallWorkflow`, and their messages."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from outdial.domain.call.plan import CallRequest


class RequestInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    tenant: str
    key: str
    """Two requests with one key are the same request."""
    request: CallRequest
    workflow_id: str
    withdrawn: bool = False
    """It was cancelled while it was being enrolled: no call is to be made."""


class Requested(BaseModel):
    model_config = ConfigDict(frozen=True)

    recipient_id: int


class RequestRef(BaseModel):
    model_config = ConfigDict(frozen=True)

    tenant: str
    recipient_id: int


class RequestState(BaseModel):
    """Where a request stands."""

    model_config = ConfigDict(frozen=True)

    done: bool
    outcome: str | None = None
    status: str | None = None
    reason: str | None = None
    attempts: int = 0
    call_id: str | None = None
    duration_seconds: float | None = None
    waiting_for: str | None = None


class RequestActivities(ABC):
    """Activities of one request for a call."""

    @activity.defn(name="enroll_request")
    @abstractmethod
    async def enroll_request(self, request: RequestInput) -> Requested:
        """Put it on the roster of the tenant's direct campaign, and wake that; one that is
        withdrawn ends there, whether it is new or not."""

    @activity.defn(name="read_request")
    @abstractmethod
    async def read_request(self, request: RequestRef) -> RequestState:
        """Where the request stands."""

    @activity.defn(name="withdraw_request")
    @abstractmethod
    async def withdraw_request(self, request: RequestRef) -> RequestState:
        """Take it off the roster; hang up if it is being called."""
