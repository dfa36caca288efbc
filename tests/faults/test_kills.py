"""SIGKILL in the middle of a campaign: of the worker, of Temporal, of the API."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.signals import wake_campaign
from outdial.intake.definition import read_definition_text
from outdial.services.operations import reading
from outdial.store.campaign.campaigns import apply_definition
from tests.databases import postgresql_database, postgresql_server
from tests.faults.harness import Stack, campaign, moments, numbers, open_stack, plan_stack
from tests.faults.invariants import assert_nothing_broken
from tests.waiting import until

log = logging.getLogger(__name__)

RECIPIENTS = 200
FEWER = 120
MAX_CONCURRENT = 20
SEED = 1


@pytest.fixture(scope="module")
def server() -> Iterator[URL]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None: the stack's own SQLite file."""
    if request.param == "sqlite":
        yield None
        return
    with postgresql_database(request.getfixturevalue("server")) as url:
        yield url


BUDGET = "{most: 60 USD, per_day: 60 USD, per_person: 1 USD}"
"""Enough for everybody: it is counted while parts are killed."""


async def _launch(stack: Stack, recipients: int) -> str:
    phones = numbers(recipients)
    return await stack.launch(
        campaign("kills", phones, max_concurrent=MAX_CONCURRENT, budget=BUDGET)
    )


async def _kill(
    stack: Stack, *parts: str, times: int, recipients: int, away: tuple[float, float]
) -> None:
    """Kill parts in turn at random moments; each stays away for `away` seconds or more."""
    draw = random.Random(SEED)
    for nth, (creates, after) in enumerate(moments(SEED, times, until_create=recipients * 9 // 10)):
        part = stack.parts[parts[nth % len(parts)]]
        await stack.until_creates(creates)
        await asyncio.sleep(after)
        await part.kill()
        await asyncio.sleep(draw.uniform(*away))
        await part.start()


async def _finish(stack: Stack, name: str, recipients: int) -> None:
    await stack.until_over(name, timeout=300)
    assert await stack.campaign_workflow_closed(name) == "COMPLETED"
    aftermath = await stack.aftermath(name)
    log.info("%s, kills: %s", aftermath.summary(), {n: p.kills for n, p in stack.parts.items()})
    assert_nothing_broken(aftermath, recipients=recipients, max_concurrent=MAX_CONCURRENT)


@pytest.mark.faults
async def test_the_worker_is_killed_five_times(tmp_path: Path, database_url: str | None) -> None:
    async with open_stack(plan_stack(tmp_path, database_url=database_url)) as stack:
        name = await _launch(stack, RECIPIENTS)
        await _kill(stack, "worker", times=5, recipients=RECIPIENTS, away=(0, 1))
        await _finish(stack, name, RECIPIENTS)


@pytest.mark.faults
async def test_temporal_is_killed_on_its_database_file(tmp_path: Path) -> None:
    async with open_stack(plan_stack(tmp_path)) as stack:
        name = await _launch(stack, FEWER)
        await _kill(stack, "temporal", times=2, recipients=FEWER, away=(0, 3))
        await _finish(stack, name, FEWER)


@pytest.mark.faults
async def test_the_api_is_killed(tmp_path: Path) -> None:
    """Away for longer than the network tries to deliver, so webhooks are lost for good."""
    async with open_stack(plan_stack(tmp_path)) as stack:
        name = await _launch(stack, FEWER)
        await _kill(stack, "api", times=3, recipients=FEWER, away=(0, 6))
        await _finish(stack, name, FEWER)


@pytest.mark.faults
async def test_a_budget_is_kept_while_the_worker_is_killed(
    tmp_path: Path, database_url: str | None
) -> None:
    """It runs out in the middle of the campaign, which goes on when it is raised."""
    phones, small = numbers(FEWER), "{most: 1 USD}"
    async with open_stack(plan_stack(tmp_path, database_url=database_url)) as stack:
        name = await stack.launch(
            campaign("kills", phones, max_concurrent=MAX_CONCURRENT, budget=small)
        )
        for creates, after in moments(SEED, 3, until_create=15):
            await stack.until_creates(creates)
            await asyncio.sleep(after)
            await stack.parts["worker"].kill()
            await stack.parts["worker"].start()
        await _until_spent(stack, name)
        raised = campaign("kills", phones, max_concurrent=MAX_CONCURRENT, budget=BUDGET)
        await _edit(stack, name, raised)
        await _finish(stack, name, FEWER)


async def _until_spent(stack: Stack, name: str) -> None:
    async def spent() -> bool:
        stack.check_parts()
        budget = (await stack.progress(name)).budget
        assert budget is not None
        used = budget.spent.amount + budget.reserved.amount
        assert used <= 1_000_000 + budget.raised.amount, budget
        return budget.exhausted == "most" and not budget.reserved.amount

    await until(spent, timeout=120, interval=0.05)
    assert not (await stack.progress(name)).state.over


async def _edit(stack: Stack, name: str, text: str) -> None:
    record = await reading.require_campaign(stack.ctx, name)
    edited = read_definition_text(text, base=stack.folder).definition
    now = stack.ctx.clock()
    await stack.ctx.database.write(lambda s: apply_definition(s, record.id, edited, text, now=now))
    await wake_campaign(stack.ctx.temporal, campaign_workflow_id(record.tenant, name))
