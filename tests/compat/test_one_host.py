"""All five systems' APIs in one process, for one tenant: each in its own words."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from outdial.services.accounts import directory
from outdial.services.accounts.directory import CONTACTS, PHONE_NUMBERS
from tests.api.conftest import database, serving_world
from tests.api.v1.conftest import bearer, new_key
from tests.compat.limits import asked_elsewhere
from tests.services.servers import world
from tests.services.world import World

__all__ = ["database", "world"]

TO = "+14155551234"
REFUSING: dict[str, tuple[str, str, set[str]]] = {
    "buildvoiceai": ("POST", "/api/v1/calls/trigger", {"success", "error"}),
    "vozagent": ("GET", "/v1/calls", {"error"}),
    "thinnestai": ("GET", "/voice/sessions", {"detail", "status"}),
    "voxanne": ("GET", "/api/calls", {"error"}),
    "voxpria": ("GET", "/api/v1/calls", {"success", "error"}),
}
"""A route of each, and the members of its errors."""


async def test_75_each_gets_its_own_dialect(world: World) -> None:
    ctx = world.ctx
    await directory.add_agent(ctx, {"id": "agent_xyz", "name": "Voz", "is_default": True})
    await directory.add(ctx, PHONE_NUMBERS, {"phone": "+18005551234"})
    contact = await directory.add(ctx, CONTACTS, {"phone": TO, "first_name": "Jane"})
    dials: list[tuple[str, dict[str, Any] | None]] = [
        (
            "buildvoiceai/api/v1/calls/trigger",
            {"phone_number": TO, "agent_id": "agent_xyz"},
        ),
        ("vozagent/v1/calls/outbound", {"phone_number": TO, "assistant_name": "Voz"}),
        (
            "thinnestai/voice/outbound/dial",
            {"agent_id": "agent_xyz", "to_number": TO, "from_number": "+18005551234"},
        ),
        (f"voxanne/api/contacts/{contact.id}/call-back", None),
        ("voxpria/api/v1/calls", {"agentId": "agent_xyz", "toNumber": TO, "variables": {}}),
    ]
    async with serving_world(world) as http:
        http.headers.update(bearer((await new_key(world)).text))
        answers = await asyncio.gather(
            *(http.post(f"/compat/{path}", json=body) for path, body in dials),
            http.get("/compat/voxanne/api/calls?limit=20&status=completed"),
        )
        assert [answer.status_code for answer in answers] == [200, 201, 200, 201, 200, 200]
        bodies = [answer.json() for answer in answers]
        assert bodies[-1] == []
        ids = {
            bodies[0]["data"]["call_id"],
            bodies[1]["call_id"],
            bodies[2]["call_id"],
            bodies[3]["vapiCallId"],
            bodies[4]["data"]["callId"],
        }
        own = (await http.get("/v1/calls")).json()["items"]
    assert {call["id"] for call in own} == ids
    assert len(ids) == 5
    origins = {"buildvoiceai", "vozagent", "thinnestai", "voxanne", "voxpria"}
    assert {call["origin"] for call in own} == origins


@pytest.mark.parametrize("system", REFUSING)
async def test_76_errors_are_each_systems_own(world: World, system: str) -> None:
    """401, 404, 405 and 429, which all other requests were counted for by other processes."""
    method, path, members = REFUSING[system]
    base = f"/compat/{system}"
    async with serving_world(world) as http:
        answers = [await http.request(method, base + path)]
        http.headers.update(bearer((await new_key(world)).text))
        answers += [await http.get(f"{base}{path}/no/such"), await http.put(base + path)]
        assert (await http.request(method, base + path)).status_code < 429
        await asked_elsewhere(world.ctx.database, 10**6)
        answers.append(await http.request(method, base + path))
    assert [answer.status_code for answer in answers] == [401, 404, 405, 429]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert members <= answer.json().keys() <= members | {"message", "retryAfter"}
        if system == "vozagent":
            assert answer.json()["error"].keys() >= {"code", "message"}


async def test_77_one_systems_limit_is_no_others(world: World) -> None:
    """A hundred requests from this address to Voxanne's API, and one to each of the others."""
    paths = [
        "vozagent/v1/contacts",
        "thinnestai/voice/sessions",
        "voxpria/api/v1/calls",
    ]
    async with serving_world(world) as http:
        http.headers.update(bearer((await new_key(world)).text))
        for _ in range(10):
            some = (http.get("/compat/voxanne/api/agents") for _ in range(10))
            assert {one.status_code for one in await asyncio.gather(*some)} == {200}
        assert (await http.get("/compat/voxanne/api/agents")).status_code == 429
        others = [await http.get(f"/compat/{path}") for path in paths]
        triggered: httpx.Response = await http.post(
            "/compat/buildvoiceai/api/v1/calls/trigger", json={}
        )
    assert [answer.status_code for answer in others] == [200, 200, 200]
    assert triggered.status_code == 400


@pytest.mark.parametrize("system", REFUSING)
async def test_each_refuses_a_path_with_a_line_break_itself(world: World, system: str) -> None:
    _, path, members = REFUSING[system]
    async with serving_world(world) as http:
        http.headers.update(bearer((await new_key(world)).text))
        answer = await http.get(f"/compat/{system}{path}/%0Anone/%0A")
    assert answer.status_code == 404
    assert members <= answer.json().keys() <= members | {"message"}
