"""Evidence against a canary: a test that may be evaluated at any time, as often as wanted.

Recipients are drawn into the arms at random, so under a canary that changes nothing the arms are
exchangeable: of all that happened to the recipients of one stratum, each way to pick as many of
them as are in the canary was equally probable. For a harm score s of each recipient and a tilt t,

    e = exp(t * sum of s over the canary) / mean of that over all ways to pick the canary

has the mean 1, whatever happens to whom: an e-value. Products over strata, and means over tilts,
are e-values too, and the probability that such a product ever reaches 1/a is at most a (Ville).
Because each stratum is judged by the recipients in it alone, rates may change by the hour, and the
arms need not be called equally often. Positive tilts alone make it one-sided: of scores that are 0
or 1, a canary that does better than the rest has a mean below 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from outdial.domain.canary.arms import Arm

ERROR = 0.05
"""The largest probability that a canary that changes nothing is taken back."""
TILTS = (0.1, 0.2, 0.4, 0.7, 1.1, 1.6, 2.1, 2.8, 3.5)
"""Logarithms of the odds ratios that are looked for, from 1.1 to 33, each with the same weight."""
_LARGEST_SCORE = 3.0
"""Of costs: no single expensive call may decide."""
_IN_CANARY = 4
"""So many recipients of a stratum are expected in the canary."""
_SMALLEST, _LARGEST = 20, 400


class GuardMetric(StrEnum):
    """What must not become worse."""

    ANSWER_RATE = "answer_rate"
    """Recipients who answered in person."""
    OPT_OUTS = "opt_outs"
    """Recipients who asked not to be called again, or refused the call."""
    FAILURES = "failures"
    """Calls that failed."""
    COST_PER_OUTCOME = "cost_per_outcome"
    """What the calls cost, by recipients who answered in person and did not opt out."""


NEEDED = len(GuardMetric) / ERROR
"""The e-value at which a guard metric takes the canary back: the error is divided among them."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A recipient's first call after the arms were drawn."""

    arm: Arm
    answered: bool
    """By a person."""
    opted_out: bool
    failed: bool
    cost: float | None = None

    @property
    def succeeded(self) -> bool:
        return self.answered and not self.opted_out


@dataclass(frozen=True, slots=True)
class ArmTotals:
    """What was observed in one arm."""

    people: int = 0
    answered: int = 0
    opted_out: int = 0
    failed: int = 0
    succeeded: int = 0
    cost: float = 0.0

    def plus(self, observed: Iterable[Observation]) -> ArmTotals:
        some = list(observed)
        return ArmTotals(
            people=self.people + len(some),
            answered=self.answered + sum(each.answered for each in some),
            opted_out=self.opted_out + sum(each.opted_out for each in some),
            failed=self.failed + sum(each.failed for each in some),
            succeeded=self.succeeded + sum(each.succeeded for each in some),
            cost=self.cost + sum(each.cost or 0.0 for each in some),
        )


def _nothing() -> dict[GuardMetric, tuple[float, ...]]:
    return {metric: (0.0,) * len(TILTS) for metric in GuardMetric}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything observed so far."""

    canary: ArmTotals = ArmTotals()
    rest: ArmTotals = ArmTotals()
    strata: int = 0
    log_e: Mapping[GuardMetric, tuple[float, ...]] = field(default_factory=_nothing)
    """By guard metric: the logarithm of the e-value of each tilt."""

    def e_value(self, metric: GuardMetric) -> float:
        """How many times as probable what was observed is if the canary is worse; at the mean, 1 or
        less if it is not."""
        logs = self.log_e[metric]
        largest = max(logs)
        mean = sum(math.exp(each - largest) for each in logs) / len(logs)
        return math.exp(min(largest + math.log(mean), 700.0))

    def strongest(self) -> GuardMetric:
        return max(GuardMetric, key=self.e_value)

    def after(self, stratum: Sequence[Observation]) -> Evidence:
        """With what was observed in the next stratum. Which recipients it has must not depend on
        their arms, as with the next so many that were observed."""
        canary = [each.arm is Arm.CANARY for each in stratum]
        return Evidence(
            canary=self.canary.plus(each for each in stratum if each.arm is Arm.CANARY),
            rest=self.rest.plus(each for each in stratum if each.arm is Arm.REST),
            strata=self.strata + 1,
            log_e={
                metric: _added(self.log_e[metric], harm_scores(metric, stratum), canary)
                for metric in GuardMetric
            },
        )


def stratum_size(share: float) -> int:
    """How many recipients are compared with each other: so many that some are in the canary."""
    return max(_SMALLEST, min(_LARGEST, math.ceil(_IN_CANARY / share)))


def harm_scores(metric: GuardMetric, stratum: Sequence[Observation]) -> list[float]:
    """How bad each recipient's call was; computed without looking at the arms."""
    if metric is GuardMetric.ANSWER_RATE:
        return [float(not each.answered) for each in stratum]
    if metric is GuardMetric.OPT_OUTS:
        return [float(each.opted_out) for each in stratum]
    if metric is GuardMetric.FAILURES:
        return [float(each.failed) for each in stratum]
    return _cost_scores(stratum)


def _cost_scores(stratum: Sequence[Observation]) -> list[float]:
    """Cost and success, each by its mean in the stratum: their difference is 0 on average, and
    higher in an arm whose outcomes cost more."""
    cost = sum(each.cost or 0.0 for each in stratum) / max(len(stratum), 1)
    success = sum(each.succeeded for each in stratum) / max(len(stratum), 1)
    if cost <= 0:
        return [0.0] * len(stratum)
    scores = [
        (each.cost or 0.0) / cost - (each.succeeded / success if success else 0.0)
        for each in stratum
    ]
    return [max(-_LARGEST_SCORE, min(_LARGEST_SCORE, score)) for score in scores]


def _added(
    logs: tuple[float, ...], scores: list[float], canary: Sequence[bool]
) -> tuple[float, ...]:
    if all(canary) or not any(canary) or len(set(scores)) <= 1:
        return logs  # nothing to compare
    return tuple(
        log + log_e_value(scores, canary, tilt) for log, tilt in zip(logs, TILTS, strict=True)
    )


def log_e_value(scores: list[float], canary: Sequence[bool], tilt: float) -> float:
    """The logarithm of a stratum's e-value for one tilt."""
    picked = sum(canary)
    highest = max(scores)
    of_canary = sum(score - highest for score, is_in in zip(scores, canary, strict=True) if is_in)
    if len(set(scores)) == 2:
        lower = math.exp(tilt * (min(scores) - highest))
        mean = _mean_of_two_values(len(scores), scores.count(highest), lower, picked)
    else:
        weights = [math.exp(tilt * (score - highest)) for score in scores]
        mean = _mean_of_products(weights, picked)
    return tilt * of_canary - math.log(mean)


def _mean_of_two_values(count: int, ones: int, lower: float, size: int) -> float:
    """As `_mean_of_products`, where so many weights are 1 and all others `lower`; it takes a
    fraction of the time."""
    ways = sum(
        math.comb(ones, k) * math.comb(count - ones, size - k) * lower ** (size - k)
        for k in range(max(0, size - (count - ones)), min(ones, size) + 1)
    )
    return ways / math.comb(count, size)


def _mean_of_products(weights: Sequence[float], size: int) -> float:
    """The mean, over all subsets of a size, of the product of their weights.

    Divided at each step by the number of subsets, so that nothing overflows: `means[k]` is that of
    the subsets of size k of the weights so far.
    """
    means = [1.0] + [0.0] * size
    for count, weight in enumerate(weights, start=1):
        for k in range(min(size, count), 0, -1):
            # Of the subsets of size k, the share k/count has the new weight.
            means[k] += (weight * means[k - 1] - means[k]) * k / count
    return means[size]
