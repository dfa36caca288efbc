from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from outdial.domain.call.claim import FencePass, FenceVerdict
from outdial.domain.line.capacity import FENCE_WAIT
from outdial.domain.line.rate import rate_of
from outdial.store.claims.fence import raise_fence
from tests.builders import TIMEOUT, House
from tests.store.racing import race

GO, WAIT = FenceVerdict.GO, FenceVerdict.WAIT_FOR_RATE


def _claimed(house: House, count: int) -> list[str]:
    campaign = house.launch(count, pacing={"max_concurrent": count})
    return [call.call_id for call in house.claim(campaign).calls]


def _fence(house: House, call_id: str, now: datetime) -> FencePass:
    return house.write(lambda s: raise_fence(s, call_id, now=now, placement_timeout=TIMEOUT))[0]


def test_a_second_has_so_many_calls_and_no_more(house: House) -> None:
    house.line(per_second=2)
    calls = _claimed(house, 5)
    house.later(milliseconds=300)
    passes = [house.fence(call_id) for call_id in calls]
    assert Counter(passed.verdict for passed in passes) == {GO: 2, WAIT: 3}
    for passed in passes:
        if passed.verdict is WAIT:
            assert passed.reason == "line simulated may start no more calls for now"
    house.later(milliseconds=700)
    again = [house.fence(call_id).verdict for call_id in calls]
    assert Counter(again)[GO] == 2


def test_calls_that_wait_get_a_second_of_their_own(house: House) -> None:
    house.line(per_second=2)
    calls = sorted(_claimed(house, 7))
    assert [house.fence(call_id).verdict for call_id in calls[:2]] == [GO, GO]
    waits = [house.fence(call_id).retry_at for call_id in calls[2:]]
    seconds = [(at - house.now).total_seconds() for at in waits if at is not None]
    assert seconds == [1, 1, 2, 2, 3]


def test_a_clock_that_is_behind_waits_for_the_others(house: House) -> None:
    house.line(per_second=1)
    ahead, behind = _claimed(house, 2)
    assert _fence(house, ahead, house.now + timedelta(seconds=3)).verdict is GO
    passed = _fence(house, behind, house.now)
    assert (passed.verdict, passed.retry_at) == (WAIT, house.now + timedelta(seconds=3))


@pytest.mark.parametrize(
    ("per_second", "rate"),
    [
        (10, (10, 1)),
        (1, (1, 1)),
        (1.67, (1, 1)),
        (0.5, (1, 2)),
        (0.11, (1, 10)),
        (10 / 60, (1, 6)),
        (100 / 900 / 3, (1, 27)),
    ],
)
def test_a_rate_is_never_rounded_up(per_second: float, rate: tuple[int, int]) -> None:
    assert rate_of(per_second) == rate


def test_a_line_may_be_slower_than_a_call_a_second(house: House) -> None:
    house.line(per_second=0.11)
    first, second, third = sorted(_claimed(house, 3))
    assert house.fence(first).verdict is GO
    waits = [house.fence(call_id).retry_at for call_id in (second, third)]
    assert waits == [house.now + timedelta(seconds=10), house.now + timedelta(seconds=20)]
    house.later(seconds=9)
    assert house.fence(second).verdict is WAIT
    house.later(seconds=1)
    assert [house.fence(second).verdict, house.fence(third).verdict] == [GO, WAIT]


def test_no_more_is_claimed_than_a_slow_line_starts_soon(house: House) -> None:
    house.line(per_second=0.1)
    campaign = house.launch(20, pacing={"max_concurrent": 20})
    claim = house.claim(campaign)
    assert len(claim.calls) == 3
    waiting = house.claim(campaign)
    assert waiting.calls == ()
    assert waiting.reason == "line simulated starts 1 call in 10 s, and enough calls wait for that"
    assert waiting.wake_at == house.now + timedelta(seconds=10)
    house.fence(sorted(call.call_id for call in claim.calls)[0])
    assert len(house.claim(campaign).calls) == 1


def test_a_claim_that_the_pace_ends_is_repeated_before_a_call_ends(house: House) -> None:
    """70 slots of the line are free, so no call has to end first."""
    house.line(most=100, per_second=1)
    claim = house.claim(house.launch(100, pacing={"max_concurrent": 100}))
    assert len(claim.calls) == 30
    assert claim.reason == "line simulated starts 1 call a second, and enough calls wait for that"
    assert claim.wake_at == house.now + FENCE_WAIT


def test_a_claim_that_fills_a_line_waits_for_a_call_to_end(house: House) -> None:
    house.line(most=30, per_second=1)
    claim = house.claim(house.launch(50, pacing={"max_concurrent": 50}))
    assert len(claim.calls) == 30
    assert claim.reason == "all 30 calls of line simulated in flight"
    assert claim.wake_at is None


def test_a_line_is_one_line_for_all_campaigns(house: House) -> None:
    house.line(per_second=1)
    (first,) = _claimed(house, 1)
    second = house.claim_one(house.launch(1, "other", first=50)).call_id
    assert [house.fence(first).verdict, house.fence(second).verdict] == [GO, WAIT]


@pytest.mark.both_databases
def test_racing_threads_share_each_second(house: House) -> None:
    """Twenty threads with clocks that run together: no second lets more than three pass."""
    house.line(per_second=3)
    calls = _claimed(house, 20)
    start = house.now

    def until_it_passes(call_id: str, offset: int) -> datetime:
        now = start + timedelta(milliseconds=offset)
        while True:
            passed = _fence(house, call_id, now)
            if passed.verdict is GO:
                return now
            assert passed.verdict is WAIT
            assert passed.retry_at is not None
            assert passed.retry_at > now
            now = passed.retry_at + timedelta(milliseconds=offset)

    passed_at = race(
        [lambda c=c, i=i: until_it_passes(c, 40 * i) for i, c in enumerate(calls)]  # type: ignore[misc]
    )
    by_second = Counter(int(at.timestamp()) for at in passed_at)
    assert sum(by_second.values()) == 20
    assert max(by_second.values()) <= 3
