"""Who is let in at Voxpria's API, how often, and what is refused in which words (rows 73, 74)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.v1.conftest import Customer
from tests.compat.limits import asked_elsewhere
from tests.services.world import World

BASE = "/compat/voxpria/api/v1"
TRIGGER = {"agentId": "agent_abc123", "toNumber": "+14155551234", "variables": {}}


def require_refused(answer: httpx.Response, status: int) -> str:
    """The text of an error in Voxpria's envelope."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"success", "error"}
    assert body["success"] is False
    return str(body["error"])


@pytest.mark.parametrize("call_id", ["nosuch", "trigger"])
async def test_row_73_calls_that_there_are_not(us: Customer, call_id: str) -> None:
    require_refused(await us.http.get(f"{BASE}/calls/{call_id}"), 404)


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer od_1_2", "Basic eDp5"])
async def test_row_74_without_a_good_key(api: httpx.AsyncClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    for method, path in (("POST", "/calls"), ("GET", "/calls"), ("GET", "/calls/x")):
        body = TRIGGER if method == "POST" else None
        answer = await api.request(method, f"{BASE}{path}", headers=headers, json=body)
        require_refused(answer, 401)


async def test_the_other_header_for_keys(api: httpx.AsyncClient, us: Customer) -> None:
    answer = await api.get(f"{BASE}/calls", headers={"x-api-key": us.key.text})
    assert answer.json() == {
        "success": True, "data": [], "pagination": {"page": 1, "limit": 50, "total": 0}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"toNumber": "4155551234"}, "toNumber"),
        ({"toNumber": None}, "toNumber"),
        ({"agentId": ""}, "agentId"),
        ({"variables": "John"}, "variables"),
    ],
)
async def test_what_cannot_be_asked_for(
    us: Customer, changes: dict[str, Any], message: str
) -> None:
    answer = await us.http.post(f"{BASE}/calls", json=TRIGGER | changes)
    assert message in require_refused(answer, 400)


async def test_no_json(us: Customer) -> None:
    headers = {"content-type": "application/json"}
    answer = await us.http.post(f"{BASE}/calls", content=b"{", headers=headers)
    require_refused(answer, 400)


async def test_row_76_paths_and_methods_that_there_are_not(us: Customer) -> None:
    require_refused(await us.http.get(f"{BASE}/nosuch"), 404)
    require_refused(await us.http.delete(f"{BASE}/calls"), 405)


async def test_a_hundred_calls_a_minute(us: Customer, world: World) -> None:
    for n in (0, 1, 98, 99):
        if n == 98:
            await asked_elsewhere(world.ctx.database, n)
        answer = await us.http.post(f"{BASE}/calls", json=TRIGGER)
        assert answer.status_code == 200
        assert answer.headers["x-ratelimit-limit"] == "100"
        assert int(answer.headers["x-ratelimit-remaining"]) == 99 - n
    refused = await us.http.post(f"{BASE}/calls", json=TRIGGER)
    require_refused(refused, 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    resets_at = int(refused.headers["x-ratelimit-reset"])
    assert resets_at == int(world.clock.now.timestamp()) + 60
    listed = await us.http.get(f"{BASE}/calls")
    assert (listed.status_code, listed.headers["x-ratelimit-limit"]) == (200, "1000")


async def test_another_tenant_finds_nothing(us: Customer, them: Customer) -> None:
    made = (await us.http.post(f"{BASE}/calls", json=TRIGGER)).json()["data"]["callId"]
    require_refused(await them.http.get(f"{BASE}/calls/{made}"), 404)
    assert (await them.http.get(f"{BASE}/calls")).json()["data"] == []


async def test_an_unknown_event(us: Customer) -> None:
    endpoint = {"url": "https://example.com/hooks", "events": ["call.started", "call.danced"]}
    answer = await us.http.post(f"{BASE}/webhooks", json=endpoint)
    assert "call.danced" in require_refused(answer, 400)


async def test_a_url_within_our_own_network(us: Customer) -> None:
    endpoint = {"url": "http://127.0.0.1/hooks", "events": ["call.started"]}
    require_refused(await us.http.post(f"{BASE}/webhooks", json=endpoint), 400)
