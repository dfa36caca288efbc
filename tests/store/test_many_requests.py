"""A direct campaign for which many requests are due: no more of them are made ready than their
lines take soon, and no line waits for another one."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from outdial.domain.call.batches import SLACK, SMALLEST_STEP
from outdial.domain.record import DEFAULT_TENANT, CampaignRecord, RecipientState
from outdial.store.campaign import campaigns
from outdial.store.db.tables import recipient
from tests.builders import House, request
from tests.store.test_rush import counted, enroll, rows_of

MANY = 700
MOST_READY = SLACK + SMALLEST_STEP
"""Of a line that takes fewer calls at once."""


@pytest.fixture
def direct(house: House) -> CampaignRecord:
    return house.write(lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=house.now))


def ask(
    house: House, direct: CampaignRecord, count: int, line: str, first: int = 0, **changes: Any
) -> None:
    """Have that many requests wait for a line."""
    plan = request(line=line).plan().model_dump_json()
    enroll(house, rows_of(direct, count, first=first, line=line, plan=plan, **changes))


def in_state(house: House, state: RecipientState) -> Counter[str]:
    """Requests in a state, by line."""

    def count(s: Session) -> Counter[str]:
        query = select(recipient.c.line, func.count()).where(recipient.c.state == state.value)
        rows = s.connection().execute(query.group_by(recipient.c.line))
        return Counter({row[0]: int(row[1]) for row in rows})

    return house.write(count)


@pytest.mark.parametrize("most", [1, 20])
def test_each_freed_slot_moves_one_request(
    house: House, direct: CampaignRecord, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    house.line("narrow", most=most)
    ask(house, direct, MANY, "narrow")
    live = [call.call_id for call in house.claim(direct).calls]
    assert len(live) == most
    rounds = 20
    with counted(house, monkeypatch) as work:
        for _ in range(rounds):
            house.end(live.pop(0))
            live.append(house.claim_one(direct).call_id)
    assert in_state(house, RecipientState.READY)["narrow"] <= MOST_READY
    assert work.decisions <= 2 * rounds + 2 * SMALLEST_STEP, "one when ready, one when called"


def test_claims_while_a_line_is_full_decide_about_nobody(
    house: House, direct: CampaignRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.line("narrow", most=1)
    ask(house, direct, MANY, "narrow")
    house.claim(direct)
    with counted(house, monkeypatch) as work:
        for _ in range(10):
            assert house.claim(direct).calls == ()
    assert (work.decisions, work.written) == (0, 0)


@pytest.mark.both_databases
def test_whoever_waits_for_another_line_is_called_in_the_same_claim(
    house: House, direct: CampaignRecord
) -> None:
    """However many are due before them."""
    house.line("narrow", most=1)
    house.line("wide", most=50)
    ask(house, direct, MANY, "narrow")
    ask(house, direct, 30, "wide", MANY, due_at=house.now)
    claim = house.claim(direct)
    assert Counter(call.line for call in claim.calls) == {"narrow": 1, "wide": 30}
    assert claim.wake_at is None, "all that could be called are"


@pytest.mark.both_databases
def test_a_full_line_keeps_nobody_from_a_time_of_their_own(
    house: House, direct: CampaignRecord
) -> None:
    later = house.now + timedelta(hours=3)
    house.line("narrow", most=1)
    house.line("wide", most=50)
    ask(house, direct, 100, "narrow")
    ask(house, direct, 3, "wide", 100, due_at=later, not_before=later, turn=0)
    claim = house.claim(direct)
    assert (len(claim.calls), claim.wake_at) == (1, later)
    house.now = later
    assert Counter(call.line for call in house.claim(direct).calls) == {"wide": 3}


@pytest.mark.both_databases
def test_those_whose_window_has_closed_are_decided_about_again(
    house: House, direct: CampaignRecord
) -> None:
    house.line("narrow", most=1)
    plan = request(line="narrow", schedule={"hours": "09:00-11:00"}).plan().model_dump_json()
    enroll(house, rows_of(direct, 60, line="narrow", plan=plan))
    (call,) = house.claim(direct).calls
    assert in_state(house, RecipientState.READY)["narrow"] > 0
    house.later(hours=1)  # 11:00 in New York
    house.end(call.call_id)
    claim = house.claim(direct)
    while claim.wake_at == house.now:
        claim = house.claim(direct)
    assert claim.calls == ()
    assert in_state(house, RecipientState.READY) == {}
    assert claim.wake_at == house.now + timedelta(hours=22)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.faults) for seed in (1, 2))]
)
def test_all_are_called_once_and_few_are_ready_before(
    house: House, direct: CampaignRecord, seed: int
) -> None:
    chance = random.Random(seed)
    lines = {f"line-{number}": chance.choice([1, 5, 30]) for number in range(3)}
    asked, first = Counter[str](), 0
    for line, most in lines.items():
        house.line(line, most=most)
        for _ in range(chance.randrange(3)):
            count = chance.randrange(60)
            due = house.now + timedelta(minutes=chance.randrange(-2, 2))
            ask(house, direct, count, line, first, due_at=due)
            asked[line] += count
            first += count
    called, live = Counter[str](), list[str]()
    while +(asked - called):
        claim = house.claim(direct)
        live += [call.call_id for call in claim.calls]
        called.update(call.line for call in claim.calls)
        ready = in_state(house, RecipientState.READY)
        assert all(ready[line] <= MOST_READY for line in lines)
        if claim.wake_at == house.now:
            assert claim.calls, "it looks again for nothing"
        elif live:
            house.end(live.pop(chance.randrange(len(live))))
        else:
            assert claim.wake_at is not None
            house.now = claim.wake_at
    assert called == asked
