"""Every test here runs once for each provider that has a stage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from outdial.providers.port import Capabilities, Provider
from tests.providers.contract.registry import stages
from tests.providers.contract.running import running
from tests.providers.contract.stage import Stage

Build = Callable[..., Provider]


@pytest.fixture(params=sorted(stages()))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """The far side of a provider; what it saw must be as the provider's schema wants it. A test
    marked `connections` reaches it by real ones."""
    connections = request.node.get_closest_marker("connections") is not None
    async with running(stages()[request.param], connections=connections) as stage:
        yield stage


@pytest.fixture
async def build(stage: Stage) -> AsyncIterator[Build]:
    """Build an adapter whose line differs from the stage's own; closed after the test."""
    built: list[Provider] = []

    def new(**changes: Any) -> Provider:
        built.append(stage.provider_class(stage.line(**changes)))
        return built[-1]

    yield new
    for provider in built:
        await provider.aclose()


@pytest.fixture
def provider(build: Build) -> Provider:
    """The adapter, on a line at the stage."""
    return build()


@pytest.fixture
def can(stage: Stage) -> Capabilities:
    """What the provider can do; a test of the rest has nothing to show."""
    return stage.provider_class.capabilities
