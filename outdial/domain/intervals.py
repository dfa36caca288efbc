"""Confidence intervals, 95 %: of a share, of a mean, and of a median."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

_Z = 1.959963984540054
"""Of a normal distribution: 95 % lie within so many standard deviations."""
_T = (
    12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157,
    2.228139, 2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922,
    2.093024, 2.085963, 2.079614, 2.073873, 2.068658, 2.063899, 2.059539, 2.055529, 2.051831,
    2.048407, 2.045230, 2.042272,
)  # fmt: skip
"""The same of Student's t-distribution, by its degrees of freedom from 1 on."""


class Interval(NamedTuple):
    low: float
    high: float


def wilson(count: float, of: float) -> Interval:
    """The Wilson score interval of a share; `of` is more than 0."""
    share, square = count / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    spread = _Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    low = 0.0 if count <= 0 else max(0.0, middle - spread)
    high = 1.0 if count >= of else min(1.0, middle + spread)
    return Interval(low, high)


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Of the mean of a normal distribution of which these are drawn; None for less than two."""
    if len(values) < 2:
        return None
    mean = fmean(values)
    spread = _student_t(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mean - spread, mean + spread)


def median_interval(ordered: Sequence[float]) -> Interval | None:
    """Of the median of any distribution of which these are drawn, in order; None for less than six,
    whose least and greatest do not reach 95 %."""
    count = len(ordered)
    if count < 6:
        return None
    spread = _Z * math.sqrt(count) / 2
    first = max(0, math.floor(count / 2 - spread))
    last = min(count - 1, math.ceil(count / 2 + spread))
    return Interval(ordered[first], ordered[last])


def _student_t(freedom: int) -> float:
    if freedom <= len(_T):
        return _T[freedom - 1]
    # The expansion of Cornish and Fisher around the normal distribution: right to four digits here.
    first = (_Z**3 + _Z) / 4
    second = (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96
    return _Z + first / freedom + second / freedom**2
