"""Rates with Wilson intervals, and percentiles of counted values."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from outdial.domain.intervals import wilson


class Rate(BaseModel):
    """`count` of `of`, and between which shares the true one lies with 95 % confidence."""

    model_config = ConfigDict(frozen=True)

    count: int
    of: int
    share: float | None
    """None: of nothing."""
    low: float | None
    high: float | None

    @classmethod
    def of_counts(cls, count: int, of: int) -> Rate:
        if not of:
            return cls(count=count, of=of, share=None, low=None, high=None)
        low, high = wilson(count, of)
        return cls(count=count, of=of, share=count / of, low=low, high=high)


def percentile(counts: Mapping[int, int], share: float) -> int:
    """The least of the counted values that `share` of them do not exceed (nearest rank)."""
    rank = max(1, math.ceil(share * sum(counts.values())))
    passed = 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= rank:
            return value
    raise ValueError("a percentile of no values")
