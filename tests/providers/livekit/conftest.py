"""A LiveKit project, and the adapter on a line at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from outdial.providers.adapters.livekit.client import LiveKitProvider
from tests.providers.contract.running import connected, running
from tests.providers.contract.stage import FarCall
from tests.providers.livekit.stage import LiveKitStage


@pytest.fixture
async def stage() -> AsyncIterator[LiveKitStage]:
    async with running(LiveKitStage) as stage:
        yield stage


@pytest.fixture
async def livekit(stage: LiveKitStage) -> AsyncIterator[LiveKitProvider]:
    async with connected(LiveKitProvider, stage) as provider:
        yield provider


@pytest.fixture
async def call(stage: LiveKitStage, livekit: LiveKitProvider) -> FarCall:
    placed = await livekit.place(stage.order())
    return stage.calls[placed.provider_call_id]
