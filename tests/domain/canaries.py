"""Canaries in virtual time, by the pure test alone: people, their calls, and how often they err."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from outdial.domain.canary.arms import MOST_OBSERVED, Arm
from outdial.domain.canary.evidence import Evidence, Observation, stratum_size
from outdial.domain.canary.verdict import CanaryState, judge


@dataclass(frozen=True)
class Person:
    """How likely it is that a call to somebody ends in a way, and what it costs."""

    answers: float = 0.4
    opts_out: float = 0.01
    """Of those who answer."""
    fails: float = 0.02
    cost: float = 1.0

    def called(self, chance: random.Random, arm: Arm) -> Observation:
        failed = chance.random() < self.fails
        answered = not failed and chance.random() < self.answers
        opted_out = answered and chance.random() < self.opts_out
        seconds = chance.lognormvariate(0, 1) if answered else 0.1
        return Observation(arm, answered, opted_out, failed, cost=self.cost * seconds)


NULL = Person()


def at_random(
    chance: random.Random, people: int, share: float, in_canary: Person, others: Person = NULL
) -> Iterator[Observation]:
    """The first calls of a campaign, whose rates change in the course of it."""
    for _ in range(people):
        arm = Arm.CANARY if chance.random() < share else Arm.REST
        yield (in_canary if arm is Arm.CANARY else others).called(chance, arm)


def carried_out(
    observed: Iterator[Observation] | Sequence[Observation],
    share: float,
    needed: int = MOST_OBSERVED,
) -> tuple[CanaryState, Evidence]:
    """Judge after each stratum, until the canary is promoted or taken back, or nobody is left."""
    evidence, size = Evidence(), stratum_size(share)
    calls = iter(observed)
    while len(stratum := list(itertools.islice(calls, size))) == size:
        evidence = evidence.after(stratum)
        state = judge(evidence, needed)
        if state is not CanaryState.RUNNING:
            return state, evidence
    return CanaryState.RUNNING, evidence


def upper_bound(count: int, of: int, confidence: float = 0.95) -> float:
    """The upper confidence bound (Clopper and Pearson, one-sided) of a share."""
    if count >= of:
        return 1.0
    low, high = count / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(count, of, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def lower_bound(count: int, of: int, confidence: float = 0.95) -> float:
    """The lower confidence bound of a share."""
    return 1 - upper_bound(of - count, of, confidence)


def _at_most(count: int, of: int, share: float) -> float:
    """The probability of at most `count` of `of`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    logs = (
        math.lgamma(of + 1)
        - math.lgamma(k + 1)
        - math.lgamma(of - k + 1)
        + k * math.log(share)
        + (of - k) * math.log1p(-share)
        for k in range(count + 1)
    )
    return sum(map(math.exp, logs))
