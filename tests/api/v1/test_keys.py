"""Keys over HTTP: shown once, scoped, limited, rotated, revoked; never another tenant's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from outdial.api.state import ApiPolicy
from outdial.services.accounts.access import RateRule
from outdial.services.accounts.keys import create_key, revoke_key
from outdial.store.db.tables import api_key
from tests.api.conftest import serving_world
from tests.api.v1.conftest import Customer, bearer, new_key
from tests.services.world import NOW, World

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Basic abc"}, bearer("nonsense"), bearer("od_0011223344556677_secret")],
)
async def test_without_a_good_key_nothing_is_told(
    api: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await api.get("/v1/keys", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["www-authenticate"] == 'Bearer realm="outdial"'
    assert answer.json()["code"] == "unauthorized"


async def test_a_key_is_shown_once_and_kept_as_a_digest(us: Customer, world: World) -> None:
    made = await us.http.post("/v1/keys", json={"name": "booking", "scopes": ["calls:read"]})
    assert made.status_code == 201
    text = made.json()["key"]
    listed = (await us.http.get("/v1/keys")).json()["items"]
    assert {key["id"] for key in listed} == {us.key.key.id, made.json()["id"]}
    assert all("key" not in key for key in listed)
    rows = await world.ctx.database.read(
        lambda s: [tuple(map(str, row)) for row in s.connection().execute(select(api_key))]
    )
    secret = text.rpartition("_")[2]
    assert rows
    assert not [value for row in rows for value in row if secret in value or text in value]


async def test_a_key_may_do_what_its_scopes_say(us: Customer, api: httpx.AsyncClient) -> None:
    made = await us.http.post("/v1/keys", json={"name": "reader", "scopes": ["keys:read"]})
    headers = bearer(made.json()["key"])
    assert (await api.get("/v1/keys", headers=headers)).status_code == 200
    refused = await api.post("/v1/keys", json={"name": "more"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "keys:write" in refused.json()["detail"]


async def test_a_key_makes_none_that_may_do_more(us: Customer, api: httpx.AsyncClient) -> None:
    made = await us.http.post("/v1/keys", json={"name": "maker", "scopes": ["keys:write"]})
    headers = bearer(made.json()["key"])
    more = await api.post("/v1/keys", json={"name": "x", "scopes": ["calls:read"]}, headers=headers)
    assert (more.status_code, more.json()["code"]) == (403, "scope_missing")
    same = await api.post("/v1/keys", json={"name": "x", "scopes": ["keys:read"]}, headers=headers)
    assert same.status_code == 201


async def test_rotation_keeps_the_old_secret_as_long_as_asked(
    us: Customer, api: httpx.AsyncClient, world: World
) -> None:
    made = (await us.http.post("/v1/keys", json={"name": "turning"})).json()
    old = bearer(made["key"])
    turned = await us.http.post(f"/v1/keys/{made['id']}/rotate", json={"grace_hours": 2})
    new = bearer(turned.json()["key"])
    assert old != new
    for headers in (old, new):
        assert (await api.get("/v1/keys", headers=headers)).status_code == 200
    world.clock.now += timedelta(hours=2, seconds=1)
    assert (await api.get("/v1/keys", headers=old)).status_code == 401
    assert (await api.get("/v1/keys", headers=new)).status_code == 200


async def test_revoked_expired_and_switched_off(
    us: Customer, api: httpx.AsyncClient, world: World
) -> None:
    soon = (NOW + timedelta(hours=1)).isoformat()
    made = (await us.http.post("/v1/keys", json={"name": "short", "expires_at": soon})).json()
    off = (await us.http.post("/v1/keys", json={"name": "off"})).json()
    gone = (await us.http.post("/v1/keys", json={"name": "gone"})).json()
    assert (await us.http.delete(f"/v1/keys/{gone['id']}")).status_code == 200
    assert (await api.get("/v1/keys", headers=bearer(gone["key"]))).status_code == 401
    await us.http.patch(f"/v1/keys/{off['id']}", json={"enabled": False})
    refused = await api.get("/v1/keys", headers=bearer(off["key"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "key_disabled")
    await us.http.patch(f"/v1/keys/{off['id']}", json={"enabled": True})
    assert (await api.get("/v1/keys", headers=bearer(off["key"]))).status_code == 200
    assert (await api.get("/v1/keys", headers=bearer(made["key"]))).status_code == 200
    world.clock.now += timedelta(hours=1)
    assert (await api.get("/v1/keys", headers=bearer(made["key"]))).status_code == 401


async def test_the_last_use_is_known_to_the_minute(us: Customer, world: World) -> None:
    async def last_used() -> str:
        answer = await us.http.get(f"/v1/keys/{us.key.key.id}")
        return str(answer.json()["last_used_at"])

    assert await last_used() == "2026-11-20T15:00:00Z"
    world.clock.now += timedelta(seconds=50)
    assert await last_used() == "2026-11-20T15:00:00Z"
    world.clock.now += timedelta(seconds=20)
    assert await last_used() == "2026-11-20T15:01:10Z"


async def test_pages_of_keys(us: Customer) -> None:
    for number in range(4):
        await us.http.post("/v1/keys", json={"name": f"n{number}"})
    ids: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await us.http.get("/v1/keys", params=query)).json()
        ids += [key["id"] for key in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(ids) == len(set(ids)) == 5
    wrong = await us.http.get("/v1/keys", params={"cursor": "W10"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")


async def test_limits_hold_over_processes_and_per_key(world: World) -> None:
    policy = ApiPolicy(rules=(RateRule("key", 3, timedelta(minutes=1)),))
    one, two = await new_key(world), await new_key(world)
    async with serving_world(world, policy) as first, serving_world(world, policy) as second:
        codes = []
        for number in range(4):
            http = (first, second)[number % 2]
            answer = await http.get("/v1/keys", headers=bearer(one.text))
            codes.append(answer.status_code)
        assert codes == [200, 200, 200, 429]
        assert answer.headers["retry-after"] == "60"
        assert answer.headers["ratelimit-remaining"] == "0"
        assert answer.json()["code"] == "too_many_requests"
        other = await first.get("/v1/keys", headers=bearer(two.text))
        assert other.status_code == 200
        assert (other.headers["ratelimit-limit"], other.headers["ratelimit-remaining"]) == (
            "3",
            "2",
        )
        world.clock.now += timedelta(seconds=60)
        again = await second.get("/v1/keys", headers=bearer(one.text))
        assert again.status_code == 200


async def test_an_address_is_limited_without_any_key(world: World) -> None:
    policy = ApiPolicy(
        trusted_proxies=("127.0.0.1",), rules=(RateRule("address", 2, timedelta(minutes=1)),)
    )
    async with serving_world(world, policy) as http:
        for expected in (401, 401, 429):
            answer = await http.get("/v1/keys", headers={"x-forwarded-for": "203.0.113.7"})
            assert answer.status_code == expected
        other = await http.get("/v1/keys", headers={"x-forwarded-for": "203.0.113.8"})
        assert other.status_code == 401


async def test_an_untrusted_proxy_is_not_believed(world: World) -> None:
    policy = ApiPolicy(
        trusted_proxies=("10.0.0.1",), rules=(RateRule("address", 2, timedelta(minutes=1)),)
    )
    async with serving_world(world, policy) as http:
        for number, expected in enumerate((401, 401, 429)):
            headers = {"x-forwarded-for": f"203.0.113.{number}"}
            assert (await http.get("/v1/keys", headers=headers)).status_code == expected


async def test_https_only(world: World) -> None:
    key = await new_key(world)
    policy = ApiPolicy(require_https=True, trusted_proxies=("127.0.0.1",))
    async with serving_world(world, policy) as http:
        clear = await http.get("/v1/keys", headers=bearer(key.text))
        assert (clear.status_code, clear.json()["code"]) == (403, "https_required")
        headers = bearer(key.text) | {"x-forwarded-proto": "https"}
        assert (await http.get("/v1/keys", headers=headers)).status_code == 200
        assert (await http.get("/healthz")).status_code == 200


async def test_no_key_sees_another_tenants(us: Customer, them: Customer) -> None:
    theirs = them.key.key.id
    path = f"/v1/keys/{theirs}"
    answers = [
        await us.http.get(path),
        await us.http.patch(path, json={"enabled": False}),
        await us.http.post(f"{path}/rotate"),
        await us.http.delete(path),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert (await them.http.get(path)).status_code == 200


async def test_made_and_revoked_by_the_service(api: httpx.AsyncClient, world: World) -> None:
    ctx = replace(world.ctx, tenant="third")
    new = await create_key(ctx, "from the command line", ("keys:read",))
    assert (await api.get("/v1/keys", headers=bearer(new.text))).json()["items"][0][
        "tenant"
    ] == "third"
    await revoke_key(ctx, new.key.id)
    assert (await api.get("/v1/keys", headers=bearer(new.text))).status_code == 401
