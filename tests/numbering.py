"""Policies of numbers that hold for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from outdial.domain.numbers.policy import NumberPolicy, number_policy, use_policy


@contextmanager
def numbers_under(policy: NumberPolicy) -> Iterator[None]:
    """Let a policy hold in this process, then the one before again."""
    before = number_policy()
    use_policy(policy)
    try:
        yield
    finally:
        use_policy(before)
