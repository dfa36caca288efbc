"""The API on a port of this machine, with the far side of everything real."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import httpx
import pytest_asyncio
from fastapi import FastAPI
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from outdial.api.app import build_app, open_state
from outdial.api.state import ApiPolicy, ApiState
from outdial.store.db.database import Database
from tests.api.applications import application
from tests.services.servers import database, world
from tests.services.world import World, build_world
from tests.serving import client_at, listening

__all__ = [
    "api",
    "api_without_database",
    "api_without_temporal",
    "database",
    "world",
]


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        listening(app) as base,
        client_at(base) as client,
    ):
        yield client


@asynccontextmanager
async def serving_world(
    world: World, policy: ApiPolicy | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """The API over this context."""
    own = policy or ApiPolicy()

    def opened() -> AbstractAsyncContextManager[ApiState]:
        return open_state(world.ctx, "http://testserver", own)

    with application(opened) if policy is None else nullcontext(build_app(opened, own)) as app:
        async with serving(app) as client:
            yield client


@pytest_asyncio.fixture(loop_scope="session")
async def api(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with serving_world(world) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def api_without_database(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Its database is a port that nobody listens on."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        gone = Database(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing")
        async with serving_world(build_world(gone, world.ctx.temporal)) as client:
            yield client
        gone.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def api_without_temporal(world: World) -> AsyncIterator[httpx.AsyncClient]:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        client = await Client.connect(address, lazy=True, data_converter=pydantic_data_converter)
        async with serving_world(build_world(world.ctx.database, client)) as http:
            yield http
