"""The compatible APIs over a whole engine: what is asked for over HTTP reaches a telephone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.domain.access import EVERYTHING
from outdial.services.accounts.keys import create_key
from tests.databases import migrated, sqlite_database
from tests.e2e.engine import Engine, engine
from tests.e2e.stacks import PEOPLE
from tests.receiver import Receiver, receiving
from tests.serving import client_at
from tests.waiting import until

__all__ = ["at_work", "customer", "key"]

NOW = datetime(2026, 12, 2, 18, 0, tzinfo=UTC)
"""A Wednesday; 10:00 in California, where the vendors' samples call."""
WITHIN = 30
"""Seconds for a call of half a second, on a machine that does other things too."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(temporal_server: WorkflowEnvironment) -> AsyncIterator[Engine]:
    tenant = f"compat-{uuid.uuid4().hex[:12]}"
    with sqlite_database() as url, migrated(url) as database:
        async with engine(temporal_server.client, database, NOW, tenant=tenant) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def key(at_work: Engine) -> str:
    return (await create_key(at_work.ctx, "test", (EVERYTHING,))).text


@pytest_asyncio.fixture(loop_scope="session")
async def customer() -> AsyncIterator[Receiver]:
    async with receiving(Receiver()) as receiver:
        yield receiver


@contextmanager
def people(at_work: Engine, **different: Any) -> Iterator[None]:
    """Who is called within this block is like that, otherwise as everybody."""
    before = {name: PEOPLE.get(name, {}) for name in different}
    network = at_work.network.simulation
    network.configure({"people": different})
    yield
    network.configure({"people": before})


@dataclass(frozen=True)
class Client:
    """A client of one system: it has a base URL and a key, and sends what it is told to."""

    base: str
    headers: Mapping[str, str]

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        async with client_at() as http:
            chosen = self.headers if headers is None else headers
            return await http.request(method, self.base + path, headers=dict(chosen), **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.send("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.send("POST", path, json=body, **more)


def client_of(base: str, text: str) -> Client:
    return Client(base, {"authorization": f"Bearer {text}"})


async def until_true(check: Callable[[], Awaitable[bool]]) -> None:
    await until(check, timeout=WITHIN, interval=0.05)
