"""Many who claim at once: no limit is exceeded, nobody is called twice, nobody is forgotten."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import Pool

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState, FenceVerdict
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.store.campaign.states import finish_campaign
from outdial.store.db.tables import call, recipient
from tests.builders import House
from tests.store.claiming import Orders, Record, work
from tests.store.racing import race

ON_LINE = 7
OF_CAMPAIGN = 4
PEOPLE = 10


def _campaigns(house: House) -> list[CampaignRecord]:
    """Three on one narrow line; each shares half of its numbers with the next."""
    house.line(most=ON_LINE)
    return [
        house.launch(PEOPLE, f"c{i}", first=i * PEOPLE // 2, pacing={"max_concurrent": OF_CAMPAIGN})
        for i in range(3)
    ]


def _check(house: House, campaigns: list[CampaignRecord], processes: list[Record]) -> None:
    people = PEOPLE * len(campaigns)
    claimed = [call_id for one in processes for call_id in one.claimed]
    assert len(claimed) == len(set(claimed)) == people
    assert sum(one.dialed for one in processes) == people
    assert max(one.most_on_line for one in processes) <= ON_LINE
    assert max(one.most_of_campaign for one in processes) <= OF_CAMPAIGN
    assert house.database.read_sync(_by_state) == {"done": people}
    assert house.database.read_sync(_calls_a_head) == {1: people}


def _by_state(s: Session) -> dict[str, int]:
    counted = select(recipient.c.state, func.count()).group_by(recipient.c.state)
    return {row[0]: row[1] for row in s.connection().execute(counted)}


def _calls_a_head(s: Session) -> dict[int, int]:
    each = select(func.count()).select_from(call).group_by(call.c.recipient_id)
    return dict(Counter(s.connection().execute(each).scalars()))


def test_processes_that_claim_at_once(house: House, url: str, three_processes: Pool) -> None:
    campaigns = _campaigns(house)
    ids = tuple(campaign.id for campaign in campaigns)
    orders = [Orders(url, ids, house.now, seed) for seed in range(3)]
    processes = three_processes.map(work, orders, chunksize=1)
    _check(house, campaigns, processes)


@pytest.mark.both_databases
def test_threads_that_claim_at_once(house: House, url: str) -> None:
    campaigns = _campaigns(house)
    ids = tuple(campaign.id for campaign in campaigns)
    threads = race(
        [lambda seed=seed: work(Orders(url, ids, house.now, seed)) for seed in range(4)]  # type: ignore[misc]
    )
    _check(house, campaigns, threads)


@pytest.mark.both_databases
def test_threads_that_repeat_one_claim_get_the_same_calls(house: House) -> None:
    campaign = house.launch(30, pacing={"max_concurrent": 10})
    claims = race([lambda: house.claim(campaign, "one-key")] * 8)
    assert len({claim.calls for claim in claims}) == 1
    assert {claim.in_flight for claim in claims} == {10}


@pytest.mark.both_databases
def test_two_campaigns_that_claim_the_same_numbers_at_once(house: House) -> None:
    """On lines of their own, so that nothing but the numbers keeps them apart."""
    launched = []
    for i in range(4):
        house.line(f"line-{i}")
        launched.append(house.launch(25, f"c{i}", line=f"line-{i}", pacing={"max_concurrent": 25}))
    claims = race([lambda c=c: house.claim(c) for c in launched])  # type: ignore[misc]
    masked = [claimed.masked for claim in claims for claimed in claim.calls]
    assert len(masked) == len(set(masked)) == 25


@pytest.mark.both_databases
def test_nothing_passes_the_fence_once_a_pause_is_committed(house: House) -> None:
    campaign = house.launch(60, pacing={"max_concurrent": 60})
    calls = [claimed.call_id for claimed in house.claim(campaign).calls]
    some_passed = threading.Event()
    verdicts: Counter[FenceVerdict] = Counter()

    def fence(call_id: str) -> None:
        verdicts[house.fence(call_id).verdict] += 1
        if verdicts[FenceVerdict.GO] >= 5:
            some_passed.set()

    with ThreadPoolExecutor(8) as executor:
        fences = [executor.submit(fence, call_id) for call_id in calls]
        assert some_passed.wait(20)
        house.set_state(campaign, CampaignState.PAUSED)
        let_through = house.database.read_sync(_placing)
        for done in fences:
            done.result()
    assert house.database.read_sync(_placing) == let_through == verdicts[FenceVerdict.GO]
    assert let_through + verdicts[FenceVerdict.WITHDRAWN] == 60


def _placing(s: Session) -> int:
    counted = select(func.count()).where(call.c.fence == "placing")
    return int(s.connection().execute(counted).scalar_one())


@pytest.mark.both_databases
@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPING])
def test_no_claim_begins_to_take_people_once_a_change_is_committed(
    house: House, state: CampaignState
) -> None:
    """A pause waits for no claim: the one under way may still commit. Its calls are not dialed."""
    campaign = house.launch(60, pacing={"max_concurrent": 60})
    first = threading.Event()

    def claim() -> int:
        claimed = len(house.claim(campaign, limit=3).calls)
        first.set()
        return claimed

    with ThreadPoolExecutor(6) as executor:
        claims = [executor.submit(claim) for _ in range(20)]
        assert first.wait(20)
        house.set_state(campaign, state)
        at_the_change = house.database.read_sync(_calls_a_head)[1]
        total = sum(done.result() for done in claims)
    assert house.database.read_sync(_calls_a_head) == {1: total}
    assert total - at_the_change <= (3 if state is CampaignState.PAUSED else 0)
    for call_id in house.database.read_sync(_queued):
        assert house.fence(call_id).verdict is FenceVerdict.WITHDRAWN


def _queued(s: Session) -> list[str]:
    return list(s.connection().execute(select(call.c.id)).scalars())


@pytest.mark.both_databases
def test_ends_while_a_campaign_stops_lose_nobody(house: House) -> None:
    """A redial decided beside the stop must not be left waiting for ever."""
    campaign = house.launch(24, pacing={"max_concurrent": 12}, retry={"busy": {"delays": "1m"}})
    calls = [claimed.call_id for claimed in house.claim(campaign).calls]

    def stop() -> None:
        house.set_state(campaign, CampaignState.STOPPING)

    def end(call_id: str) -> None:
        house.end(call_id, CallStatus.BUSY)

    race([stop, *(lambda c=c: end(c) for c in calls)])
    # Whoever was put back while the stop committed is ended by whoever ends the campaign.
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now))
    assert house.database.read_sync(_by_state) == {"done": 24}
