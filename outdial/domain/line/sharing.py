"""Shares of a line: which of the campaigns that wait for it get the slots that are free.

Max-min fairness by weight: each campaign is entitled to its weight's part of the line, and what one
can't use is divided among the others in the same way. Nobody is cut off: a campaign that holds more
than its quota keeps its calls until they end, and gets no new ones while others are below theirs.
Quotas are fractions; who gets the odd slot changes with each call, the longest wait first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush


@dataclass(frozen=True, slots=True)
class Claimant:
    """A campaign that has recipients to be called on a line now."""

    id: int
    held: int
    """Slots of the line that its calls hold."""
    wants: int
    """Slots that it can use now, those that it holds included."""
    weight: int = 1
    waited: float = 0.0
    """Seconds since it got a slot, or began to wait for one."""


def quotas(slots: int, claimants: Iterable[Claimant]) -> dict[int, Fraction]:
    """How many of `slots` each is entitled to: what it wants, or its weight's part of what those
    who want less leave."""
    by_need = sorted(claimants, key=lambda each: each.wants / each.weight)
    left, weights = slots, sum(each.weight for each in by_need)
    entitled: dict[int, Fraction] = {}
    for at, each in enumerate(by_need):
        if each.wants * weights > left * each.weight:
            part = Fraction(max(0, left), weights)
            return entitled | {other.id: part * other.weight for other in by_need[at:]}
        entitled[each.id] = Fraction(each.wants)
        left -= each.wants
        weights -= each.weight
    return entitled


def share_slots(slots: int, free: int, claimants: Sequence[Claimant]) -> dict[int, int]:
    """How many of the `free` slots each gets, by id; `slots` is what they have in all of the line.

    Campaigns that hold fewer slots than the whole part of their quota come first, then those with a
    fraction of a slot left; among either, the one whose wait times its weight is largest. A slot is
    left over only when nobody wants it.
    """
    entitled = quotas(max(slots, free + sum(each.held for each in claimants)), claimants)
    given = {each.id: 0 for each in claimants}
    by_id = {each.id: each for each in claimants}
    waiting = [
        _rank(each, entitled[each.id], 0) for each in claimants if each.held < entitled[each.id]
    ]
    heapify(waiting)
    for _ in range(free):
        if not waiting:
            break
        chosen = by_id[heappop(waiting)[-1]]
        given[chosen.id] += 1
        if chosen.held + given[chosen.id] < entitled[chosen.id]:
            heappush(waiting, _rank(chosen, entitled[chosen.id], given[chosen.id]))
    return given


_Rank = tuple[bool, float, float, int]


def _rank(claimant: Claimant, entitled: Fraction, given: int) -> _Rank:
    """The smallest goes first."""
    holds = claimant.held + given
    waited = 0.0 if given else claimant.waited * claimant.weight
    return holds + 1 > entitled, -waited, (holds + 1) / claimant.weight, claimant.id
