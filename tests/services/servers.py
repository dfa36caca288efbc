"""Fixtures of everything a door or a service needs; imported by the folders that use them."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from outdial.contracts.names import SEARCH_ATTRIBUTES
from outdial.store.db.database import Database
from tests.databases import migrated
from tests.services.world import World, build_world


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_server() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=str(Path(sys.executable).with_name("temporal")),
        search_attributes=list(SEARCH_ATTRIBUTES),
        dev_server_log_level="error",
        dev_server_extra_args=["--dynamic-config-value", "frontend.WorkflowPauseEnabled=true"],
    ) as environment:
        yield environment


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as database:
        yield database


@pytest.fixture
def world(database: Database, temporal_server: WorkflowEnvironment) -> World:
    return build_world(database, temporal_server.client)
