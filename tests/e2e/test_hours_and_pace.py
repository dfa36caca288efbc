"""When people are called: in their own hours, and no faster than asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.domain.call.claim import CampaignState
from outdial.services.campaigns.launching import launch_campaign
from outdial.store.db.database import Database
from tests.builders import phone
from tests.e2e.engine import Engine, engine
from tests.e2e.stacks import campaign
from tests.services.servers import database
from tests.waiting import until

pytestmark = pytest.mark.faults

__all__ = ["at_work", "database"]

NOW = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)
"""Wednesday, 10:00 in New York; in Tokyo it is midnight."""
NEW_YORK = [phone(3000 + n) for n in range(4)]
TOKYO = [f"+81901234567{n}" for n in range(3)]


@pytest_asyncio.fixture(loop_scope="session")
async def at_work(
    temporal_server: WorkflowEnvironment, database: Database
) -> AsyncIterator[Engine]:
    async with engine(temporal_server.client, database, NOW) as running:
        yield running


async def test_only_those_are_called_whose_own_clock_allows_it(at_work: Engine) -> None:
    people = [{"phone": number, "time_zone": "America/New_York"} for number in NEW_YORK]
    people += [{"phone": number, "time_zone": "Asia/Tokyo"} for number in TOKYO]
    definition = campaign("zones", [], recipients=people, schedule={"hours": "09:00-18:00"})
    await launch_campaign(at_work.ctx, definition)
    await until(lambda: _waits(at_work, "zones", done=4), timeout=30)

    assert sorted(at_work.called()) == NEW_YORK
    waiting = await at_work.progress("zones")
    assert waiting.reason == "next: Thu 2026-12-03 09:00 in Asia/Tokyo (00:00 UTC) for 3 people"
    assert waiting.wake_at == datetime(2026, 12, 3, 0, 0, tzinfo=UTC)
    assert waiting.by_state["waiting"] == 3

    at_work.clock.forward(hours=9)
    await at_work.look_now("zones")
    await until(lambda: _over(at_work, "zones"), timeout=30)
    assert sorted(at_work.called()) == NEW_YORK + TOKYO
    over = await at_work.progress("zones")
    assert (over.state, over.by_outcome) == (CampaignState.FINISHED, {"completed": 7})


async def test_no_more_calls_in_a_minute_than_asked_for(at_work: Engine) -> None:
    numbers = [phone(3020 + n) for n in range(7)]
    definition = campaign("paced", numbers, pacing={"max_concurrent": 10, "per_minute": 3})
    await launch_campaign(at_work.ctx, definition)
    for called in (3, 6):
        await until(partial(_waits, at_work, "paced", done=called), timeout=30)
        assert len(at_work.called()) == called
        waiting = await at_work.progress("paced")
        assert (waiting.reason or "").startswith("3 calls a minute; next at ")
        assert waiting.wake_at is not None
        assert 50 < (waiting.wake_at - at_work.clock()).total_seconds() <= 60
        await at_work.look_now("paced")
        at_work.clock.forward(seconds=60)
        await at_work.look_now("paced")
    await until(lambda: _over(at_work, "paced"), timeout=30)
    assert sorted(at_work.called()) == numbers


async def _waits(at_work: Engine, name: str, *, done: int) -> bool:
    progress = await at_work.progress(name)
    return (
        progress.by_state.get("done") == done
        and not progress.in_flight
        and progress.wake_at is not None
    )


async def _over(at_work: Engine, name: str) -> bool:
    return (await at_work.progress(name)).state.over
