"""Two customers of one installation, and the API that both of them ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from outdial.domain.access import EVERYTHING
from outdial.services.accounts.keys import NewKey, create_key
from tests.api.conftest import database, serving_world, world
from tests.api.v1.promises import require_documented
from tests.services.world import OTHER_TENANT, World
from tests.serving import client_at

__all__ = ["database", "world"]


@dataclass(frozen=True)
class Customer:
    """A tenant with a key that may do everything."""

    http: httpx.AsyncClient
    key: NewKey
    tenant: str

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.key.text)


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


async def new_key(
    world: World, tenant: str = "default", scopes: tuple[str, ...] = (EVERYTHING,)
) -> NewKey:
    return await create_key(replace(world.ctx, tenant=tenant), "test", scopes)


async def new_customer(http: httpx.AsyncClient, world: World, tenant: str) -> Customer:
    key = await new_key(world, tenant)
    hooks = {"response": [require_documented]}
    own = client_at(http.base_url, headers=bearer(key.text), event_hooks=hooks)
    return Customer(own, key, tenant)


@pytest_asyncio.fixture(loop_scope="session")
async def api(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Without a key."""
    async with serving_world(world) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def us(api: httpx.AsyncClient, world: World) -> AsyncIterator[Customer]:
    customer = await new_customer(api, world, "default")
    async with customer.http:
        yield customer


@pytest_asyncio.fixture(loop_scope="session")
async def them(api: httpx.AsyncClient, world: World) -> AsyncIterator[Customer]:
    customer = await new_customer(api, world, OTHER_TENANT)
    async with customer.http:
        yield customer


@pytest.fixture
def upload_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder
