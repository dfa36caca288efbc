from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from outdial.resources.resources import Resources
from tests.services.servers import database, world
from tests.services.world import World
from worker import build_workers

__all__ = ["database", "working", "world"]


@pytest_asyncio.fixture(loop_scope="session")
async def working(world: World) -> AsyncIterator[World]:
    ctx = world.ctx
    resources = Resources(
        ctx.database, ctx.temporal, ctx.lines, ctx.clock, public_url="http://127.0.0.1:1"
    )
    workflows, calls, after = build_workers(ctx.temporal, resources, workflow_sandbox=True)
    async with workflows, calls, after:
        yield world
