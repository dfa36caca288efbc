"""Campaigns that wait for one line share it by weight, by what each can use now, and nobody waits
longer than the others' calls take."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import CampaignState, Claim
from outdial.domain.line.capacity import LINE_RETRY
from outdial.domain.record import CampaignRecord
from outdial.store.call import requests
from outdial.store.campaign import campaigns
from outdial.store.claims.demand import OFFER_HOLDS, lines_waited_for
from outdial.store.claims.reservation import claim_calls
from outdial.store.claims.result import ClaimResult
from outdial.store.db.tables import line_demand
from tests.builders import House, phone, request, zones
from tests.store.test_rush import enroll, rows_of

GREEDY = {"max_concurrent": 50}
TIMER, NUDGE = "timer", "nudge"


def launch(house: House, name: str, people: int = 60, **pacing: Any) -> CampaignRecord:
    """A campaign of people of its own."""
    campaign = house.launch(0, name, pacing=GREEDY | pacing)
    numbers = campaign.id * 1000
    rows = [
        row | {"phone": phone(numbers % 4_000_000 + at)}
        for at, row in enumerate(rows_of(campaign, people))
    ]
    if rows:
        enroll(house, rows)
    return campaign


def claim(house: House, campaign: CampaignRecord, key: str) -> ClaimResult:
    return house.write(lambda s: claim_calls(s, campaign.id, key, now=house.now))


def workflow(campaign: CampaignRecord) -> str:
    return campaign_workflow_id(campaign.tenant, campaign.name)


def waiting(house: House) -> dict[int, int]:
    query = select(line_demand.c.campaign_id, line_demand.c.wants)
    rows = house.write(lambda s: s.connection().execute(query).all())
    return {row.campaign_id: row.wants for row in rows}


def test_a_campaign_at_its_pace_leaves_its_rest_to_others(house: House) -> None:
    """All 20 slots are used, although the other campaign has people ready and may hold 50 calls."""
    house.line(most=20)
    paced, other = launch(house, "paced", per_minute=2), launch(house, "other")
    assert len(house.claim(paced).calls) == 2
    assert len(house.claim(other).calls) == 18
    house.later(seconds=1)
    assert house.claim(paced).reason.startswith("2 calls a minute")


def test_a_campaign_with_nobody_ready_leaves_its_rest_to_others(house: House) -> None:
    house.line(most=20)
    few, other = launch(house, "few", 3), launch(house, "other")
    assert len(house.claim(few).calls) == 3
    assert len(house.claim(other).calls) == 17


@pytest.mark.parametrize(("weights", "shares"), [((3, 1), (15, 5)), ((1, 1), (10, 10))])
def test_lines_are_shared_by_weight(
    house: House, weights: tuple[int, int], shares: tuple[int, int]
) -> None:
    house.line(most=20)
    first = launch(house, "first", 200, weight=weights[0])
    second = launch(house, "second", 200, weight=weights[1])
    live = [call.call_id for call in house.claim(first).calls]
    assert len(live) == 20
    assert house.claim(second).calls == ()
    for call_id in live:
        house.end(call_id)
    assert len(house.claim(first).calls) == shares[0]
    assert len(house.claim(second).calls) == shares[1]


def test_a_slot_that_is_left_is_offered_to_whom_it_is_for(house: House) -> None:
    house.line(most=10)
    first, second = launch(house, "first"), launch(house, "second")
    live = house.claim(first).calls
    assert house.claim(second).wake_at == house.now + timedelta(seconds=5)
    house.end(live[0].call_id)
    result = claim(house, first, "after")
    assert (result.claim.calls, result.offered) == ((), (workflow(second),))
    assert claim(house, first, "again").offered == (), "once is enough"
    assert len(house.claim(second).calls) == 1


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPING, None])
def test_slots_of_a_campaign_that_starts_no_more_calls_are_offered(
    house: House, state: CampaignState | None
) -> None:
    """It is paused, ended, or at its pace."""
    house.line(most=2)
    pacing = {"per_minute": 2} if state is None else {}
    first, second = launch(house, "first", **pacing), launch(house, "second")
    live = house.claim(first).calls
    house.claim(second)
    if state is not None:
        house.set_state(first, state)
    house.end(live[0].call_id)
    assert claim(house, first, "after").offered == (workflow(second),)
    assert len(house.claim(second).calls) == 1


def test_a_slot_is_kept_for_seconds_only(house: House) -> None:
    """The campaign that it is for does not come: no worker runs, or its signal was lost."""
    house.line(most=2)
    first, gone = launch(house, "first"), launch(house, "gone")
    live = house.claim(first).calls
    house.claim(gone)
    house.end(live[0].call_id)
    claimed = house.claim(first)
    assert (claimed.calls, claimed.wake_at) == ((), house.now + OFFER_HOLDS)
    house.now += OFFER_HOLDS
    assert len(house.claim(first).calls) == 1
    house.end(live[1].call_id)
    assert len(house.claim(first).calls) == 1, "it counts no more until it claims"
    house.claim(gone)
    assert waiting(house).keys() == {first.id, gone.id}


def test_a_bound_holds_for_those_who_answer_within_seconds(house: House) -> None:
    """Their slot is kept that long. Who comes later loses it to another, and is next again."""
    house.line(most=1)
    other, first = launch(house, "other"), launch(house, "first")
    (live,) = house.claim(first).calls
    house.claim(other)
    house.later(seconds=1)
    house.end(live.call_id)
    assert claim(house, first, "after").offered == (workflow(other),)
    house.now += OFFER_HOLDS - timedelta(milliseconds=1)
    assert house.claim(first).calls == ()
    (live,) = house.claim(other).calls
    house.end(live.call_id)
    assert claim(house, other, "ended").offered == (workflow(first),)
    house.now += OFFER_HOLDS
    (live,) = house.claim(other).calls
    assert house.claim(first).calls == (), "it came too late"
    house.later(seconds=1)
    house.end(live.call_id)
    assert claim(house, other, "again").offered == (workflow(first),)
    assert len(house.claim(first).calls) == 1


def test_who_answers_an_offer_late_keeps_its_place(house: House) -> None:
    house.line(most=1)
    first = launch(house, "first", 1)
    oldest, newer = launch(house, "oldest"), launch(house, "newer")
    live = house.claim(first).calls
    house.claim(oldest)
    house.later(seconds=1)
    house.claim(newer)
    house.end(live[0].call_id)
    assert claim(house, first, "after").offered == (workflow(oldest),)
    house.now += OFFER_HOLDS + timedelta(seconds=1)
    assert len(house.claim(oldest).calls) == 1


def test_who_can_be_called_no_more_counts_for_no_wait(house: House) -> None:
    """Its campaign does not claim again: its line is looked at as often as without it, and is not
    locked for it."""
    house.line(most=1)
    first = launch(house, "first", 2)
    house.claim(first)
    for number in range(30):
        house.claim(launch(house, f"c{number}", 2))
    assert house.write(lambda s: lines_waited_for(s, first, house.now))
    past = update(line_demand).values(expires_at=house.now)
    house.write(lambda s: s.connection().execute(past))
    assert house.write(lambda s: lines_waited_for(s, first, house.now)) == []
    assert house.claim(launch(house, "last", 2)).wake_at == house.now + LINE_RETRY


@pytest.mark.parametrize("how", ["paused", "nobody left", "windows closed"])
def test_who_can_use_no_slot_any_more_has_none_kept(house: House, how: str) -> None:
    house.line(most=4)
    first = launch(house, "first")
    second = launch(house, "second", 30)
    live = house.claim(first).calls
    house.claim(second)
    assert waiting(house).keys() == {first.id, second.id}
    if how == "paused":
        house.set_state(second, CampaignState.PAUSED)
        house.claim(second)
    elif how == "nobody left":
        house.set_state(second, CampaignState.STOPPING)
        house.claim(second)
    else:
        past = update(line_demand).values(expires_at=house.now)
        house.write(lambda s: s.connection().execute(past.where(of(second))))
    for call in live:
        house.end(call.call_id)
    assert len(house.claim(first).calls) == 4


def of(campaign: CampaignRecord) -> Any:
    return line_demand.c.campaign_id == campaign.id


def test_single_calls_have_their_share_beside_campaigns(house: House) -> None:
    house.line(most=4)
    campaign = launch(house, "campaign")
    live = house.claim(campaign).calls
    direct = house.write(lambda s: campaigns.ensure_direct_campaign(s, "default", now=house.now))
    for number in range(3):
        house.write(
            lambda s, n=number: requests.enroll_request(  # type: ignore[misc]
                s,
                direct.id,
                request(900_000 + n),
                phone=phone(900_000 + n),
                zones=zones(),
                request_key=f"r{n}",
                requester_workflow_id=None,
                now=house.now,
            )
        )
    assert house.claim(direct).calls == ()
    for call in live[:2]:
        house.end(call.call_id)
    assert claim(house, campaign, "after").offered == (workflow(direct),)
    assert len(house.claim(direct).calls) == 2


def test_a_full_line_is_polled_less_often_the_more_campaigns_wait(house: House) -> None:
    house.line(most=1)
    first = launch(house, "first", 2)
    house.claim(first)
    waits = []
    for number in range(30):
        claimed = house.claim(launch(house, f"c{number}", 2))
        assert claimed.wake_at is not None
        waits.append((claimed.wake_at - house.now).total_seconds())
    assert waits[0] == 5
    assert waits[-1] > 7


@dataclass
class Simulation:
    """Campaigns that claim as their workflows do: when a call of theirs ends, when their own timer
    fires, and when a slot is offered to them."""

    house: House
    lasts: timedelta
    late: dict[int, timedelta] = field(default_factory=dict)
    """How long after it was woken a campaign claims."""
    claims: int = 0
    calls: Counter[int] = field(default_factory=Counter)
    longest: dict[int, timedelta] = field(default_factory=dict)
    """The longest time that a campaign waited for its next call."""
    idle: timedelta = timedelta(0)
    _events: list[tuple[datetime, int, int, str]] = field(default_factory=list)
    _served: dict[int, datetime] = field(default_factory=dict)
    _alarms: dict[int, datetime] = field(default_factory=dict)
    _serial: int = 0

    def run(self, running: list[CampaignRecord], until: datetime) -> None:
        by_id = {each.id: each for each in running}
        by_workflow = {workflow(each): each.id for each in running}
        for each in running:
            self._served[each.id] = self.house.now
            self._at(self.house.now, each.id, NUDGE)
        while self._events and self._events[0][0] <= until:
            at, _, campaign_id, call_id = heapq.heappop(self._events)
            self.house.now = max(self.house.now, at)
            if call_id == TIMER and self._alarms.pop(campaign_id, None) != at:
                continue
            if call_id not in (TIMER, NUDGE):
                self.house.end(call_id)
                if campaign_id in self.late:
                    self._at(self.house.now, campaign_id, NUDGE)
                    continue
            self.claims += 1
            result = claim(self.house, by_id[campaign_id], f"s{self.claims}")
            self._note(campaign_id, result.claim)
            for offered in result.offered:
                woken = self.house.now + timedelta(milliseconds=500)
                self._at(woken, by_workflow[offered], NUDGE)

    def _note(self, campaign_id: int, claimed: Claim) -> None:
        now = self.house.now
        for call in claimed.calls:
            self._at(now + self.lasts, campaign_id, call.call_id)
        if claimed.calls:
            waited = now - self._served[campaign_id]
            self.longest[campaign_id] = max(waited, self.longest.get(campaign_id, timedelta(0)))
            self._served[campaign_id] = now
            self.calls[campaign_id] += len(claimed.calls)
        if claimed.wake_at is not None and claimed.open_recipients:
            alarm = max(claimed.wake_at, now + timedelta(milliseconds=100))
            alarm += self.late.get(campaign_id, timedelta(0))
            if campaign_id not in self._alarms or alarm < self._alarms[campaign_id]:
                self._alarms[campaign_id] = alarm
                self._at(alarm, campaign_id, TIMER)

    def _at(self, at: datetime, campaign_id: int, call_id: str) -> None:
        if call_id == NUDGE:
            at += self.late.get(campaign_id, timedelta(0))
        self._serial += 1
        heapq.heappush(self._events, (at, self._serial, campaign_id, call_id))


def simulate(house: House, weights: list[int], most: int, minutes: int) -> Simulation:
    house.line(most=most)
    running = [launch(house, f"c{at}", 40, weight=weight) for at, weight in enumerate(weights)]
    simulation = Simulation(house, lasts=timedelta(seconds=20))
    simulation.run(running, house.now + timedelta(minutes=minutes))
    return simulation


def test_more_campaigns_than_slots_take_turns(house: House) -> None:
    """Each gets a call after at most one call of each other, and no slot stays empty."""
    count, most, minutes = 6, 2, 2
    simulation = simulate(house, [1] * count, most, minutes)
    full = most * minutes * 60 / 20
    assert simulation.calls.total() >= 0.8 * full
    assert max(simulation.calls.values()) - min(simulation.calls.values()) <= 2
    assert simulation.claims <= 3 * simulation.calls.total() + count * minutes * 12
    turn = timedelta(seconds=20.5)
    assert max(simulation.longest.values()) <= turn * -(-count // most)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("weights", "most"),
    [([1] * 20, 4), ([4, 2, 1, 1], 8), ([4, 1, 1, 1, 1, 1, 1], 3)],
    ids=str,
)
def test_campaigns_share_by_weight_and_nobody_waits_too_long(
    house: House, weights: list[int], most: int
) -> None:
    minutes = 5
    simulation = simulate(house, weights, most, minutes)
    made, total = simulation.calls.total(), sum(weights)
    assert made >= min(0.85 * most * minutes * 3, 0.95 * 40 * len(weights))
    for number, weight in enumerate(weights, start=min(simulation.calls)):
        due = made * weight / total
        assert simulation.calls[number] >= min(0.6 * due - 1, 39), simulation.calls
        turns = 2 * (len(weights) + total / weight) / most
        assert simulation.longest[number] <= timedelta(seconds=21) * (turns + 1)


@pytest.mark.faults
@pytest.mark.parametrize("seconds", [4, 6])
def test_who_always_answers_late_has_its_turns(house: House, seconds: int) -> None:
    house.line(most=2)
    running = [launch(house, f"c{at}", 40) for at in range(6)]
    slow, late, lasts = running[-1].id, timedelta(seconds=seconds), timedelta(seconds=20)
    simulation = Simulation(house, lasts, late={slow: late})
    simulation.run(running, house.now + timedelta(minutes=3))
    assert simulation.calls[slow] >= 2
    assert simulation.longest[slow] <= (lasts + late) * 3
