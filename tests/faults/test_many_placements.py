"""Five hundred placements while requests are lost, refused and never answered, and the worker is
killed five times: no call row is dialed twice, and every one ends.

Through the adapter of a platform; the simulated network has its own run in test_provider.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from outdial.domain.call.status import OUTCOME_UNKNOWN
from outdial.domain.record import RecipientState
from outdial.services.operations import reading
from outdial.store.claims.leases import calls_in_flight
from outdial.store.roster.roster import list_recipients
from tests.faults.far_twilio import FarTwilio
from tests.faults.harness import LINE, Stack, campaign, moments, numbers, open_stack, plan_stack
from tests.providers.contract.stage import CALLER_ID
from tests.waiting import until

pytestmark = pytest.mark.faults
log = logging.getLogger(__name__)

PLACEMENTS = 500
KILLS = 5
MAX_CONCURRENT = 30
QUIET = {"OUTDIAL_UPSERT_STATUS": "false"}
"""Fewer events: what is looked at here is in no search attribute."""
SEED = 11
ONCE = "retry: {max_attempts: 1}"


async def _kill_the_worker(stack: Stack, reached: Callable[[int], Awaitable[None]]) -> None:
    draw = random.Random(SEED)
    for creates, after in moments(SEED, KILLS, until_create=PLACEMENTS * 9 // 10):
        await reached(creates)
        await asyncio.sleep(after)
        await stack.parts["worker"].kill()
        await asyncio.sleep(draw.uniform(0, 1))
        await stack.parts["worker"].start()


async def test_through_the_adapter_of_a_platform(tmp_path: Path) -> None:
    async with FarTwilio(SEED).on_connections() as far:
        settings = {f"OUTDIAL_LINES__FAR__{key}": value for key, value in LINE.items()} | {
            "OUTDIAL_LINES__FAR__PROVIDER": "twilio",
            "OUTDIAL_LINES__FAR__BASE_URL": far.base_url,
            "OUTDIAL_LINES__FAR__CALLER_IDS": json.dumps([CALLER_ID]),
        }
        for key, value in far.credentials().items():
            settings[f"FAR_{key}".upper()] = value
            settings[f"OUTDIAL_LINES__FAR__CREDENTIALS__{key}".upper()] = f"env:FAR_{key.upper()}"
        async with open_stack(plan_stack(tmp_path, more=settings | QUIET)) as stack:
            await _carry_out(stack, far)


async def _carry_out(stack: Stack, far: FarTwilio) -> None:
    async def reached(creates: int) -> None:
        async def enough() -> bool:
            stack.check_parts()
            return far.creates >= creates

        await until(enough, timeout=300, interval=0.05)

    name = await stack.launch(
        campaign(
            "many",
            numbers(PLACEMENTS),
            max_concurrent=MAX_CONCURRENT,
            retry=ONCE,
            line="far",
            agent=far.agent,
        )
    )
    await _kill_the_worker(stack, reached)
    progress = await stack.until_over(name, timeout=400)
    await far.silence()
    log.info("%s %s, %d creates, %s", progress.by_outcome, progress.calls, far.creates, far.faulty)
    assert far.violations == []
    assert len(far.faulty) == 4, "every fault occurred"
    assert far.placed_calls.total() >= PLACEMENTS
    assert set(far.placed_calls.values()) == {1}, "no call row was ever asked for twice"
    assert far.doubled == []
    await _everything_ended(stack, far, name)


async def _everything_ended(stack: Stack, far: FarTwilio, name: str) -> None:
    record = await reading.require_campaign(stack.ctx, name)
    read = stack.ctx.database.read
    people = await read(lambda s: list_recipients(s, record.id, launch=1, limit=10_000))
    assert len(people) == PLACEMENTS
    assert all(row.state is RecipientState.DONE and row.outcome for row in people)
    assert await read(lambda s: len(calls_in_flight(s, record.id))) == 0
    calls = await reading.list_calls(stack.ctx, name, limit=10_000)
    assert {made.our_id for made in far.calls.values()} <= {call.id for call in calls}
    made = {call.our_id: call for call in far.calls.values()}
    for call in calls:
        assert call.status.terminal
        assert call.settled_at is not None
        if call.id in made and call.outcome != OUTCOME_UNKNOWN:
            assert call.status is made[call.id].status
    rung = {made[call.id].to for call in calls if call.id in made}
    assert len(rung) == PLACEMENTS, "everybody's phone rang"
