"""The tokens of a line: never more calls in an interval than its rate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.line.rate import Bucket, rate_of

START = datetime(2026, 3, 4, 15, tzinfo=UTC)


@given(
    st.sampled_from([0.1, 0.5, 1, 3, 10]),
    st.lists(st.integers(0, 3000), max_size=60),
)
def test_no_interval_has_more_calls_than_the_rate(per_second: float, steps: list[int]) -> None:
    calls, seconds = rate_of(per_second)
    bucket, now, placed = Bucket(calls, seconds), START, list[datetime]()
    for step in steps:
        now += timedelta(milliseconds=step)
        if bucket.take(now):
            placed.append(now)
        else:
            again = bucket.free_again_at(now, 0)
            assert now < again <= now + timedelta(seconds=seconds)
            assert Bucket(calls, seconds, bucket.second, bucket.used).take(again)
    for at in placed:
        second = at.replace(microsecond=0)
        window = second, second + timedelta(seconds=seconds)
        first_of_interval = sum(window[0] <= other < window[1] for other in placed)
        assert first_of_interval <= calls


def test_calls_that_are_queued_before_go_first() -> None:
    bucket = Bucket(2, 1)
    assert [bucket.take(START) for _ in range(3)] == [True, True, False]
    waits = [bucket.free_again_at(START, ahead) - START for ahead in range(4)]
    assert [wait.total_seconds() for wait in waits] == [1, 1, 2, 2]
