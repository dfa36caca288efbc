"""Endpoints of one tenant take turns: the eleventh is served while ten are busy without end."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import insert
from temporalio.testing import ActivityEnvironment

from activities import deliveries as drains
from activities.deliveries import DRAINS_OF_TENANT, Deliveries
from activities.shares import TenantTurns
from outdial.contracts.signatures.delivery import Drained, EndpointRef
from outdial.domain.endpoint import Delivery, DeliveryAttempt, DeliveryState, Endpoint
from outdial.store.db.tables import delivery
from outdial.store.webhooks.deliveries import Outcome
from tests.security.test_dripping import _endpoint, _resources
from tests.services.world import World, no_temporal

TURN, WAIT = timedelta(seconds=0.1), timedelta(seconds=0.6)
COMEBACKS = 2
"""After so many an endpoint has been served, however busy ten others are. One is enough if a
batch takes less than `WAIT`."""


class Taking:
    """In place of a poster: every request is taken after a moment."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def post(self, to: Endpoint, one: Delivery) -> Outcome:
        await asyncio.sleep(0.05)
        self.taken.append(to.id)
        attempt = DeliveryAttempt(
            at=one.next_at, url=to.url, request_headers={}, request_body="", duration_ms=1,
            status=200,
        )  # fmt: skip
        return Outcome(attempt)


def _busy(world: World, number: int, rows: int) -> EndpointRef:
    made = _endpoint(world, "crowd", number, "https://a.example")
    row = {
        "tenant": made.tenant,
        "endpoint_id": made.id,
        "type": "test",
        "payload": "{}",
        "state": DeliveryState.PENDING.value,
        "attempts": 0,
        "next_at": world.clock.now,
        "created_at": world.clock.now,
    }
    more = [row | {"event_id": f"{made.id}-{n}", "subject": f"s/{n}"} for n in range(rows)]
    if more:
        world.ctx.database.write_sync(lambda s: s.connection().execute(insert(delivery), more))
    return EndpointRef(tenant=made.tenant, endpoint_id=made.id)


@pytest.mark.parametrize("late", [1, 4])
async def test_the_eleventh_is_served_while_ten_are_busy(
    world: World, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    monkeypatch.setattr(drains, "TURN", TURN)
    monkeypatch.setattr(drains, "BUSY_WAIT", WAIT)
    poster = Taking()
    activity = Deliveries(_resources(world, await no_temporal()), poster)  # type: ignore[arg-type]

    async def drain(of: EndpointRef) -> Drained:
        return await ActivityEnvironment().run(activity.drain_endpoint, of)

    async def workflow(of: EndpointRef) -> None:
        """What the workflow of a busy endpoint does: drain again, or wait as the drain says."""

        while True:
            taken = await drain(of)
            assert taken.wake_at is not None, "the test wants them busy to its end"
            await asyncio.sleep(max(0.0, (taken.wake_at - world.clock.now).total_seconds()))

    async def comebacks(of: EndpointRef) -> int:
        turned_away = 0
        while not (await drain(of)).sent:
            turned_away += 1
            await asyncio.sleep(WAIT.total_seconds())
        return turned_away

    crowd = [_busy(world, n, 600) for n in range(DRAINS_OF_TENANT)]
    others = [_busy(world, 100 + n, 0) for n in range(late)]
    running = [asyncio.create_task(workflow(one)) for one in crowd]
    try:
        async with asyncio.timeout(10):
            while len(set(poster.taken)) < DRAINS_OF_TENANT:
                await asyncio.sleep(0.01)
            took = await asyncio.gather(*(comebacks(one) for one in others))
            assert min(took) >= 1, "all places were taken"
            assert max(took) <= COMEBACKS
            before = len(poster.taken)
            while len(poster.taken) < before + 50:  # and those who made room go on
                await asyncio.sleep(0.01)
        assert not any(one.done() for one in running)
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _came(turns: TenantTurns, who: str, tenant: str = "a") -> bool:
    """Whether somebody would have been served; the place is free again at once."""
    with turns.turn(tenant, who) as held:
        return held


def test_turns_are_had_in_the_order_of_being_turned_away() -> None:
    turns = TenantTurns(1, keep=6, clock=Clock())
    with turns.turn("a", "busy") as held:
        assert held
        assert not turns.wanted("a")
        assert not _came(turns, "first")
        assert not _came(turns, "second")
        assert turns.wanted("a")
        assert not turns.wanted("b")
        assert _came(turns, "busy", "b"), "another tenant has places of its own"
    assert not _came(turns, "busy"), "the place is kept"
    assert not _came(turns, "second")
    assert _came(turns, "first")
    assert _came(turns, "second")
    assert _came(turns, "busy")
    assert not turns._waiting
    assert not turns._held


def test_a_turn_is_kept_for_a_while_only() -> None:
    clock = Clock()
    turns = TenantTurns(1, keep=6, clock=clock)
    with turns.turn("a", "busy"):
        assert not _came(turns, "gone")
        clock.now = 5
        assert turns.wanted("a")
    assert not _came(turns, "busy")
    clock.now = 6
    assert _came(turns, "busy")
    clock.now = 20
    assert not turns.wanted("a")
    assert not turns._waiting


def test_places_that_nobody_waits_for_are_anybodys() -> None:
    turns = TenantTurns(3, keep=6, clock=Clock())
    with ExitStack() as held:
        for who in "xyz":
            assert held.enter_context(turns.turn("a", who))
        assert not _came(turns, "late")
    assert _came(turns, "x"), "one of three is kept"
    with turns.turn("a", "x"), turns.turn("a", "y"):
        assert not _came(turns, "z")
        assert _came(turns, "late")
        assert _came(turns, "z")
