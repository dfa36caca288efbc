"""The run that those with faults are compared with."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.faults.invariants import Aftermath
from tests.faults.scenario import run


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """The scenario on a network that behaves."""
    return await run(tmp_path_factory.mktemp("undisturbed"), {})
