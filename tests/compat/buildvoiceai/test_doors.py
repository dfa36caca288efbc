"""BuildVoiceAI's API without a call being made (rows 1 to 9)."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from outdial.api.state import ApiPolicy
from outdial.services.accounts.keys import switch_key
from tests.api.conftest import serving_world
from tests.api.v1.conftest import Customer, bearer, new_key
from tests.compat.limits import asked_elsewhere
from tests.services.world import World

BASE = "/compat/buildvoiceai/api/v1"
TRIGGER: dict[str, Any] = {"phone_number": "+15551234567", "agent_id": "your-agent-uuid"}


def require_refused(answer: httpx.Response, status: int) -> str:
    """The text of an error in BuildVoiceAI's envelope."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body == {"success": False, "error": body["error"]}
    return str(body["error"])


async def test_row_1_quick_start(us: Customer, api: httpx.AsyncClient) -> None:
    answer = await api.post(
        f"{BASE}/calls/trigger",
        headers={**us.headers, "content-type": "application/json"},
        content=json.dumps(TRIGGER),
    )
    assert answer.status_code == 200
    call_id = answer.json()["call_id"]
    assert str(UUID(call_id)) == call_id
    started = {"call_id": call_id, "status": "initiated"}
    assert answer.json() == {"success": True, **started, "data": started}
    call = (await us.http.get(f"/v1/calls/{call_id}")).json()
    assert (call["to"], call["agent"]) == ("+15551234567", "your-agent-uuid")
    # Nobody can have that number, so nobody is called.
    assert (call["status"], call["done"]) == ("failed", True)


@pytest.mark.parametrize("headers", [{}, bearer("wrong"), bearer("od_0_0")])
async def test_row_2_wrong_keys(api: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await api.post(f"{BASE}/calls/trigger", headers=headers, json=TRIGGER)
    assert answer.status_code == 401
    assert answer.json() == {"success": False, "error": "Invalid API key"}


async def test_row_3_bad_requests(us: Customer) -> None:
    path, plain = f"{BASE}/calls/trigger", {"content-type": "application/json"}
    assert "phone_number" in require_refused(await us.http.post(path, json={}), 400)
    require_refused(await us.http.post(path, content=b"phone", headers=plain), 400)
    short = await us.http.post(path, json=TRIGGER | {"phone_number": "5551234"})
    assert require_refused(short, 400) == "Invalid phone number format"
    assert (await us.http.get("/v1/calls")).json()["items"] == []


async def test_row_4_access_switched_off(us: Customer, world: World) -> None:
    await switch_key(world.ctx, us.key.key.id, enabled=False)
    require_refused(await us.http.post(f"{BASE}/calls/trigger", json=TRIGGER), 403)
    await switch_key(world.ctx, us.key.key.id, enabled=True)
    assert (await us.http.post(f"{BASE}/calls/trigger", json=TRIGGER)).status_code == 200


async def test_row_4_a_key_that_may_only_read(api: httpx.AsyncClient, world: World) -> None:
    key = await new_key(world, scopes=("calls:read",))
    answer = await api.post(f"{BASE}/calls/trigger", headers=bearer(key.text), json=TRIGGER)
    require_refused(answer, 403)


async def test_row_5_no_such_path(us: Customer) -> None:
    require_refused(await us.http.post(f"{BASE}/nosuch", json=TRIGGER), 404)


async def test_row_76_no_such_method(us: Customer) -> None:
    require_refused(await us.http.get(f"{BASE}/calls/trigger"), 405)


async def test_row_6_a_hundred_requests_a_minute(us: Customer, world: World) -> None:
    path, bad = f"{BASE}/calls/trigger", {"phone_number": "5551234"}
    assert (await us.http.post(path, json=bad)).status_code == 400
    await asked_elsewhere(world.ctx.database, 98)
    for _ in range(2):
        assert (await us.http.post(path, json=bad)).status_code == 400
    refused = await us.http.post(path, json=TRIGGER)
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= 60
    message = f"Rate limit exceeded. Retry after {seconds} seconds."
    assert require_refused(refused, 429) == message
    other = await new_key(world)
    answer = await us.http.post(path, json=TRIGGER, headers=bearer(other.text))
    assert answer.status_code == 200


async def test_row_7_a_fault_of_the_server(api_without_database: httpx.AsyncClient) -> None:
    answer = await api_without_database.post(
        f"{BASE}/calls/trigger", headers=bearer("od_0_0"), json=TRIGGER
    )
    require_refused(answer, 500)


async def test_row_8_plain_http_is_rejected(world: World) -> None:
    key = await new_key(world)
    async with serving_world(world, ApiPolicy(require_https=True)) as http:
        answer = await http.post(f"{BASE}/calls/trigger", headers=bearer(key.text), json=TRIGGER)
        assert answer.status_code == 403
        assert "location" not in answer.headers
        listed = await http.get("/v1/calls", headers=bearer(key.text))
        assert listed.status_code == 403


async def test_row_9_the_default_agent(us: Customer) -> None:
    path, body = f"{BASE}/calls/trigger", {"phone_number": "+14155551234"}
    refused = await us.http.post(path, json=body)
    message = "No agent specified and no default agent configured"
    assert require_refused(refused, 400) == message
    agent = {"id": "front-desk", "name": "Front desk", "is_default": True}
    assert (await us.http.post("/v1/agents", json=agent)).status_code == 201
    more = {"name": "Ana", "email": "ana@example.com", "metadata": {"order": 4711}}
    answer = await us.http.post(path, json=body | more)
    assert answer.status_code == 200
    call = (await us.http.get(f"/v1/calls/{answer.json()['call_id']}")).json()
    assert call["agent"] == "front-desk"
    assert (call["variables"]["name"], call["variables"]["email"]) == ("Ana", "ana@example.com")
    assert call["context"]["metadata"] == {"order": 4711}
