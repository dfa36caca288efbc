"""An engine, and a customer of Voxanne's API at an address of its own: limits are by address."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.domain.call.request import CallView
from outdial.services.calls import calls
from tests.compat.server import customer_of, engine_at_work
from tests.e2e.engine import Engine
from tests.waiting import until

AGENT: dict[str, Any] = {
    "name": "Front Desk Agent",
    "voice_provider": "elevenlabs",
    "voice_id": "rachel",
    "prompt": "You are a friendly medical receptionist...",
    "tools": ["book_appointment", "check_availability"],
}
"""The request of the reference's sample."""

_hosts = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(temporal_server: WorkflowEnvironment) -> AsyncIterator[Engine]:
    async with engine_at_work(temporal_server) as running:
        yield running


@pytest.fixture
def address() -> str:
    """Of this machine; another one for each test."""
    number = next(_hosts)
    return f"127.1.{number // 200}.{number % 200 + 1}"


@pytest_asyncio.fixture(loop_scope="session")
async def http(at_work: Engine, address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with customer_of(at_work, "voxanne", address=address) as client:
        yield client


async def new_agent(http: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await http.post("/api/agents", json=AGENT | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def new_contact(http: httpx.AsyncClient, phone: str, **changes: Any) -> dict[str, Any]:
    answer = await http.post("/api/contacts", json={"name": "Jane Doe", "phone": phone} | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def call_made(at_work: Engine, http: httpx.AsyncClient, phone: str) -> CallView:
    """A call to a new contact, once it is over."""
    await new_agent(http)
    contact = await new_contact(http, phone)
    answer = await http.post(f"/api/contacts/{contact['id']}/call-back")
    assert answer.status_code == 201, answer.text
    return await until_done(at_work, answer.json()["vapiCallId"])


async def until_done(at_work: Engine, call_id: str) -> CallView:
    """Looked at behind the door, where nobody counts."""

    async def done() -> bool:
        return (await calls.get_call(at_work.ctx, call_id)).done

    await until(done, timeout=30, interval=0.1)
    return await calls.get_call(at_work.ctx, call_id)
