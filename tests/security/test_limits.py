"""Whoever has no good key uses nobody's limit up but their own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.api.compat.voxanne.auth import RULES
from outdial.api.state import ApiPolicy
from outdial.services.accounts.access import RateRule, admit
from outdial.services.accounts.keys import create_key, revoke_key, switch_key
from outdial.services.errors import ServiceError, TooManyRequests
from tests.api.conftest import serving_world
from tests.api.v1.conftest import bearer, new_key
from tests.services.world import NOW, World

MINUTE = timedelta(minutes=1)
EACH = ("key", "tenant", "address")


@pytest.mark.parametrize("bad", ["none", "nonsense", "wrong secret", "revoked", "off", "expired"])
async def test_nobody_is_locked_out_by_others(world: World, bad: str) -> None:
    rules = tuple(RateRule(per, 3, MINUTE) for per in EACH)
    async with serving_world(world, ApiPolicy(rules=rules)) as http:
        good = await new_key(world)
        spent = await create_key(world.ctx, "x", ("*",), expires_at=NOW + timedelta(seconds=30))
        headers = {
            "none": {},
            "nonsense": bearer("nonsense"),
            "wrong secret": bearer(f"od_{good.key.id}_{'x' * 43}"),
        }.get(bad, bearer(spent.text))
        if bad == "revoked":
            await revoke_key(world.ctx, spent.key.id)
        elif bad == "off":
            await switch_key(world.ctx, spent.key.id, enabled=False)
        elif bad == "expired":
            world.clock.now += timedelta(seconds=31)
        for _ in range(6):
            assert (await http.get("/v1/keys", headers=headers)).status_code in (401, 403, 429)
        answers = [
            (await http.get("/v1/keys", headers=bearer(good.text))).status_code for _ in range(4)
        ]
        assert answers == [200, 200, 200, 429]


async def test_the_limits_of_each_system_too(world: World) -> None:
    """Voxanne's hundred in a quarter of an hour from one address, which all behind it share."""
    good = await new_key(world)

    async def ask(text: str | None) -> type[ServiceError] | None:
        try:
            await admit(
                world.ctx, text, scope="keys:read", door="voxanne", address="192.0.2.1", rules=RULES
            )
        except ServiceError as error:
            return type(error)
        return None

    refused = {await ask(None) for _ in range(120)}
    assert TooManyRequests in refused
    assert await ask(good.text) is None
