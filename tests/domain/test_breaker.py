from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import (
    NOT_TRIED_WAIT,
    BreakerPolicy,
    Circuit,
    Health,
    LineFailure,
    Verdict,
    after_trial,
    judge,
    start_trial,
    verdict_of,
)

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
POLICY = BreakerPolicy(min_attempts=4)


def _failed(count: int, detail: str | None = "503") -> list[LineFailure]:
    failure = LineFailure(at=NOW, failure=FailureClass.UNAVAILABLE, detail=detail)
    return [failure] * count


@given(
    share=st.floats(0.01, 1),
    least=st.integers(1, 30),
    worked=st.integers(0, 3000),
    failed=st.integers(1, 30),
)
def test_calls_that_work_are_counted_as_far_as_they_matter(
    share: float, least: int, worked: int, failed: int
) -> None:
    policy = BreakerPolicy(share=share, min_attempts=least)
    counted = min(worked, policy.enough_working(failed))
    judged = [judge(Health(), policy, each, _failed(failed), NOW) for each in (worked, counted)]
    assert judged[0] == judged[1]


@pytest.mark.parametrize(
    ("status", "failure", "verdict"),
    [
        (CallStatus.QUEUED, None, Verdict.NOTHING),
        (CallStatus.RINGING, None, Verdict.WORKS),
        (CallStatus.IN_PROGRESS, None, Verdict.WORKS),
        (CallStatus.COMPLETED, None, Verdict.WORKS),
        (CallStatus.BUSY, None, Verdict.WORKS),
        (CallStatus.NO_ANSWER, None, Verdict.WORKS),
        (CallStatus.CANCELED, None, Verdict.NOTHING),
        (CallStatus.FAILED, FailureClass.UNAVAILABLE, Verdict.FAILS),
        (CallStatus.FAILED, FailureClass.MISCONFIGURED, Verdict.FAILS),
        (CallStatus.FAILED, FailureClass.UNKNOWN, Verdict.FAILS),
        (CallStatus.FAILED, None, Verdict.FAILS),
        (CallStatus.FAILED, FailureClass.THROTTLED, Verdict.NOTHING),
        (CallStatus.FAILED, FailureClass.REJECTED, Verdict.NOTHING),
    ],
)
def test_what_a_call_says_of_its_line(
    status: CallStatus, failure: FailureClass | None, verdict: Verdict
) -> None:
    assert verdict_of(status, failure) is verdict


@pytest.mark.parametrize(
    ("worked", "failed", "circuit"),
    [
        (0, 3, Circuit.CLOSED),  # fewer than min_attempts
        (0, 4, Circuit.OPEN),
        (2, 2, Circuit.OPEN),  # just half of them
        (3, 2, Circuit.CLOSED),
        (100, 99, Circuit.CLOSED),
        (4, 0, Circuit.CLOSED),
    ],
)
def test_a_share_of_failures_opens(worked: int, failed: int, circuit: Circuit) -> None:
    assert judge(Health(), POLICY, worked, _failed(failed), NOW).circuit is circuit


def test_an_open_circuit_says_why_and_when_it_is_tried() -> None:
    other = LineFailure(at=NOW, failure=FailureClass.UNKNOWN)
    health = judge(Health(), POLICY, 1, [other, *_failed(4)], NOW)
    assert health == Health(
        circuit=Circuit.OPEN,
        since=NOW,
        reason="5 of 6 calls failed within 5m (unavailable: 503)",
        retry_at=NOW + timedelta(seconds=30),
        openings=1,
    )
    assert not health.admits_trial(NOW + timedelta(seconds=29))
    assert health.admits_trial(NOW + timedelta(seconds=30))
    assert judge(health, POLICY, 0, _failed(9), NOW) is health


def _open() -> Health:
    return judge(Health(), POLICY, 0, _failed(4), NOW)


def test_one_call_tries_it_and_no_other_may_leave() -> None:
    trying = start_trial(_open(), "c1", NOW + timedelta(minutes=1))
    assert trying.circuit is Circuit.TRYING
    assert not trying.admits_trial(NOW + timedelta(hours=1))
    assert trying.trial_call_id == "c1"


def test_it_closes_when_the_call_works() -> None:
    trying = start_trial(_open(), "c1", NOW)
    assert after_trial(trying, POLICY, Verdict.WORKS, None, NOW) == Health(since=NOW)


def test_each_failure_in_a_row_doubles_the_wait() -> None:
    policy = BreakerPolicy(min_attempts=4, longest_wait=timedelta(minutes=3))
    health, waits = _open(), []
    for _ in range(5):
        trying = start_trial(health, "c1", NOW)
        health = after_trial(trying, policy, Verdict.FAILS, _failed(1)[0], NOW)
        assert health.retry_at is not None
        waits.append((health.retry_at - NOW).total_seconds())
    assert waits == [60, 120, 180, 180, 180]
    assert health.reason == "the call that tried it failed (unavailable: 503)"
    assert health.trial_call_id is None


def test_a_trial_that_tells_nothing_is_repeated_soon() -> None:
    trying = start_trial(_open(), "c1", NOW)
    later = NOW + timedelta(minutes=1)
    again = after_trial(trying, POLICY, Verdict.NOTHING, None, later)
    assert (again.circuit, again.retry_at) == (Circuit.OPEN, later + NOT_TRIED_WAIT)
    assert (again.reason, again.openings, again.trial_call_id) == (_open().reason, 1, None)


def test_a_wait_longer_than_the_longest_is_kept() -> None:
    policy = BreakerPolicy(
        min_attempts=1, wait=timedelta(minutes=20), longest_wait=timedelta(minutes=10)
    )
    assert judge(Health(), policy, 0, _failed(1), NOW).retry_at == NOW + policy.wait
