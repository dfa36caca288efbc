"""Servers for workflow tests: the real one, and one that skips time for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from tests.temporal import start_skipping


@pytest.fixture(scope="module")
def server(temporal_server: WorkflowEnvironment) -> WorkflowEnvironment:
    return temporal_server


@pytest_asyncio.fixture(loop_scope="session")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_skipping() as environment:
        yield environment
