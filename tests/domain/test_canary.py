"""Canaries: who is drawn, what the evidence is worth, and what it decides."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.canary.arms import (
    FEWEST_PEOPLE,
    MOST_OBSERVED,
    Arm,
    arm_of,
    not_comparable,
    observations_needed,
    same_but_recipients,
    smallest_share,
)
from outdial.domain.canary.evidence import (
    ERROR,
    NEEDED,
    TILTS,
    ArmTotals,
    Evidence,
    GuardMetric,
    Observation,
    harm_scores,
    log_e_value,
    stratum_size,
)
from outdial.domain.canary.verdict import CanaryState, judge, reason_for
from outdial.domain.definition.differences import differences
from tests.builders import definition
from tests.domain.canaries import NULL, Person, at_random, carried_out, upper_bound

CAMPAIGNS = 60
"""Of which none may be taken back: one were too many for the bound."""


# --- arms -----------------------------------------------------------------------------------------


def test_a_share_is_drawn_the_same_for_the_same_seed() -> None:
    drawn = [arm_of("seed", one, 0.05) for one in range(20_000)]
    assert drawn == [arm_of("seed", one, 0.05) for one in range(20_000)]
    assert drawn.count(Arm.CANARY) == pytest.approx(1000, abs=120)
    assert drawn != [arm_of("other", one, 0.05) for one in range(20_000)]


def test_who_is_in_a_smaller_canary_is_in_a_larger_one() -> None:
    small, large = (
        {one for one in range(5000) if arm_of("seed", one, share) is Arm.CANARY}
        for share in (0.05, 0.2)
    )
    assert small < large


@pytest.mark.parametrize(
    ("share", "people", "needed"), [(0.05, 10_000, MOST_OBSERVED), (0.2, 300, 30), (0.5, 80, 20)]
)
def test_half_of_a_canary_is_observed_before_it_is_promoted(
    share: float, people: int, needed: int
) -> None:
    assert observations_needed(share, people) == needed


@given(people=st.integers(0, 10_000))
def test_the_smallest_share_has_enough_people(people: int) -> None:
    share = smallest_share(people)
    assert (share is None) == (people < 2 * FEWEST_PEOPLE)
    assert share is None or share * people >= FEWEST_PEOPLE - 1e-6


@pytest.mark.parametrize(
    ("changes", "comparable"),
    [
        ({"agent": "other"}, True),
        ({"retry": {"busy": {"delays": "10m"}}}, True),
        ({"schedule": {"hours": "09:00-18:00"}}, True),
        ({"callbacks": [{"do": "redial"}]}, True),
        ({"line": [{"name": "simulated", "agent": "other"}]}, True),
        ({"description": "new"}, True),
        ({"recipients": [{"phone": "+12025550123"}]}, True),
        ({"pacing": {"max_concurrent": 3}}, False),
        ({"line": [{"name": "simulated", "weight": 3}]}, False),
        ({"line": [{"name": "simulated"}, {"name": "spare"}]}, False),
        ({"ring_timeout": "20s"}, True),
        ({"max_duration": "20m"}, False),
        ({"variables": {"greeting": "Hi"}}, False),
        ({"calendar": {"name": "clinic", "time_zone": "UTC"}}, False),
        ({"webhooks": [{"url": "https://example.com/hooks"}]}, False),
    ],
)
def test_what_some_recipients_can_get_alone(changes: dict[str, Any], comparable: bool) -> None:
    differing = differences(definition(), definition(**changes))
    assert differing
    assert (not not_comparable(differing)) is comparable


def test_recipients_make_no_difference_to_what_an_arm_gets() -> None:
    listed = definition(recipients=[{"phone": "+12025550123"}])
    assert same_but_recipients(definition(), listed)
    assert not same_but_recipients(definition(), definition(agent="other"))


# --- evidence -------------------------------------------------------------------------------------

_SCORES = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=7)


@given(scores=_SCORES, tilt=st.sampled_from(TILTS), data=st.data())
def test_an_e_value_has_the_mean_1_over_all_ways_to_draw_the_canary(
    scores: list[float], tilt: float, data: st.DataObject
) -> None:
    picked = data.draw(st.integers(0, len(scores)))
    values = [
        math.exp(log_e_value(scores, [at in chosen for at in range(len(scores))], tilt))
        for chosen in itertools.combinations(range(len(scores)), picked)
    ]
    assert sum(values) / len(values) == pytest.approx(1)


@given(
    harmed=st.integers(0, 8),
    size=st.integers(8, 12),
    picked=st.integers(1, 7),
    ratio=st.floats(0.05, 1),
    tilt=st.sampled_from(TILTS),
)
def test_of_a_canary_that_does_better_the_mean_is_at_most_1(
    harmed: int, size: int, picked: int, ratio: float, tilt: float
) -> None:
    """Harm hits each way to draw the canary with an odds ratio of at most 1."""
    scores = [float(at < harmed) for at in range(size)]
    mean = total = 0.0
    for chosen in itertools.combinations(range(size), picked):
        weight = ratio ** sum(scores[at] for at in chosen)
        mean += weight * math.exp(log_e_value(scores, [at in chosen for at in range(size)], tilt))
        total += weight
    assert mean / total <= 1 + 1e-9


@given(st.lists(st.builds(
    Observation,
    arm=st.sampled_from(Arm),
    answered=st.booleans(),
    opted_out=st.booleans(),
    failed=st.booleans(),
    cost=st.none() | st.floats(0, 10),
), max_size=30), st.randoms())  # fmt: skip
def test_scores_do_not_depend_on_the_arms(observed: list[Observation], chance: Any) -> None:
    arms = [each.arm for each in observed]
    chance.shuffle(arms)
    shuffled = [
        Observation(arm, each.answered, each.opted_out, each.failed, each.cost)
        for arm, each in zip(arms, observed, strict=True)
    ]
    for metric in GuardMetric:
        assert harm_scores(metric, observed) == harm_scores(metric, shuffled)


def test_totals_add_up() -> None:
    observed = [
        Observation(Arm.CANARY, True, False, False, 0.5),
        Observation(Arm.CANARY, True, True, False),
        Observation(Arm.REST, False, False, True, 0.25),
    ]
    evidence = Evidence().after(observed).after(observed)
    assert evidence.canary == ArmTotals(4, 4, 2, 0, 2, 1.0)
    assert evidence.rest == ArmTotals(2, 0, 0, 2, 0, 0.5)
    assert evidence.strata == 2


def test_a_stratum_of_one_arm_is_no_evidence() -> None:
    observed = [Observation(Arm.REST, False, True, True, 1.0)] * 20
    evidence = Evidence().after(observed)
    assert [evidence.e_value(metric) for metric in GuardMetric] == [1.0] * len(GuardMetric)


@pytest.mark.parametrize(("share", "size"), [(0.01, 400), (0.05, 80), (0.2, 20), (0.5, 20)])
def test_some_of_a_stratum_are_in_the_canary(share: float, size: int) -> None:
    assert stratum_size(share) == size


# --- verdicts -------------------------------------------------------------------------------------


def test_the_error_is_divided_among_the_guard_metrics() -> None:
    assert len(GuardMetric) / NEEDED == pytest.approx(ERROR)


@pytest.mark.parametrize(
    ("metric", "worse"),
    [
        (GuardMetric.OPT_OUTS, Person(opts_out=0.2)),
        (GuardMetric.ANSWER_RATE, Person(answers=0.15)),
        (GuardMetric.FAILURES, Person(fails=0.3)),
        (GuardMetric.COST_PER_OUTCOME, Person(cost=4.0)),
    ],
)
def test_what_is_much_worse_is_taken_back(metric: GuardMetric, worse: Person) -> None:
    for seed in range(5):
        state, evidence = carried_out(at_random(random.Random(seed), 4000, 0.05, worse), 0.05)
        assert state is CanaryState.ROLLED_BACK
        assert evidence.strongest() is metric
        assert evidence.canary.people < MOST_OBSERVED
        assert reason_for(state, evidence).startswith("canary taken back: ")


def test_what_is_better_is_promoted() -> None:
    better = Person(answers=0.6, opts_out=0.0, fails=0.0, cost=0.5)
    for seed in range(5):
        state, evidence = carried_out(at_random(random.Random(seed), 8000, 0.05, better), 0.05)
        assert state is CanaryState.PROMOTED
        assert reason_for(state, evidence).startswith("canary promoted: ")


def test_too_few_decide_nothing() -> None:
    state, evidence = carried_out(at_random(random.Random(1), 200, 0.05, NULL), 0.05)
    assert state is CanaryState.RUNNING
    assert judge(evidence, evidence.canary.people) is CanaryState.PROMOTED


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_what_changes_nothing_is_seldom_taken_back(share: float) -> None:
    """The same seeds each time; fresh ones, and more, in `tests/store/test_canary_errors.py`."""
    taken_back = _taken_back(share, range(CAMPAIGNS))
    assert upper_bound(taken_back, CAMPAIGNS) < ERROR


def test_rates_that_change_by_the_hour_are_no_evidence() -> None:
    """Of the rest nearly all are called in the morning, of the canary in the afternoon."""

    def by_hour(chance: random.Random) -> Sequence[Observation]:
        observed = []
        for at in range(4000):
            late = at >= 2000
            share = 0.5 if late else 0.02
            arm = Arm.CANARY if chance.random() < share else Arm.REST
            person = Person(answers=0.1 if late else 0.6)
            observed.append(person.called(chance, arm))
        return observed

    states = [carried_out(by_hour(random.Random(seed)), 0.05)[0] for seed in range(CAMPAIGNS)]
    assert upper_bound(states.count(CanaryState.ROLLED_BACK), len(states)) < ERROR


def _taken_back(share: float, seeds: Sequence[int]) -> int:
    states = (
        carried_out(at_random(random.Random(seed), 4000, share, NULL), share)[0] for seed in seeds
    )
    return sum(state is CanaryState.ROLLED_BACK for state in states)
