"""How often a canary that changes nothing is taken back: whole campaigns on the store, and many
more by the pure test alone. OUTDIAL_TEST_CANARIES says how many campaigns (`make soak`: 2,000);
OUTDIAL_TEST_SEED repeats a run.

100 campaigns on the store say little: even with 2.5% taken back, half the error, their upper
confidence bound is above the error in one run out of eight. So they, and the 500 of the slow large
ones, only have to leave it possible that the error holds. The upper bound is asked of 2,000: with
2.5% it is above in one run out of 100,000."""

from __future__ import annotations

import os
import random
import secrets
import sys
from collections.abc import Callable

import pytest

from outdial.domain.canary.arms import MOST_OBSERVED
from outdial.domain.canary.evidence import ERROR
from outdial.domain.canary.verdict import CanaryState
from tests.builders import House
from tests.databases import InThread, do_not_sync, sqlite_database
from tests.domain.canaries import NULL, at_random, carried_out, lower_bound, upper_bound
from tests.store.canary_campaigns import BASE, TRIED, begin, call_all, newest, recomputed

pytestmark = pytest.mark.faults

CAMPAIGNS = int(os.environ.get("OUTDIAL_TEST_CANARIES", "100"))
ALONE = max(2000, CAMPAIGNS * 5)
BOUND = lower_bound if CAMPAIGNS < 1000 else upper_bound
PEOPLE, SHARE = 160, 0.25


def _seed(capsys: pytest.CaptureFixture[str]) -> int:
    used = int(os.environ.get("OUTDIAL_TEST_SEED") or secrets.randbits(32))
    with capsys.disabled():
        sys.stderr.write(f"\ncanaries: OUTDIAL_TEST_SEED={used} repeats them\n")
    return used


def test_null_campaigns_are_seldom_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    seed = _seed(capsys)
    chance, states = random.Random(seed), []
    with sqlite_database() as url:
        database = InThread(url)
        try:
            do_not_sync(database)
            database.migrate()
            house = House(database)
            house.line()
            for number in range(CAMPAIGNS):
                states.append(_carried_out(house, chance, number))
        finally:
            database.dispose()
    promoted = states.count(CanaryState.PROMOTED)
    taken_back = states.count(CanaryState.ROLLED_BACK)
    _require_bound(capsys, "on the store", taken_back, CAMPAIGNS, BOUND)
    assert promoted + taken_back > 0.9 * CAMPAIGNS


def test_a_canary_of_a_small_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    taken_back = _taken_back_alone(_seed(capsys), SHARE, int(PEOPLE * SHARE / 2), ALONE)
    _require_bound(capsys, f"with a canary of {SHARE:.0%}", taken_back, ALONE)


def test_a_canary_of_a_large_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    of = CAMPAIGNS * 5
    taken_back = _taken_back_alone(_seed(capsys), 0.05, MOST_OBSERVED, of)
    _require_bound(capsys, "with a canary of 5%", taken_back, of, BOUND)


def _carried_out(house: House, chance: random.Random, number: int) -> CanaryState:
    campaign = house.launch(PEOPLE, f"null-{number}", first=number * PEOPLE)
    begin(house, campaign, SHARE, seed=str(chance.random()), proposal=f"tried-{number}")
    call_all(house, campaign, chance, {BASE: NULL, TRIED: NULL},
             until=lambda: newest(house, campaign).state is not CanaryState.RUNNING)  # fmt: skip
    record = newest(house, campaign)
    assert record.evidence == recomputed(house, record)
    return record.state


def _taken_back_alone(seed: int, share: float, needed: int, campaigns: int) -> int:
    taken_back = 0
    for number in range(campaigns):
        observed = at_random(random.Random(f"{seed}/{share}/{number}"), 8000, share, NULL)
        taken_back += carried_out(observed, share, needed)[0] is CanaryState.ROLLED_BACK
    return taken_back


def _require_bound(
    capsys: pytest.CaptureFixture[str],
    kind: str,
    taken_back: int,
    of: int,
    bound_of: Callable[[int, int], float] = upper_bound,
) -> None:
    low, high = lower_bound(taken_back, of), upper_bound(taken_back, of)
    shown = f"{taken_back} of {of} null campaigns {kind} taken back: {low:.2%} to {high:.2%}"
    with capsys.disabled():
        sys.stderr.write(f"canaries: {shown}\n")
    assert bound_of(taken_back, of) <= ERROR, shown
