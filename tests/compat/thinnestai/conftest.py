"""An engine, and a customer of the voice API with a verified number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.services.accounts import directory
from outdial.services.accounts.directory import PHONE_NUMBERS
from tests.compat.server import customer_of, engine_at_work
from tests.e2e.engine import Engine

VERIFIED = "+18005551234"
ORDER: dict[str, Any] = {
    "agent_id": "agent_xyz",
    "to_number": "+14155551234",
    "from_number": VERIFIED,
    "context": {"customer_name": "Jane Doe", "order_id": "ORD-123"},
    "max_duration": 300,
    "recording": True,
    "webhook_url": "https://your-app.com/call-events",
}
"""The request of the page's sample."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(temporal_server: WorkflowEnvironment) -> AsyncIterator[Engine]:
    async with engine_at_work(temporal_server) as running:
        await directory.add(running.ctx, PHONE_NUMBERS, {"phone": VERIFIED})
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def http(at_work: Engine) -> AsyncIterator[httpx.AsyncClient]:
    """With a key of its own: limits are by key."""
    async with customer_of(at_work, "thinnestai") as client:
        yield client


async def dial(http: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await http.post("/voice/outbound/dial", json=ORDER | changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
