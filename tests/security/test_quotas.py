"""A leaked key can't run up a bill: kinds of numbers, durations, and calls a day, at every door."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from outdial.domain.call.plan import CallRequest
from outdial.domain.numbers.policy import NumberPolicy
from outdial.services.accounts.keys import create_key
from outdial.services.calls.requests import request_call
from outdial.services.errors import RequestRefused
from tests.api.v1.conftest import Customer, bearer
from tests.numbering import numbers_under
from tests.services.world import World

CALL: dict[str, Any] = {"to": "+12125550143", "agent": "a", "line": "simulated"}
HEAD: dict[str, Any] = {
    "purpose": "informational", "agent": "a", "line": "simulated",
    "schedule": {"hours": "00:00-24:00"},
}  # fmt: skip
FORBIDDEN = ["+19005551234", "+449098790123", "+18002530000", "+881612345678", "+18762101234"]


def people(first: int, count: int) -> list[dict[str, str]]:
    return [{"phone": f"+1212555{number:04}"} for number in range(first, first + count)]


async def with_quota(world: World, calls: int | None) -> dict[str, str]:
    return bearer((await create_key(world.ctx, "k", ("*",), calls_per_day=calls)).text)


async def test_a_key_asks_for_so_many_calls_a_day_over_all_doors(
    api: httpx.AsyncClient, world: World
) -> None:
    headers = await with_quota(world, 6)
    assert (await api.post("/v1/calls", json=CALL, headers=headers)).status_code == 202
    launch = HEAD | {"name": "spring", "recipients": people(100, 3)}
    assert (await api.post("/v1/campaigns", json=launch, headers=headers)).status_code == 201
    more = {"recipients": people(200, 3)}
    refused = await api.post("/v1/campaigns/spring/recipients", json=more, headers=headers)
    assert refused.status_code == 429
    assert refused.json()["code"] == "quota_used_up"
    assert "may ask for 6 calls in 24 hours and has 2 left, which 3" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) > 80_000
    # What was refused used up nothing, and nothing of it was written.
    for _ in range(2):
        assert (await api.post("/v1/calls", json=CALL, headers=headers)).status_code == 202
    last = await api.post("/v1/calls", json=CALL, headers=headers)
    assert (last.status_code, last.json()["code"]) == (429, "quota_used_up")
    other = HEAD | {"name": "summer", "recipients": people(300, 1)}
    assert (await api.post("/v1/campaigns", json=other, headers=headers)).status_code == 429
    assert (await api.get("/v1/campaigns/summer", headers=headers)).status_code == 404
    voxpria = {"agentId": "a", "toNumber": "+12125550143"}
    also = await api.post("/compat/voxpria/api/v1/calls", json=voxpria, headers=headers)
    assert also.status_code == 429
    # Reading goes on, and so does another key; a day later there are calls again.
    assert (await api.get("/v1/calls", headers=headers)).status_code == 200
    free = await with_quota(world, None)
    assert (await api.post("/v1/calls", json=CALL, headers=free)).status_code == 202
    world.clock.now += timedelta(days=1)
    assert (await api.post("/v1/calls", json=CALL, headers=headers)).status_code == 202


async def test_a_request_sent_twice_is_one_call_of_the_quota(
    api: httpx.AsyncClient, world: World
) -> None:
    headers = await with_quota(world, 1) | {"idempotency-key": "order-1"}
    answers = [await api.post("/v1/calls", json=CALL, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_keys_of_a_key_have_no_more_calls(api: httpx.AsyncClient, world: World) -> None:
    headers = await with_quota(world, 5)
    made = (await api.post("/v1/keys", json={"name": "child"}, headers=headers)).json()
    assert made["calls_per_day"] == 5
    more = await api.post("/v1/keys", json={"name": "c", "calls_per_day": 6}, headers=headers)
    assert more.status_code == 422
    less = await api.post("/v1/keys", json={"name": "c", "calls_per_day": 0}, headers=headers)
    child = bearer(less.json()["key"])
    assert (await api.post("/v1/calls", json=CALL, headers=child)).status_code == 429
    # Nor does it come to those of a key that has more.
    rich = await create_key(world.ctx, "rich", ("*",))
    taken = await api.post(f"/v1/keys/{rich.key.id}/rotate", json={}, headers=headers)
    assert taken.status_code == 403


async def test_a_key_without_a_quota_has_the_installations(
    api: httpx.AsyncClient, world: World
) -> None:
    """It makes no key that has more, and does not come to one by a change."""
    headers = await with_quota(world, None)
    usual = world.ctx.calls_per_key
    for quota in (usual + 1, 100_000_000):
        body = {"name": "c", "calls_per_day": quota}
        refused = await api.post("/v1/keys", json=body, headers=headers)
        assert refused.status_code == 422
        assert f"more than the {usual}" in refused.json()["detail"]
        rich = await create_key(world.ctx, "rich", ("*",), calls_per_day=quota)
        taken = await api.post(f"/v1/keys/{rich.key.id}/rotate", json={}, headers=headers)
        assert (taken.status_code, taken.json()["code"]) == (403, "key_outranked")
    as_many = {"name": "c", "calls_per_day": usual}
    assert (await api.post("/v1/keys", json=as_many, headers=headers)).status_code == 201
    # One that has more reaches those without a quota of their own.
    poor = await create_key(world.ctx, "poor", ("*",))
    more = await with_quota(world, usual + 1)
    taken = await api.post(f"/v1/keys/{poor.key.id}/rotate", json={}, headers=more)
    assert taken.status_code == 200


@pytest.mark.parametrize("number", FORBIDDEN)
async def test_special_numbers_and_countries_are_refused_at_every_door(
    us: Customer, world: World, number: str
) -> None:
    single = await us.http.post("/v1/calls", json=CALL | {"to": number})
    assert single.status_code == 422
    assert "does not call" in single.json()["detail"]
    launch = HEAD | {"name": "n", "recipients": [{"phone": number}]}
    assert (await us.http.post("/v1/campaigns", json=launch)).status_code == 422
    other = {"phone": "+12125550143", "alternate_phones": [number]}
    launch = HEAD | {"name": "n", "recipients": [other]}
    assert (await us.http.post("/v1/campaigns", json=launch)).status_code == 422
    assert (
        await us.http.post("/v1/campaigns", json=HEAD | {"name": "ok", "recipients": people(1, 1)})
    ).status_code == 201
    more = {"recipients": [{"phone": number}]}
    assert (await us.http.post("/v1/campaigns/ok/recipients", json=more)).status_code == 422
    body = {"agentId": "a", "toNumber": number}
    compatible = await us.http.post("/compat/voxpria/api/v1/calls", json=body)
    if compatible.is_success:  # as its vendor does: the call is taken, and fails
        calls = (await us.http.get("/v1/calls", params={"to": number})).json()["items"]
        assert [call["status"] for call in calls] == ["failed"]
    request = CallRequest.model_validate(CALL | {"to": number, "agent": {"id": "a"}})
    with pytest.raises(RequestRefused, match="does not call"):
        await request_call(world.ctx, request)
    with numbers_under(NumberPolicy(countries=frozenset({"DE"}))):
        home = await us.http.post("/v1/calls", json=CALL)
        assert home.status_code == 422


@pytest.mark.parametrize("seconds", [0, 14_401, 31_000_000])
async def test_no_call_lasts_longer_than_a_call_may(
    us: Customer, world: World, seconds: int
) -> None:
    refused = await us.http.post("/v1/calls", json=CALL | {"max_duration": seconds})
    assert refused.status_code == 422
    assert "max_duration" in refused.text
    ringing = await us.http.post("/v1/calls", json=CALL | {"ring_timeout": seconds})
    assert ringing.status_code == 422
    request = CallRequest.model_validate(
        CALL | {"agent": {"id": "a"}, "max_duration": timedelta(seconds=seconds)}
    )
    with pytest.raises(RequestRefused, match="max_duration"):
        await request_call(replace(world.ctx), request)
    launch = HEAD | {"name": "n", "recipients": people(1, 1), "max_duration": f"{seconds}s"}
    assert (await us.http.post("/v1/campaigns", json=launch)).status_code == 422
