"""While a large file is launched, another campaign goes on: no gap between two of its placements is
as long as a second. The store alone, in two processes: there a launch disturbs others the most."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from outdial.domain.record import CampaignRecord
from outdial.store.campaign.campaigns import find_campaign
from outdial.store.campaign.progress import read_progress
from outdial.store.db.database import Database
from tests.builders import House
from tests.databases import postgresql_database, postgresql_server, sqlite_database
from tests.faults.launching import CAMPAIGN, write_definition

pytestmark = pytest.mark.faults
log = logging.getLogger(__name__)

ROWS = 50_000
OTHERS = 10_000
AT_ONCE = 20
LONGEST_GAP = 1.0
OTHER_LINE = "other"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        with sqlite_database() as url:
            yield url
        return
    with postgresql_server() as server, postgresql_database(server) as url:
        yield url


async def test_another_campaign_goes_on(url: str, tmp_path: Path) -> None:
    file = write_definition(tmp_path, (f"+1{4_152_000_000 + n}" for n in range(ROWS)))
    database = Database(url)
    database.migrate()
    house = House(database)
    house.line(OTHER_LINE)
    pacing = {"max_concurrent": AT_ONCE}
    other = house.launch(OTHERS, "other", line=OTHER_LINE, pacing=pacing)
    over = Event()
    placing = asyncio.create_task(asyncio.to_thread(_place, house, other, over))
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.launching", url, "launch", str(file)
        )
        begun = time.monotonic()
        assert await asyncio.wait_for(child.wait(), 300) == 0
        took = time.monotonic() - begun
    finally:
        over.set()
        placed = await placing
    during = [at for at in placed if at > begun]
    gaps = [later - earlier for earlier, later in pairwise(during)]
    log.info("%.1f s, %d placements, longest gap %.3f s", took, len(during), max(gaps))
    launched = await database.read(lambda s: find_campaign(s, "default", CAMPAIGN))
    assert launched is not None
    progress = await database.read(lambda s: read_progress(s, launched.id))
    assert progress.recipients == ROWS
    assert max(gaps) < LONGEST_GAP
    database.dispose()


def _place(house: House, campaign: CampaignRecord, over: Event) -> list[float]:
    """Keep as many calls in flight as may be, until it is over; when each was placed."""
    placed: list[float] = []
    in_flight: deque[str] = deque()
    while not over.is_set():
        calls = house.claim(campaign).calls
        assert calls, "nobody is left to be called"
        for call in calls:
            house.later(milliseconds=10)
            house.place(call.call_id)
            placed.append(time.monotonic())
            in_flight.append(call.call_id)
        house.end(in_flight.popleft())
    return placed
