"""What the compatible APIs' own OpenAPI documents promise, tried by schemathesis."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.core.result import Ok

from outdial.api.compat.systems import SYSTEMS
from tests.api.v1.conftest import Customer, api, us
from tests.api.v1.test_openapi import EXAMPLES, drawing, try_operation
from tests.services.servers import database, world
from tests.services.world import World

__all__ = ["api", "database", "us", "world"]


@pytest.mark.parametrize(("name", "app"), [(name, create()) for name, create in SYSTEMS])
@pytest.mark.parametrize("examples", EXAMPLES)
async def test_no_defect_and_no_undocumented_answer(
    us: Customer, world: World, name: str, app: FastAPI, examples: int
) -> None:
    schema = schemathesis.openapi.from_dict(app.openapi())
    base = f"{str(us.http.base_url).rstrip('/')}/compat/{name}"
    failures: list[str] = []
    run = drawing(examples)

    def try_all() -> None:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result
            world.clock.now += timedelta(hours=1)  # else most answers would be that it's too often
            try_operation(result.ok(), base, us.headers, run, failures)

    await asyncio.to_thread(try_all)
    assert failures == []
