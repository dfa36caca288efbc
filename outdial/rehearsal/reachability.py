"""Who never answers: told from those who have not answered yet by how often people were called.

Each person never answers, with a chance `u`, or answers each of their calls with the same chance
`a`. Most likely is the `u` under which what happened is most likely. That calls end once somebody
has answered changes nothing about that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from outdial.domain.intervals import Interval

_STEP = 0.005
_MOST = 0.995
_NARROWINGS = 40
_GOLDEN = (math.sqrt(5) - 1) / 2
_LIKELIHOOD_RATIO = 1.9207
"""Half of what a chi-squared distribution with one degree of freedom stays below in 95 %."""
_ALIKE = 1e-6
_LEAST = 1e-300
"""Of what a logarithm is taken of."""


@dataclass(frozen=True, slots=True)
class Reachability:
    unreachable: float
    """The share of people who never answer."""
    answer: float
    """The chance that one of the others answers a call."""
    interval: Interval
    """Of the share. Wide where hardly anybody was called more than once."""

    def answers_at_times(self, in_vain: int) -> float:
        """The chance that a person is one who answers at times, after so many calls without an
        answer; 0 for somebody who has answered."""
        if not in_vain or not self.unreachable:
            return 1.0
        silent = (1 - self.unreachable) * (1 - self.answer) ** in_vain
        return silent / (self.unreachable + silent)


def fit_reachability(people: Mapping[tuple[int, int], int]) -> Reachability:
    """Fit it to counts of people, by how many of their calls they answered and did not answer.

    With people who were called once alone, any share explains them: then it is 0.
    """
    shares = [step * _STEP for step in range(round(_MOST / _STEP) + 1)]
    counted = _Counted.of(people)
    fits = [counted.best_answer(share) for share in shares]
    most = max(likelihood for _, likelihood in fits)
    best = next(at for at, (_, likelihood) in enumerate(fits) if likelihood >= most - _ALIKE)
    inside = [
        share
        for share, (_, likelihood) in zip(shares, fits, strict=True)
        if likelihood >= most - _LIKELIHOOD_RATIO
    ]
    return Reachability(round(shares[best], 3), fits[best][0], Interval(inside[0], inside[-1]))


@dataclass(frozen=True, slots=True)
class _Counted:
    answerers: int
    """People who have answered."""
    answers: int
    others: int
    """Calls to these people that they did not answer."""
    silent: tuple[tuple[int, int], ...]
    """People who have not answered: after how many calls, and how many they are."""

    @classmethod
    def of(cls, people: Mapping[tuple[int, int], int]) -> _Counted:
        reached = {key: count for key, count in people.items() if key[0]}
        return cls(
            sum(reached.values()),
            sum(answers * count for (answers, _), count in reached.items()),
            sum(others * count for (_, others), count in reached.items()),
            tuple((others, count) for (answers, others), count in people.items() if not answers),
        )

    def best_answer(self, unreachable: float) -> tuple[float, float]:
        """The chance of an answer under which all this is most likely if `unreachable` never
        answer, and the logarithm of its likelihood."""
        if not self.answers:
            return 0.0, 0.0
        low, high = 1e-6, 1 - 1e-6
        for _ in range(_NARROWINGS):
            left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
            if self._likelihood(unreachable, left) < self._likelihood(unreachable, right):
                low = left
            else:
                high = right
        middle = (low + high) / 2
        return middle, self._likelihood(unreachable, middle)

    def _likelihood(self, unreachable: float, answer: float) -> float:
        """Its logarithm."""
        reachable = 1 - unreachable
        logarithm = self.answerers * math.log(reachable)
        logarithm += self.answers * math.log(answer) + self.others * math.log1p(-answer)
        for calls, count in self.silent:
            silent = unreachable + reachable * (1 - answer) ** calls
            logarithm += count * math.log(max(silent, _LEAST))
        return logarithm
