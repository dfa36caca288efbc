"""Signatures of the workflows, by which the engine starts them.

The workflows are in `workflows/`, which nothing here may import; a test compares names and
arguments of both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from temporalio import workflow

from outdial.contracts.messages import (
    CallbackRunInput,
    CallbackRunResult,
    CallResult,
    CampaignInput,
    CampaignResult,
    DeliveryResult,
    RequestCallInput,
    RequestResult,
    SweepResult,
)
from outdial.contracts.signatures.delivery import EndpointRef
from outdial.contracts.signatures.launch import LaunchInput
from outdial.domain.call.claim import ClaimedCall


@workflow.defn(name="CampaignWorkflow")
class CampaignWorkflow(ABC):
    """Calls all recipients on a campaign's roster."""

    @workflow.run
    @abstractmethod
    async def run(self, campaign: CampaignInput) -> CampaignResult: ...


@workflow.defn(name="CallWorkflow")
class CallWorkflow(ABC):
    """Places one call and follows it to its end."""

    @workflow.run
    @abstractmethod
    async def run(self, call: ClaimedCall) -> CallResult: ...


@workflow.defn(name="RequestCallWorkflow")
class RequestCallWorkflow(ABC):
    """Places one requested call and returns its final outcome."""

    @workflow.run
    @abstractmethod
    async def run(self, request: RequestCallInput) -> RequestResult: ...


@workflow.defn(name="RunCampaignWorkflow")
class RunCampaignWorkflow(ABC):
    """Launches a campaign and returns how it ended."""

    @workflow.run
    @abstractmethod
    async def run(self, launch: LaunchInput) -> CampaignResult: ...


@workflow.defn(name="CallbackWorkflow")
class CallbackWorkflow(ABC):
    """Carries out the callbacks of one call that touch other systems."""

    @workflow.run
    @abstractmethod
    async def run(self, callbacks: CallbackRunInput) -> CallbackRunResult: ...


@workflow.defn(name="DeliveryWorkflow")
class DeliveryWorkflow(ABC):
    """Delivers the pending webhooks of one endpoint."""

    @workflow.run
    @abstractmethod
    async def run(self, endpoint: EndpointRef) -> DeliveryResult: ...


@workflow.defn(name="SweepWorkflow")
class SweepWorkflow(ABC):
    """Runs one round of all sweeps."""

    @workflow.run
    @abstractmethod
    async def run(self) -> SweepResult: ...
