from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.line.sharing import Claimant, quotas, share_slots


@st.composite
def claimants(draw: st.DrawFn, most_held: int = 6) -> list[Claimant]:
    count = draw(st.integers(1, 8))
    made = []
    for at in range(count):
        held = draw(st.integers(0, most_held))
        made.append(
            Claimant(
                id=at,
                held=held,
                wants=held + draw(st.integers(0, 12)),
                weight=draw(st.integers(1, 5)),
                waited=draw(st.floats(0, 1000)),
            )
        )
    return made


@given(everybody=claimants(), free=st.integers(0, 40), slots=st.integers(0, 60))
def test_no_slot_is_left_while_somebody_can_use_it(
    everybody: list[Claimant], free: int, slots: int
) -> None:
    given_to = share_slots(slots, free, everybody)
    wanted = sum(each.wants - each.held for each in everybody)
    assert sum(given_to.values()) == min(free, wanted)
    assert all(0 <= given_to[each.id] <= each.wants - each.held for each in everybody)


@given(everybody=claimants(most_held=0), slots=st.integers(0, 60))
def test_nobody_gets_less_than_the_weighted_share_of_what_they_can_use(
    everybody: list[Claimant], slots: int
) -> None:
    given_to, entitled = share_slots(slots, slots, everybody), quotas(slots, everybody)
    for each in everybody:
        assert given_to[each.id] > entitled[each.id] - 1
        assert given_to[each.id] < entitled[each.id] + 1


@given(everybody=claimants(), free=st.integers(0, 40), slots=st.integers(0, 60))
def test_another_free_slot_takes_none_from_anybody(
    everybody: list[Claimant], free: int, slots: int
) -> None:
    held = sum(each.held for each in everybody)
    slots = max(slots, held + free + 1)
    fewer, more = (share_slots(slots, count, everybody) for count in (free, free + 1))
    assert all(fewer[each.id] <= more[each.id] for each in everybody)


@given(everybody=claimants(), slots=st.integers(0, 60))
def test_quotas_are_max_min_fair(everybody: list[Claimant], slots: int) -> None:
    entitled = quotas(slots, everybody)
    assert sum(entitled.values()) == min(slots, sum(each.wants for each in everybody))
    unsatisfied = [each for each in everybody if entitled[each.id] < each.wants]
    level = {Fraction(entitled[each.id], each.weight) for each in unsatisfied}
    assert len(level) <= 1, "all who want more have the same for each weight"
    for each in everybody:
        for other in unsatisfied:
            assert entitled[each.id] / each.weight <= entitled[other.id] / other.weight


@given(everybody=claimants(), free=st.integers(0, 20))
def test_whoever_asks_for_more_leaves_nobody_below_their_quota(
    everybody: list[Claimant], free: int
) -> None:
    """A campaign that wants the whole line changes nothing for one that is below its share."""
    first, *others = everybody
    slots = sum(each.held for each in everybody) + free
    greedy = Claimant(first.id, first.held, first.wants + 100, first.weight, first.waited)
    entitled = quotas(slots, [greedy, *others])
    after = share_slots(slots, free, [greedy, *others])
    if after[first.id] and first.held + after[first.id] > entitled[first.id] + 1:
        assert all(each.held + after[each.id] >= int(entitled[each.id]) for each in others)


@pytest.mark.parametrize(
    ("most", "mine", "others", "mine_of_it"),
    [
        (10, (0, 50), [], 10),
        (10, (4, 50), [], 6),
        (10, (0, 50), [(0, 50)], 5),
        (10, (0, 50), [(0, 3)], 7),
        (10, (2, 50), [(3, 3)], 5),
        (10, (6, 50), [(0, 50)], 0),
        (20, (0, 50), [(9, 9)], 11),
    ],
)
def test_shares(
    most: int, mine: tuple[int, int], others: list[tuple[int, int]], mine_of_it: int
) -> None:
    everybody = [Claimant(at, *each) for at, each in enumerate([mine, *others])]
    free = most - sum(each.held for each in everybody)
    assert share_slots(most, free, everybody)[0] == mine_of_it


def simulate(weights: list[int], slots: int, rounds: int, lasts: int) -> Counter[int]:
    """Everybody wants the whole line; each call holds its slot for `lasts` rounds."""
    live: list[tuple[int, int]] = []
    last = dict.fromkeys(range(len(weights)), 0)
    calls: Counter[int] = Counter()
    for now in range(rounds):
        live = [(who, until) for who, until in live if until > now]
        held = Counter(who for who, _ in live)
        everybody = [
            Claimant(at, held[at], slots, weight, now - last[at])
            for at, weight in enumerate(weights)
        ]
        for who, count in share_slots(slots, slots - len(live), everybody).items():
            live += [(who, now + lasts)] * count
            calls[who] += count
            if count:
                last[who] = now
    return calls


@pytest.mark.parametrize(
    ("weights", "slots"),
    [([1] * 50, 3), ([3, 1], 8), ([5, 1, 1, 1, 1, 1], 5), ([10, *[1] * 20], 4), ([2, 1, 1], 1)],
    ids=str,
)
def test_calls_follow_the_weights_and_nobody_is_left_out(weights: list[int], slots: int) -> None:
    rounds, lasts = 3000, 5
    calls = simulate(weights, slots, rounds, lasts)
    made = calls.total()
    assert made >= slots * rounds // lasts * 0.95
    for at, weight in enumerate(weights):
        assert calls[at] >= 0.6 * made * weight / sum(weights)
