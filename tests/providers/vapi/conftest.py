"""A Vapi organization, and the adapter on a line at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from outdial.providers.adapters.vapi.client import VapiProvider
from tests.providers.contract.running import connected, running
from tests.providers.contract.stage import FarCall
from tests.providers.vapi.stage import VapiStage


@pytest.fixture
async def stage() -> AsyncIterator[VapiStage]:
    async with running(VapiStage) as stage:
        yield stage


@pytest.fixture
async def vapi(stage: VapiStage) -> AsyncIterator[VapiProvider]:
    async with connected(VapiProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: VapiStage, vapi: VapiProvider) -> FarCall:
    placed = await vapi.place(stage.order())
    return stage.calls[placed.provider_call_id]
