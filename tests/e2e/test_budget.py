"""A campaign pauses when its budget is spent, and goes on when that is raised."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.domain.call.claim import CampaignState
from outdial.domain.money.cost import millionths
from outdial.domain.record import BudgetProgress
from outdial.services.campaigns.applying import apply_definition
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.operations import reading
from outdial.store.db.database import Database
from tests.builders import phone
from tests.e2e.engine import Engine, engine
from tests.e2e.stacks import campaign
from tests.services.servers import database
from tests.waiting import until

__all__ = ["at_work", "database"]

NOW = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)
NUMBERS = [phone(4000 + n) for n in range(5)]


@pytest_asyncio.fixture(loop_scope="session")
async def at_work(
    temporal_server: WorkflowEnvironment, database: Database
) -> AsyncIterator[Engine]:
    async with engine(temporal_server.client, database, NOW) as running:
        yield running


def written(most: str) -> Any:
    return campaign("budgeted", NUMBERS, budget={"most": most}, max_duration="10m")


async def budget_of(at_work: Engine) -> BudgetProgress:
    budget = (await at_work.progress("budgeted")).budget
    assert budget is not None
    return budget


async def test_a_campaign_goes_on_when_its_budget_is_raised(at_work: Engine) -> None:
    """A call of ten minutes costs 0.90 USD."""
    await launch_campaign(at_work.ctx, written("0.90 USD"))

    async def spent() -> bool:
        budget = await budget_of(at_work)
        assert budget.spent.amount + budget.reserved.amount <= 900_000
        return budget.exhausted == "most" and not budget.reserved.amount

    await until(spent, timeout=30)
    waiting = await at_work.progress("budgeted")
    assert (waiting.state, waiting.by_state["done"]) == (CampaignState.RUNNING, 1)
    assert (waiting.reason or "").startswith("the budget is spent: ")
    assert len(at_work.called()) == 1

    raised = await apply_definition(at_work.ctx, written("9 USD"))
    assert [each.path for each in raised.differences] == ["budget.most"]

    async def over() -> bool:
        return (await at_work.progress("budgeted")).state.over

    await until(over, timeout=30)
    assert sorted(at_work.called()) == NUMBERS
    calls = await reading.list_calls(at_work.ctx, "budgeted", limit=99)
    prices = [call.cost for call in calls]
    budget = await budget_of(at_work)
    assert budget.spent.amount == sum(millionths(each) for each in prices if each is not None)
    assert (budget.reserved.amount, budget.excess.amount) == (0, 0)
