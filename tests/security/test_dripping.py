"""Endpoints that hang or drip: each try is over in time, and delays nobody else's webhooks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.deliveries import DRAINS_OF_TENANT, Deliveries
from activities.posting import Poster
from outdial.contracts.signatures.delivery import EndpointRef
from outdial.domain.endpoint import Endpoint, EndpointKind, EventType
from outdial.providers.lines import Lines
from outdial.resources.resources import Resources
from outdial.services.errors import RequestRefused
from outdial.services.webhooks import endpoints as service
from outdial.store.webhooks import deliveries, endpoints, outbox, outstanding
from outdial.store.webhooks.outbox import OutboxEvent
from tests.activities.endpoint import Endpoint as FarEnd
from tests.activities.test_posting import SECRET, delivery
from tests.activities.test_posting import endpoint as endpoint_at
from tests.builders import NOW
from tests.services.world import World, no_temporal
from worker import DRAINS

LIMIT = 1.0
"""Seconds of one try, in place of fifteen."""


@pytest.fixture
async def dripping() -> AsyncIterator[FarEnd]:
    async with FarEnd() as far:
        far.hang = far.drip = True
        yield far


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    made = Poster(lambda: NOW, allow_private=True, limit=LIMIT)
    yield made
    await made.aclose()


@pytest.mark.parametrize("drip", [False, True])
async def test_one_try_has_one_limit_and_counts_as_failed(
    poster: Poster, dripping: FarEnd, drip: bool
) -> None:
    dripping.drip = drip
    begun = time.monotonic()
    outcome = await poster.post(endpoint_at(dripping.url), delivery())
    assert time.monotonic() - begun < LIMIT * 4
    assert not outcome.delivered
    assert outcome.attempt.status is None
    assert outcome.attempt.error == f"no answer within {LIMIT:g} s"


async def test_a_crowd_of_them_leaves_the_connections_to_others(dripping: FarEnd) -> None:
    """More than the HTTP library pools by default."""
    poster = Poster(lambda: NOW, allow_private=True, limit=20)
    async with FarEnd() as good:
        hanging = [
            asyncio.create_task(poster.post(endpoint_at(dripping.url), delivery()))
            for _ in range(150)
        ]
        while len(dripping.received) < 110:
            await asyncio.sleep(0.01)
        outcome = await poster.post(endpoint_at(good.url), delivery())
        assert outcome.delivered
        assert not any(one.done() for one in hanging)
        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    await poster.aclose()


def _endpoint(world: World, tenant: str, number: int, url: str) -> Endpoint:
    made = Endpoint(
        id=f"ep_{tenant}_{number}",
        tenant=tenant,
        kind=EndpointKind.CALL,
        url=url,
        secret=SECRET,
        created_at=world.clock.now,
        updated_at=world.clock.now,
    )
    happened = OutboxEvent(EventType.TEST.value, "x/1", {})

    def work(s: object) -> None:
        endpoints.add_endpoint(s, made)  # type: ignore[arg-type]
        outbox.publish_to(s, made, happened, now=world.clock.now)  # type: ignore[arg-type]

    world.ctx.database.write_sync(work)
    return made


def _resources(world: World, temporal: Client) -> Resources:
    return Resources(
        database=world.ctx.database,
        temporal=temporal,
        lines=Lines([]),
        clock=world.clock,
        public_url="",
    )


async def test_a_tenant_holds_a_share_of_the_places(
    world: World, poster: Poster, dripping: FarEnd
) -> None:
    assert DRAINS_OF_TENANT * 4 <= DRAINS
    crowd = [_endpoint(world, "crowd", n, dripping.url) for n in range(DRAINS_OF_TENANT + 5)]
    activity = Deliveries(_resources(world, await no_temporal()), poster)

    async def drain(of: Endpoint) -> float:
        begun = time.monotonic()
        ref = EndpointRef(tenant=of.tenant, endpoint_id=of.id)
        await ActivityEnvironment().run(activity.drain_endpoint, ref)
        return time.monotonic() - begun

    drains = [asyncio.create_task(drain(one)) for one in crowd]
    while len(dripping.received) < DRAINS_OF_TENANT:
        await asyncio.sleep(0.01)
    turned_away = [each for each in drains if each.done()]
    assert len(turned_away) == 5
    async with FarEnd() as good:
        await asyncio.wait_for(drain(_endpoint(world, "other", 1, good.url)), 10)
        assert len(good.received) == 1
    took = await asyncio.gather(*drains)
    assert max(took) < 10  # a round that fails is the last one of its turn


async def test_every_tenant_is_served(world: World) -> None:
    for n in range(30):
        _endpoint(world, "crowd", n, "https://a.example")
    world.clock.now += timedelta(seconds=5)
    other = _endpoint(world, "other", 1, "https://b.example")
    due = world.ctx.database.read_sync(
        lambda s: outstanding.endpoints_due(s, now=world.clock.now, limit=4)
    )
    assert ("other", other.id) in due


async def test_urls_of_calls_are_capped_while_they_lag(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_BUSY_URLS", 3)
    for n in range(3):
        _endpoint(world, world.ctx.tenant, n, f"https://93.184.216.34/{n}")
    with pytest.raises(RequestRefused, match="still have webhooks"):
        await service.endpoint_of_call(world.ctx, "https://93.184.216.34/new")
    await service.endpoint_of_call(world.ctx, "https://93.184.216.34/1")  # a known one
    for n in range(3):
        found = world.ctx.database.read_sync(
            lambda s, n=n: deliveries.due(  # type: ignore[misc]
                s, f"ep_{world.ctx.tenant}_{n}", now=world.clock.now, limit=9
            )
        )
        (one,) = found.deliveries
        attempt = (await _taken()).attempt
        world.ctx.database.write_sync(
            lambda s, one=one, attempt=attempt: deliveries.record_outcome(  # type: ignore[misc]
                s, one, deliveries.Outcome(attempt), now=world.clock.now
            )
        )
        world.ctx.database.write_sync(lambda s, to=one.endpoint_id: outstanding.rest(s, to))  # type: ignore[misc]
    await service.endpoint_of_call(world.ctx, "https://93.184.216.34/new")


async def _taken() -> deliveries.Outcome:
    async with FarEnd() as good:
        poster = Poster(lambda: NOW, allow_private=True)
        outcome = await poster.post(endpoint_at(good.url), delivery())
        await poster.aclose()
        return outcome
