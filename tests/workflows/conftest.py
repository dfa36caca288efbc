"""Servers for workflow tests: one real server, and one that skips time for each test."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from outdial.contracts.names import SEARCH_ATTRIBUTES

BIN = Path(sys.executable).parent


async def start_server(*dynamic: str) -> WorkflowEnvironment:
    """The full development server; `dynamic` are more of its dynamic settings."""
    return await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=str(BIN / "temporal"),
        search_attributes=list(SEARCH_ATTRIBUTES),
        dev_server_log_level="error",
        dev_server_extra_args=[
            "--dynamic-config-value",
            'history.workflowIdReuseMinimalInterval="0s"',
            *(part for value in dynamic for part in ("--dynamic-config-value", value)),
        ],
    )


async def start_skipping() -> WorkflowEnvironment:
    """A server whose clock jumps to the next timer when nobody does anything."""
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter,
        test_server_existing_path=str(BIN / "temporal-test-server"),
    )
    await register_search_attributes(environment)
    return environment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_server() as environment:
        yield environment


@pytest_asyncio.fixture(loop_scope="session")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_skipping() as environment:
        yield environment


async def register_search_attributes(environment: WorkflowEnvironment) -> None:
    await environment.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=environment.client.namespace,
            search_attributes={
                key.name: IndexedValueType.Value(
                    f"INDEXED_VALUE_TYPE_{key.indexed_value_type.name}"
                )
                for key in SEARCH_ATTRIBUTES
            },
        )
    )
