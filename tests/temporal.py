"""The Temporal servers of the tests. A plugin of tests/conftest.py: a process starts one."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from outdial.contracts.search_attributes import SEARCH_ATTRIBUTES

BIN = Path(sys.executable).parent
NO_SCHEDULES = "worker.perNamespaceWorkerCount=0"
DYNAMIC = ('history.workflowIdReuseMinimalInterval="0s"', "frontend.WorkflowPauseEnabled=true")


async def start_server(*dynamic: str, namespaces: Iterable[str] = ()) -> WorkflowEnvironment:
    """The full development server; `dynamic` are more of its dynamic settings."""
    named = [part for name in namespaces for part in ("--namespace", name)]
    settings = [
        part for value in (*DYNAMIC, *dynamic) for part in ("--dynamic-config-value", value)
    ]
    return await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=str(BIN / "temporal"),
        search_attributes=list(SEARCH_ATTRIBUTES),
        dev_server_log_level="error",
        dev_server_extra_args=[*named, *settings],
    )


async def start_bare() -> WorkflowEnvironment:
    """A server that nothing of ours is registered on."""
    return await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BIN / "temporal"), dev_server_log_level="error"
    )


async def start_skipping() -> WorkflowEnvironment:
    """A server whose clock jumps to the next timer when nobody does anything."""
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter,
        test_server_existing_path=str(BIN / "temporal-test-server"),
    )
    await register_search_attributes(environment)
    return environment


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def everybodys_server(request: pytest.FixtureRequest) -> AsyncIterator[WorkflowEnvironment]:
    """One server, with a namespace for each module that asks for it. It runs no schedules: that
    takes workers of the server in each namespace, which compute more than it does itself."""
    asking = (item for item in request.session.items if _asks(item))
    namespaces = sorted({_namespace(item) for item in asking})
    async with await start_server(NO_SCHEDULES, namespaces=namespaces) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def temporal_server(
    everybodys_server: WorkflowEnvironment, request: pytest.FixtureRequest
) -> WorkflowEnvironment:
    """A namespace of the module's own: names of workflows and task queues are nobody else's."""
    client = await Client.connect(
        everybodys_server.client.service_client.config.target_host,
        namespace=_namespace(request.node),
        data_converter=pydantic_data_converter,
    )
    return WorkflowEnvironment.from_client(client)


def _asks(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "temporal_server" in item.fixturenames


def _namespace(node: pytest.Item | pytest.Collector) -> str:
    return node.nodeid.partition("::")[0].removesuffix(".py").replace("/", "-").replace("_", "-")
