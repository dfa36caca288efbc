"""A key with `keys:write` never comes to more than it has: by no route, in no state."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest

from outdial.domain.access import EVERYTHING, SCOPES, ApiKey, covers
from outdial.services.accounts.keys import NewKey, create_key, switch_key
from tests.api.v1.conftest import Customer, bearer
from tests.services.world import NOW, World

LATER = NOW + timedelta(days=1)


async def make(world: World, *scopes: str, expires_at: datetime | None = None) -> NewKey:
    return await create_key(world.ctx, "test", scopes, expires_at=expires_at)


CHANGES = {
    "rotate": ("POST", "/rotate", None),
    "rotate with grace": ("POST", "/rotate", {"grace_hours": 24}),
    "switch on": ("PATCH", "", {"enabled": True}),
    "switch off": ("PATCH", "", {"enabled": False}),
    "revoke": ("DELETE", "", None),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "more", [(EVERYTHING,), ("calls:read",), ("keys:write", "suppressions:write")]
)
async def test_a_key_that_may_do_more_is_out_of_reach(
    api: httpx.AsyncClient, world: World, change: str, more: tuple[str, ...]
) -> None:
    small, great = await make(world, "keys:write"), await make(world, *more)
    await switch_key(world.ctx, great.key.id, enabled=False)
    method, path, body = CHANGES[change]
    answer = await api.request(
        method, f"/v1/keys/{great.key.id}{path}", json=body, headers=bearer(small.text)
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "key_outranked")
    assert "key" not in answer.json()
    shown = await api.get(f"/v1/keys/{great.key.id}", headers=bearer(small.text))
    kept = shown.json()
    assert (kept["enabled"], kept["revoked_at"], kept["previous_until"]) == (False, None, None)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_key_that_lasts_longer_is_out_of_reach(
    api: httpx.AsyncClient, world: World, change: str
) -> None:
    short = await make(world, EVERYTHING, expires_at=LATER)
    longer = [
        await make(world, "keys:read"),
        await make(world, "keys:read", expires_at=LATER + timedelta(seconds=1)),
    ]
    method, path, body = CHANGES[change]
    for key in longer:
        answer = await api.request(
            method, f"/v1/keys/{key.key.id}{path}", json=body, headers=bearer(short.text)
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "key_outranked")


@pytest.mark.parametrize("change", CHANGES)
async def test_what_a_key_covers_it_may_change(
    us: Customer, api: httpx.AsyncClient, world: World, change: str
) -> None:
    holder = await make(world, "keys:write", "calls:write", expires_at=LATER)
    covered = await make(world, "keys:read", "calls:read", expires_at=LATER)
    method, path, body = CHANGES[change]
    answer = await api.request(
        method, f"/v1/keys/{covered.key.id}{path}", json=body, headers=bearer(holder.text)
    )
    assert answer.status_code == 200
    own = await api.request(
        method, f"/v1/keys/{holder.key.id}{path}", json=body, headers=bearer(holder.text)
    )
    assert own.status_code == 200


async def test_a_child_expires_no_later_than_its_maker(
    api: httpx.AsyncClient, world: World
) -> None:
    maker = await make(world, "keys:write", expires_at=LATER)

    async def child(**more: str) -> httpx.Response:
        body = {"name": "child", "scopes": ["keys:write"], **more}
        return await api.post("/v1/keys", json=body, headers=bearer(maker.text))

    assert (await child()).json()["expires_at"] == LATER.isoformat().replace("+00:00", "Z")
    sooner = NOW + timedelta(hours=1)
    assert (
        datetime.fromisoformat((await child(expires_at=sooner.isoformat())).json()["expires_at"])
        == sooner
    )
    later = await child(expires_at=(LATER + timedelta(seconds=1)).isoformat())
    assert (later.status_code, later.json()["code"]) == (422, "invalid")
    assert "later than the key that makes it" in later.json()["detail"]
    grandchild = await api.post(
        "/v1/keys",
        json={"name": "grandchild", "scopes": ["keys:read"]},
        headers=bearer((await child(expires_at=sooner.isoformat())).json()["key"]),
    )
    assert datetime.fromisoformat(grandchild.json()["expires_at"]) == sooner


async def test_another_tenants_key_is_not_there(us: Customer, them: Customer, world: World) -> None:
    for method, path, body in CHANGES.values():
        answer = await us.http.request(method, f"/v1/keys/{them.key.key.id}{path}", json=body)
        assert answer.status_code == 404


def test_covering_is_an_order() -> None:
    """Nobody covers a key that covers more; checked over every pair of single scopes."""

    def key(*scopes: str) -> ApiKey:
        return ApiKey(id="1", tenant="t", name="n", scopes=scopes, enabled=True, created_at=NOW)

    every = key(EVERYTHING)
    for one in SCOPES:
        assert covers(every, key(one), usual=1)
        assert covers(key(one), every, usual=1) is (one == EVERYTHING)
        for other in SCOPES:
            subject, _, may = other.partition(":")
            writes = may == "read" and one == f"{subject}:write"
            assert covers(key(one), key(other), usual=1) is (one in (other, EVERYTHING) or writes)
    ends = every.model_copy(update={"expires_at": LATER})
    assert covers(every, ends, usual=1)
    assert not covers(ends, every, usual=1)


@pytest.mark.parametrize("holder", [None, 0, 5, 10, 20])
@pytest.mark.parametrize("other", [None, 0, 5, 10, 20])
def test_no_quota_of_its_own_is_the_installations(holder: int | None, other: int | None) -> None:
    def key(quota: int | None) -> ApiKey:
        return ApiKey(
            id="1", tenant="t", name="n", scopes=(EVERYTHING,), enabled=True, created_at=NOW,
            calls_per_day=quota,
        )  # fmt: skip

    effective = [10 if quota is None else quota for quota in (holder, other)]
    assert covers(key(holder), key(other), usual=10) is (effective[1] <= effective[0])


@pytest.mark.parametrize(
    "text", ["od_" + "a" * 5_000 + "_b", "od_0011223344556677_é", "od__x", "od_x_"]
)
async def test_what_can_be_no_key_is_not_looked_up(api: httpx.AsyncClient, text: str) -> None:
    answer = await api.get("/v1/keys", headers=[(b"authorization", f"Bearer {text}".encode())])
    assert answer.status_code == 401
