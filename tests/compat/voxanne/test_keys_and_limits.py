"""Keys, limits and errors of Voxanne's API."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.compat.limits import asked_elsewhere
from tests.compat.server import customer_of, new_key
from tests.e2e.engine import Engine

PATHS = [
    ("GET", "/api/agents"),
    ("POST", "/api/agents"),
    ("PATCH", "/api/agents/x"),
    ("GET", "/api/calls"),
    ("GET", "/api/calls/x/transcript"),
    ("GET", "/api/contacts"),
    ("POST", "/api/contacts/x/call-back"),
    ("GET", "/api/appointments"),
    ("POST", "/api/appointments"),
    ("PATCH", "/api/appointments/x"),
    ("DELETE", "/api/appointments/x"),
    ("GET", "/api/webhook-logs"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_65_nobody_without_a_key(
    at_work: Engine, address: str, method: str, path: str
) -> None:
    async with customer_of(at_work, "voxanne", key="wrong", address=address) as http:
        wrong = await http.request(method, path)
        none = await http.request(method, path, headers={"authorization": ""})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "Invalid or expired token"})
    assert (none.status_code, none.json()) == (
        401,
        {"error": "Missing or invalid Authorization header"},
    )


async def test_64_77_a_hundred_from_one_address(
    at_work: Engine, http: httpx.AsyncClient, address: str
) -> None:
    assert (await http.get("/api/agents")).headers["ratelimit-remaining"] == "99"
    await asked_elsewhere(at_work.ctx.database, 90, f"voxanne/all/address/{address}/%")
    answers = await asyncio.gather(*(http.get("/api/agents") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert min(int(answer.headers["ratelimit-remaining"]) for answer in answers) == 0
    refused = await http.get("/api/agents")
    assert refused.status_code == 429
    body = refused.json()
    assert (body["error"], body["retryAfter"]) == (
        "Too many requests",
        int(refused.headers["retry-after"]),
    )
    assert 0 < body["retryAfter"] <= 15 * 60
    assert int(refused.headers["ratelimit-reset"]) <= 15 * 60
    headers = {"authorization": http.headers["authorization"]}
    others = str(http.base_url).replace("/compat/voxanne", "/compat/thinnestai")
    same_address = await http.get(f"{others.rstrip('/')}/voice/sessions", headers=headers)
    assert same_address.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nosuch", 404), ("PUT", "/api/calls", 405)]
)
async def test_76_the_envelope_is_its_own(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert answer.json().keys() == {"error"}


async def test_64_a_thousand_of_one_organization(at_work: Engine) -> None:
    """From many addresses, with any key. All but the last have been counted by other processes:
    in the database, where limits are kept."""
    key, another = await new_key(at_work), await new_key(at_work)

    async def ask(text: str, address: str) -> httpx.Response:
        async with customer_of(at_work, "voxanne", key=text, address=address) as http:
            return await http.get("/api/agents")

    first = await ask(key.text, "127.2.0.1")
    assert first.headers["ratelimit-remaining"] == "99"
    await asked_elsewhere(at_work.ctx.database, 999, "voxanne/all/tenant/%")
    last = await ask(another.text, "127.2.0.2")
    assert (last.status_code, last.headers["ratelimit-remaining"]) == (200, "0")
    assert last.headers["ratelimit-limit"] == "1000"
    for text in (key.text, another.text):
        refused = await ask(text, "127.2.0.3")
        assert (refused.status_code, refused.json()["error"]) == (429, "Too many requests")
        assert 0 < refused.json()["retryAfter"] <= 3600
