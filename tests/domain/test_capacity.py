"""How many calls a campaign may start on a line, and when it checks again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.line.breaker import Circuit, Health
from outdial.domain.line.capacity import (
    FENCE_WAIT,
    LINE_RETRY,
    Contention,
    LineCapacity,
    LineState,
    concurrency_reached,
    line_allowance,
    pace_reached,
)
from outdial.domain.line.routing import LineShare
from outdial.domain.line.sharing import Claimant

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Use:
    """A line at one claim."""

    used: int = 0
    mine: int = 0
    claimed: int = 0
    others: tuple[Claimant, ...] | None = None

    def at_fence(self) -> int:
        return self.claimed

    def look_again_after(self) -> timedelta:
        return LINE_RETRY

    def contention(self, most: int, free: int) -> Contention | None:
        if self.others is None:
            return None
        mine = Claimant(1, self.mine, self.mine + 100)
        return Contention(max(0, most - self.used) + self.mine, max(0, free), mine, self.others)


def line(most: int = 10, calls: int = 10, seconds: int = 1, **more: object) -> LineState:
    values: dict[str, object] = {"health": Health()} | more
    return LineState("main", most, calls, seconds, **values)  # type: ignore[arg-type]


@given(
    most=st.integers(1, 50),
    calls=st.integers(1, 5),
    seconds=st.sampled_from([1, 20, 40]),
    used=st.integers(0, 60),
    claimed=st.integers(0, 60),
)
def test_no_more_than_there_are_slots_and_places_at_the_fence(
    most: int, calls: int, seconds: int, used: int, claimed: int
) -> None:
    use = Use(used, used, min(claimed, used))
    allowance = line_allowance(line(most, calls, seconds), use, NOW)
    assert 0 <= allowance.free <= max(0, most - used)
    soon = max(1, int(calls * (FENCE_WAIT.total_seconds() // seconds)))
    assert allowance.free <= soon
    assert allowance.free == 0 or not allowance.out
    if used >= most:
        assert allowance.again_at is None, "when one of its own calls ends"


@given(used=st.integers(0, 20), mine=st.integers(0, 20))
def test_alone_on_a_line_is_as_without_contention(used: int, mine: int) -> None:
    mine = min(mine, used)
    alone = line_allowance(line(), Use(used, mine), NOW)
    contended = line_allowance(line(), Use(used, mine, others=()), NOW)
    assert (alone.free, alone.again_at) == (contended.free, contended.again_at)


def test_slots_of_others_are_looked_at_again() -> None:
    assert line_allowance(line(2), Use(2, 1), NOW).again_at == NOW + LINE_RETRY
    assert line_allowance(line(2), Use(1, 0), NOW).again_at == NOW + LINE_RETRY
    assert line_allowance(line(2), Use(1, 1), NOW).again_at is None


def test_a_line_out_of_service_takes_one_call_once_its_wait_is_over() -> None:
    wait = timedelta(seconds=30)
    resting = Health(circuit=Circuit.OPEN, reason="it failed", retry_at=NOW + wait)
    allowance = line_allowance(line(health=resting), Use(), NOW)
    assert (allowance.free, allowance.out, allowance.again_at) == (0, True, NOW + wait)
    trial = line_allowance(line(health=resting), Use(), NOW + wait)
    assert (trial.free, trial.trial) == (1, True)
    trying = Health(circuit=Circuit.TRYING, reason="it failed")
    assert line_allowance(line(health=trying), Use(), NOW).out
    held = line_allowance(line(held_until=NOW + wait), Use(), NOW)
    assert (held.free, held.out, held.again_at) == (0, True, NOW + wait)


def test_a_reserved_call_takes_a_slot_and_a_trial_the_line() -> None:
    shares = {"main": (LineShare(name="main"),)}
    capacity = LineCapacity(shares, {"main": line_allowance(line(2), Use(), NOW)})
    assert capacity.usable == 2
    capacity.reserve("main")
    assert (capacity.usable, capacity.taken("main"), capacity.full()) == (1, 1, [])
    resting = Health(circuit=Circuit.OPEN, reason="it failed")
    trial = LineCapacity(shares, {"main": line_allowance(line(health=resting), Use(), NOW)})
    assert trial.line_for("main", {}, 0) == "main"
    trial.reserve("main")
    assert trial.line_for("main", {}, 1) is None


def test_a_campaign_at_its_pace_waits_for_its_oldest_call_of_the_minute() -> None:
    made = [NOW - timedelta(seconds=ago) for ago in (5, 20, 50)]
    assert pace_reached(4, made) is None
    reached = pace_reached(3, made)
    assert reached is not None
    assert reached.again_at == NOW + timedelta(seconds=10)
    assert concurrency_reached(3, 3).reason == "3 of 3 calls in flight"
