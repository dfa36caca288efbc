"""Caps hold over all campaigns, numbers and processes at once."""

from __future__ import annotations

import multiprocessing
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.store.db.tables import call
from outdial.store.roster import roster
from tests.builders import House, draft, located, phone
from tests.store.capping import Orders, Talk, work
from tests.store.racing import race

pytestmark = pytest.mark.both_databases

DAY = timedelta(hours=24)
THREE_A_DAY: list[dict[str, Any]] = [{"calls": 3, "within": "24h"}]
AGAIN = {"max_attempts": 20, "no_answer": {"delays": "1s", "max_attempts": 20}}


def _attempts(s: Session) -> dict[str, list[datetime]]:
    statement = (
        select(call.c.phone, func.coalesce(call.c.fenced_at, call.c.created_at).label("at"))
        .where(call.c.is_attempt)
        .order_by("at")
    )
    attempts: dict[str, list[datetime]] = defaultdict(list)
    for number, at in s.connection().execute(statement):
        attempts[number].append(at)
    return attempts


def _unanswered(house: House, campaign: CampaignRecord) -> None:
    one = house.claim_one(campaign)
    assert house.fence(one.call_id).verdict is FenceVerdict.GO
    house.end(one.call_id, CallStatus.NO_ANSWER)
    house.later(hours=1)


def _two_campaigns(house: House, people: int) -> list[CampaignRecord]:
    """Over the same numbers, on a line each."""
    for line in ("one", "two"):
        house.line(line, most=1000, per_second=100_000)
    return [
        house.launch(
            people,
            line,
            line=line,
            caps=THREE_A_DAY,
            retry=AGAIN,
            pacing={"max_concurrent": people},
        )
        for line in ("one", "two")
    ]


def _check(house: House, campaigns: list[CampaignRecord], people: int, talks: list[Talk]) -> None:
    attempts = house.database.read_sync(_attempts)
    assert Counter(map(len, attempts.values())) == {3: people}
    for made in attempts.values():
        assert made[-1] - made[0] < DAY
    assert len(talks) == 3 * people
    for one, another in pairwise(sorted(talks, key=lambda talk: (talk.number, talk.begun))):
        assert one.number != another.number or one.ended <= another.begun
    # The day rolls on: everybody may be called once more.
    house.now = max(made[0] for made in attempts.values()) + DAY
    more = 0
    for _ in range(10):
        more += sum(len(house.claim(campaign).calls) for campaign in campaigns)
        house.later(seconds=5)  # each number is busy for the other campaign
    assert more == people


@pytest.mark.faults
def test_four_processes_and_two_campaigns_never_exceed_a_cap(house: House, url: str) -> None:
    campaigns = _two_campaigns(house, 200)
    ids = tuple(campaign.id for campaign in campaigns)
    orders = [Orders(url, ids, house.now, seed) for seed in range(4)]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        talks = [talk for some in pool.map(work, orders, chunksize=1) for talk in some]
    _check(house, campaigns, 200, talks)


def test_four_threads_and_two_campaigns_never_exceed_a_cap(house: House, url: str) -> None:
    campaigns = _two_campaigns(house, 20)
    ids = tuple(campaign.id for campaign in campaigns)
    talks = race(
        [lambda seed=seed: work(Orders(url, ids, house.now, seed)) for seed in range(4)]  # type: ignore[misc]
    )
    _check(house, campaigns, 20, [talk for some in talks for talk in some])


def test_a_cap_counts_the_calls_of_other_campaigns(house: House) -> None:
    first = house.launch(1, "first", retry=AGAIN)
    for _ in range(3):
        _unanswered(house, first)
    second = house.launch(1, "second", caps=THREE_A_DAY)
    claim = house.claim(second)
    assert claim.calls == ()
    assert claim.wake_at == house.now - timedelta(hours=3) + DAY
    house.now = claim.wake_at
    assert len(house.claim(second).calls) == 1


def test_what_was_never_dialed_is_not_counted_and_what_may_have_rung_is(house: House) -> None:
    once = house.launch(1, caps=[{"calls": 1, "within": "24h"}], retry=AGAIN)
    refused = house.claim_one(once)
    house.end(refused.call_id, CallStatus.FAILED, may_have_rung=False)
    house.later(minutes=1)
    unknown = house.claim_one(once)
    house.fence(unknown.call_id)
    house.end(unknown.call_id, CallStatus.FAILED, failure="unknown")
    house.later(hours=23)
    assert house.claim(once).calls == ()


def test_a_cap_for_ever_ends_people(house: House) -> None:
    _unanswered(house, house.launch(1, "first", retry=AGAIN))
    second = house.launch(1, "second", caps=[{"calls": 1}])
    claim = house.claim(second)
    assert (claim.calls, claim.open_recipients) == ((), 0)
    (ended,) = house.write(lambda s: roster.list_recipients(s, second.id, launch=1))
    assert ended.outcome == "cap"
    assert "1 call ever per person" in str(ended.reason)


def _with_other_number(house: House, name: str, first: int, other: int, **changes: Any) -> Any:
    campaign = house.launch(0, name, **changes)
    person = draft(0, phone=phone(first), alternate_phones=(phone(other),))
    rows = located([person])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    return campaign


def test_calls_to_any_number_of_a_person_count(house: House) -> None:
    _unanswered(house, house.launch(1, "elsewhere", first=7, retry=AGAIN))
    of_person = _with_other_number(house, "person", 1, 7, caps=[{"calls": 1, "within": "24h"}])
    assert house.claim(of_person).calls == ()
    of_number = _with_other_number(
        house, "number", 1, 7, caps=[{"calls": 1, "within": "24h", "per": "number"}]
    )
    assert len(house.claim(of_number).calls) == 1


def test_a_call_to_any_number_of_a_person_keeps_the_others_silent(house: House) -> None:
    live = house.claim_one(house.launch(1, "elsewhere", first=7))
    person = _with_other_number(house, "person", 1, 7)
    assert house.claim(person).calls == ()
    house.end(live.call_id)
    house.later(seconds=5)
    assert len(house.claim(person).calls) == 1


def test_a_cap_reached_after_the_claim_counts_at_the_fence(house: House) -> None:
    campaign = house.launch(1, caps=[{"calls": 1, "within": "24h"}])
    claimed = house.claim_one(campaign)
    # A call of another tenant's past would be none of ours; this one is put into our ledger.
    other = house.launch(1, "other", first=9, retry=AGAIN)
    _unanswered(house, other)
    house.write(
        lambda s: s.connection().execute(
            call.update().where(call.c.campaign_id == other.id).values(phone=phone(0))
        )
    )
    assert house.fence(claimed.call_id).verdict is FenceVerdict.WITHDRAWN
