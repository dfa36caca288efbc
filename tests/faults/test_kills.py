"""SIGKILL in the middle of a campaign: of the worker, of Temporal, of the API."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path

import pytest

from tests.faults.harness import Stack, campaign, moments, numbers, open_stack, plan_stack
from tests.faults.invariants import assert_nothing_broken

log = logging.getLogger(__name__)

RECIPIENTS = 200
MAX_CONCURRENT = 20


async def _finish(stack: Stack, name: str) -> None:
    await stack.until_over(name)
    assert await stack.campaign_workflow_closed(name) == "COMPLETED"
    found = await stack.aftermath(name)
    kills = {part: held.kills for part, held in stack.parts.items() if held.kills}
    log.info("%s, kills: %s", found.summary(), kills)
    assert_nothing_broken(found, recipients=RECIPIENTS, max_concurrent=MAX_CONCURRENT)


async def _kill_and_restart(
    stack: Stack, part: str, seed: int, times: int, *, down: tuple[float, float]
) -> None:
    """Kill a part at random moments; it stays away for a random time within `down` seconds."""
    draw = random.Random(seed)
    for creates, after in moments(seed, times, until_create=RECIPIENTS - 20):
        await stack.until_creates(creates)
        await asyncio.sleep(after)
        await stack.parts[part].kill()
        await asyncio.sleep(draw.uniform(*down))
        await stack.parts[part].start()


@pytest.mark.faults
async def test_the_worker_is_killed_five_times(tmp_path: Path) -> None:
    async with open_stack(plan_stack(tmp_path)) as stack:
        name = await stack.launch(
            campaign("kills", numbers(RECIPIENTS), max_concurrent=MAX_CONCURRENT)
        )
        await _kill_and_restart(stack, "worker", 1, 5, down=(0, 1))
        await _finish(stack, name)
