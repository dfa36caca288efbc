"""A whole engine behind its HTTP door, and customers of compatible APIs."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from temporalio.testing import WorkflowEnvironment

from outdial.domain.access import EVERYTHING
from outdial.services.accounts.keys import NewKey, create_key
from tests.databases import migrated, sqlite_database
from tests.e2e.engine import Engine, engine
from tests.serving import client_at
from tests.waiting import until

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
"""An hour at which people may be called from New York to San Francisco."""


@asynccontextmanager
async def engine_at_work(temporal: WorkflowEnvironment) -> AsyncIterator[Engine]:
    tenant = f"compat-{uuid.uuid4().hex[:12]}"
    with sqlite_database() as url, migrated(url) as database:
        async with engine(temporal.client, database, NOW, tenant=tenant) as running:
            yield running


async def new_key(at_work: Engine, *scopes: str) -> NewKey:
    return await create_key(at_work.ctx, "test", scopes or (EVERYTHING,))


@asynccontextmanager
async def customer_of(
    at_work: Engine, system: str, *, key: str | None = None, address: str = "127.0.0.1"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a system's API, unchanged but for its base URL and key; by default a new one.

    Asked from the given address of this machine, for limits by address.
    """
    text = key if key is not None else (await new_key(at_work)).text
    async with client_at(
        f"{at_work.api}/compat/{system}",
        headers={"authorization": f"Bearer {text}"},
        transport=httpx.AsyncHTTPTransport(verify=False, local_address=address),
    ) as client:
        yield client


async def until_status(http: httpx.AsyncClient, path: str, *wanted: str) -> dict[str, Any]:
    """What is found at a path once its `status` is one of the wanted ones."""
    call: dict[str, Any] = {}

    async def reached() -> bool:
        call.update((await http.get(path)).json())
        return call["status"] in wanted

    await until(reached, timeout=30, interval=0.1)
    return call
