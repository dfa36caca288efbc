"""A process is killed while it writes a launch, an addition or a changed roster, flips it or merges
it: nobody is called twice, nobody is lost, and the maintenance loop leaves no row of what was not
launched."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, or_, select
from sqlmodel import Session
from temporalio.testing import ActivityEnvironment

from activities.campaigns import Campaigns
from outdial.contracts.signatures.campaign import EnrollInput
from outdial.dispatch.errors import TemporalUnavailable
from outdial.domain.record import CampaignRecord
from outdial.intake.definition import read_definition
from outdial.resources.resources import Resources
from outdial.services.campaigns.adding import add_file
from outdial.services.campaigns.awaiting import AwaitedLaunches
from outdial.services.campaigns.launching import store_launch
from outdial.services.operations.maintenance import MaintenanceLoop
from outdial.store.campaign.campaigns import find_campaign
from outdial.store.db.database import Database
from outdial.store.db.errors import CampaignRunning
from outdial.store.db.tables import call, campaign, recipient, roster_chunk
from outdial.store.roster import staging
from outdial.store.roster.staging import ABANDONED_AFTER
from tests.builders import House
from tests.databases import migrated, postgresql_database, postgresql_server, sqlite_database
from tests.faults.launching import (
    CAMPAIGN,
    CHUNK,
    REQUESTER,
    Step,
    no_temporal,
    resources,
    write_contacts,
    write_definition,
)

pytestmark = pytest.mark.faults

PEOPLE = 45
"""In five chunks, the last of which is not full."""
EARLIER = 5
SQLITE, POSTGRESQL = "sqlite", "postgresql"


@pytest.fixture(scope="module")
def server() -> Iterator[URL]:
    with postgresql_server() as url:
        yield url


@pytest.fixture
def url(request: pytest.FixtureRequest, backend_name: str) -> Iterator[str]:
    if backend_name == SQLITE:
        with sqlite_database() as url:
            yield url
        return
    with postgresql_database(request.getfixturevalue("server")) as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with migrated(url) as database:
        yield database


def _numbers(count: int, first: int = 0) -> list[str]:
    return [f"+1212555{1000 + n:04}" for n in range(first, first + count)]


async def _killed(url: str, step: Step, nth: int, what: str, file: Path) -> None:
    arguments = (url, what, str(file), step.value, str(nth))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.launching", *arguments
    )
    assert await asyncio.wait_for(child.wait(), 60) == -signal.SIGKILL


async def _found(database: Database) -> CampaignRecord | None:
    return await database.read(lambda s: find_campaign(s, "default", CAMPAIGN))


async def _assert_clean(ctx: Resources) -> None:
    """The maintenance loop has left no row that no launch has."""
    await MaintenanceLoop(ctx).clear_abandoned()

    def rows(s: Session) -> list[object]:
        stray = (
            select(recipient.c.id)
            .join(campaign, campaign.c.id == recipient.c.campaign_id)
            .where(or_(recipient.c.launch != campaign.c.launch, campaign.c.launch == 0))
        )
        unlaunched = select(campaign.c.id).where(campaign.c.launch == 0)
        chunks = select(roster_chunk.c.sequence)
        execute = s.connection().execute
        return [*execute(stray), *execute(unlaunched), *execute(chunks)]

    assert await ctx.database.read(rows) == []


async def _call_all(ctx: Resources) -> Counter[str]:
    """How often each number of the campaign is called until nobody is left."""
    record = await _found(ctx.database)
    assert record is not None
    launch = EnrollInput(campaign_id=record.id, launch=record.launch)
    await ActivityEnvironment().run(Campaigns(ctx).enroll_recipients, launch)
    later = ctx.clock() + staging.ABANDONED_AFTER
    assert await ctx.database.read(lambda s: staging.abandoned(s, later)) == []

    def dial() -> None:
        house = House(ctx.database)
        house.now = ctx.clock()
        while claimed := house.claim(record).calls:
            for each in claimed:
                house.later(seconds=1)
                house.place(each.call_id)
                house.end(each.call_id)

    await asyncio.to_thread(dial)
    dialed = select(call.c.phone).where(call.c.placed_at.is_not(None))
    return Counter(
        await ctx.database.read(lambda s: list(s.connection().execute(dialed).scalars()))
    )


@pytest.mark.parametrize(
    ("backend_name", "step", "nth"),
    [
        (SQLITE, Step.CHUNK_WRITTEN, 1),
        (SQLITE, Step.CHUNK_COMMITTED, 3),
        (POSTGRESQL, Step.CHUNK_COMMITTED, 3),
        (SQLITE, Step.FLIP_DECIDED, 1),
        (POSTGRESQL, Step.FLIP_DECIDED, 1),
        (SQLITE, Step.FLIP_COMMITTED, 1),
        (POSTGRESQL, Step.FLIP_COMMITTED, 1),
    ],
)
async def test_a_launch_whose_process_is_killed(
    url: str, database: Database, tmp_path: Path, step: Step, nth: int
) -> None:
    people = _numbers(PEOPLE)
    file = write_definition(tmp_path, people)
    await _killed(url, step, nth, "launch", file)
    flipped = step is Step.FLIP_COMMITTED
    assert (await _found(database) is not None) is flipped
    ctx = resources(database, await no_temporal(), later=ABANDONED_AFTER)
    await _assert_clean(ctx)
    assert (await _found(database) is not None) is flipped
    # The activity is tried again: it launches once.
    launched = await AwaitedLaunches(ctx)("default", read_definition(file), True, REQUESTER, None)
    assert (launched.own, launched.launch) == (True, 1)
    with pytest.raises(CampaignRunning):
        await store_launch(ctx, read_definition(file), again=False)
    assert await _call_all(ctx) == Counter(people)
    await _assert_clean(ctx)


@pytest.mark.parametrize(
    ("backend_name", "step", "nth"),
    [
        (SQLITE, Step.CHUNK_COMMITTED, 3),
        (POSTGRESQL, Step.CHUNK_COMMITTED, 3),
        (SQLITE, Step.ACCEPTED, 1),
        (SQLITE, Step.MOVE_DECIDED, 2),
        (SQLITE, Step.MOVE_COMMITTED, 2),
        (POSTGRESQL, Step.MOVE_COMMITTED, 2),
    ],
)
async def test_an_addition_whose_process_is_killed(
    url: str, database: Database, tmp_path: Path, step: Step, nth: int
) -> None:
    earlier, added = _numbers(EARLIER), _numbers(PEOPLE, first=100)
    now = resources(database, await no_temporal(), later=timedelta(0))
    await store_launch(now, read_definition(write_definition(tmp_path, earlier)), again=False)
    file = write_contacts(tmp_path / "more.csv", added)
    await _killed(url, step, nth, "add", file)
    ctx = resources(database, await no_temporal(), later=ABANDONED_AFTER)
    await _assert_clean(ctx)
    if step is Step.CHUNK_COMMITTED:
        # It was not accepted: nobody was added, and it is sent again.
        with pytest.raises(TemporalUnavailable):
            await add_file(ctx, CAMPAIGN, "more.csv", tmp_path)
    assert await _call_all(ctx) == Counter(earlier + added)
    await _assert_clean(ctx)


@pytest.mark.parametrize(
    ("backend_name", "step", "nth", "applied"),
    [
        (SQLITE, Step.CHUNK_COMMITTED, 3, False),
        (SQLITE, Step.PROPOSED, 1, False),
        (POSTGRESQL, Step.PROPOSED, 1, False),
        (SQLITE, Step.ACCEPTED, 1, True),
        (SQLITE, Step.MOVE_DECIDED, 2, True),
        (SQLITE, Step.MOVE_COMMITTED, 2, True),
        (POSTGRESQL, Step.MOVE_COMMITTED, 1, True),
        (POSTGRESQL, Step.MOVE_COMMITTED, 7, True),
    ],
)
async def test_a_change_whose_process_is_killed(
    url: str, database: Database, tmp_path: Path, step: Step, nth: int, applied: bool
) -> None:
    """It adds people and removes others: all of that happens, or nothing."""
    earlier = _numbers(PEOPLE)
    listed = [*earlier[EARLIER:], *_numbers(EARLIER, first=100)]
    now = resources(database, await no_temporal(), later=timedelta(0))
    await store_launch(now, read_definition(write_definition(tmp_path, earlier)), again=False)
    await _killed(url, step, nth, "apply", write_definition(tmp_path, listed))
    ctx = resources(database, await no_temporal(), later=ABANDONED_AFTER)
    await _assert_clean(ctx)
    record = await _found(database)
    assert record is not None
    assert record.revision == (2 if applied else 1)
    assert await _call_all(ctx) == Counter(listed if applied else earlier)
    await _assert_clean(ctx)


def test_there_are_several_chunks() -> None:
    assert PEOPLE > 4 * CHUNK
