"""A defect of ours is answered as one over HTTP, never as an outage that passes by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings

from outdial.runtime.log_subject import log_subject
from outdial.runtime.logging import JsonFormatter
from outdial.store.db.database import Database
from tests.api.conftest import serving_world
from tests.api.v1.conftest import bearer, new_key
from tests.services.defective import (
    DEFECTS,
    NEVER_CONNECTED,
    DefectiveServiceClient,
    client_of,
)
from tests.services.world import build_world


@dataclass(frozen=True)
class Broken:
    """An API whose client of Temporal has a defect, and a campaign behind it."""

    service: DefectiveServiceClient
    http: httpx.AsyncClient
    headers: dict[str, str]
    campaign: str

    async def pause(self) -> tuple[int, str]:
        path = f"/v1/campaigns/{self.campaign}/pause"
        refused = await self.http.post(path, headers=self.headers, json={})
        return refused.status_code, refused.json()["code"]


@pytest_asyncio.fixture(loop_scope="session")
async def broken(database: Database) -> AsyncIterator[Broken]:
    service = DefectiveServiceClient()
    world = build_world(database, client_of(service))
    [call] = await world.claim_calls(1)
    key = await new_key(world)
    async with serving_world(world) as http:
        yield Broken(service, http, bearer(key.text), call.campaign)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=DEFECTS)
async def test_a_runtime_error_of_ours_is_a_defect(broken: Broken, text: str) -> None:
    broken.service.text = text
    assert await broken.pause() == (500, "internal")
    ready = await broken.http.get("/readyz")
    assert ready.status_code == 500
    assert "unavailable" not in ready.text


async def test_an_outage_is_answered_as_one(broken: Broken) -> None:
    """The same requests, so that the test above is about the error alone."""
    broken.service.text = f"{NEVER_CONNECTED}nobody listens"
    assert await broken.pause() == (503, "temporal_unavailable")
    ready = await broken.http.get("/readyz")
    assert (ready.status_code, ready.json()["temporal"]) == (200, "unavailable")


async def test_its_entry_in_the_log_says_whose_campaign_it_is_about(
    broken: Broken, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonFormatter())
    broken.service.text = f"{NEVER_CONNECTED}nobody listens"
    assert (await broken.pause())[0] == 503
    (entry,) = map(json.loads, caplog.text.splitlines())
    assert (entry["tenant"], entry["campaign"]) == ("default", broken.campaign)
    assert log_subject() == {}
