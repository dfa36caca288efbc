from __future__ import annotations

from datetime import timedelta

from outdial.domain.record import DEFAULT_TENANT
from outdial.store.lines import lines
from tests.builders import LINE, House


def test_a_campaign_keeps_to_its_concurrency(house: House) -> None:
    campaign = house.launch(9, pacing={"max_concurrent": 3})
    claim = house.claim(campaign)
    assert len(claim.calls) == 3
    assert house.claim(campaign).reason == "3 of 3 calls in flight"
    house.end(claim.calls[0].call_id)
    assert len(house.claim(campaign).calls) == 1


def test_a_campaign_keeps_to_its_calls_per_minute(house: House) -> None:
    campaign = house.launch(9, pacing={"max_concurrent": 9, "per_minute": 3})
    assert len(house.claim(campaign, limit=2).calls) == 2
    house.later(seconds=20)
    claim = house.claim(campaign)
    assert len(claim.calls) == 1
    assert claim.wake_at == house.now + timedelta(seconds=40)
    house.later(seconds=39)
    assert house.claim(campaign).calls == ()
    house.later(seconds=1)
    claim = house.claim(campaign)
    assert len(claim.calls) == 2
    assert claim.wake_at == house.now + timedelta(seconds=20)
    assert claim.reason == "3 calls a minute; next at 15:01:20Z"


def test_a_line_keeps_to_its_concurrency_over_all_campaigns(house: House) -> None:
    house.line(most=4)
    first = house.launch(3, "first")
    second = house.launch(300, "second", first=10)
    held = house.claim(first).calls
    assert len(held) == 3
    claim = house.claim(second)
    assert len(claim.calls) == 1
    claim = house.claim(second)
    assert claim.calls == ()
    assert claim.reason == "all 4 calls of line simulated in flight"
    assert claim.wake_at == house.now + timedelta(seconds=5)
    house.end(held[0].call_id)
    assert len(house.claim(second).calls) == 1


def test_a_line_that_is_full_of_our_own_calls_is_not_polled(house: House) -> None:
    house.line(most=2)
    campaign = house.launch(5)
    claim = house.claim(campaign)
    assert (len(claim.calls), claim.wake_at) == (2, None)
    assert house.claim(campaign).wake_at is None


def test_a_line_that_is_held_takes_nothing_until_then(house: House) -> None:
    campaign = house.launch(2)
    until = house.now + timedelta(minutes=3)
    house.write(lambda s: lines.hold_line(s, DEFAULT_TENANT, LINE, until, "bad credentials"))
    claim = house.claim(campaign)
    assert (claim.calls, claim.wake_at) == ((), until)
    assert claim.reason == "line simulated is held: bad credentials"
    house.now = until
    assert len(house.claim(campaign).calls) == 2


def test_a_hold_may_be_ended_early(house: House) -> None:
    campaign = house.launch(1)
    until = house.now + timedelta(hours=1)
    house.write(lambda s: lines.hold_line(s, DEFAULT_TENANT, LINE, until, "why"))
    house.write(lambda s: lines.hold_line(s, DEFAULT_TENANT, LINE, None, None))
    assert len(house.claim(campaign).calls) == 1


def test_a_line_is_shared_with_those_who_wait_for_it(house: House) -> None:
    house.line(most=10)
    first = house.launch(50, "first", pacing={"max_concurrent": 50})
    second = house.launch(50, "second", first=100, pacing={"max_concurrent": 50})
    held = house.claim(first).calls
    assert len(held) == 10
    claim = house.claim(second)
    assert claim.calls == ()
    for call in held[:6]:
        house.end(call.call_id)
    claim = house.claim(first)
    assert len(claim.calls) == 1
    assert claim.reason == "line simulated is shared with 1 more"
    assert claim.wake_at == house.now + timedelta(seconds=5)
    assert len(house.claim(second).calls) == 5
    assert house.claim(first).calls == ()


def test_what_others_cannot_use_is_free_for_all(house: House) -> None:
    house.line(most=10)
    modest = house.launch(50, "modest", pacing={"max_concurrent": 2})
    greedy = house.launch(50, "greedy", first=100, pacing={"max_concurrent": 50})
    assert len(house.claim(modest).calls) == 2
    assert len(house.claim(greedy).calls) == 8


def test_new_limits_of_a_line_hold_at_once(house: House) -> None:
    house.line(most=1)
    campaign = house.launch(5)
    house.claim(campaign)
    house.line(most=3)
    assert len(house.claim(campaign).calls) == 2
    house.line(most=1)
    assert house.claim(campaign).calls == ()
    status = house.write(lambda s: lines.line_status(s, DEFAULT_TENANT, LINE))
    assert status is not None
    assert (status.max_concurrent, status.in_flight, status.held_until) == (1, 3, None)
    assert house.write(lambda s: lines.line_status(s, DEFAULT_TENANT, "unknown")) is None
