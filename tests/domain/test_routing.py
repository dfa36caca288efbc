from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.status import FailureClass
from outdial.domain.line.routing import Left, LineShare, Marks, Moved, moved_after, pick, usable

MAIN, SECOND, SPARE, LAST = (
    LineShare(name="main", weight=3),
    LineShare(name="second", weight=1),
    LineShare(name="spare", weight=0),
    LineShare(name="last", weight=0),
)
ALL = (MAIN, SECOND, SPARE, LAST)
ROOM = dict.fromkeys(("main", "second", "spare", "last"), 10)
REJECTED, UNAVAILABLE = FailureClass.REJECTED, FailureClass.UNAVAILABLE
THROTTLED, UNKNOWN = FailureClass.THROTTLED, FailureClass.UNKNOWN


def test_weights_share_the_calls() -> None:
    picked = [pick(ALL, {}, (), ROOM, turn) for turn in range(1000)]
    counted = Counter(picked)
    assert counted.keys() == {"main", "second"}
    assert abs(counted["main"] - 750) <= 5
    at = [turn for turn, name in enumerate(picked) if name == "second"]
    assert max(after - before for before, after in pairwise(at)) <= 8, "spread, not in blocks"


@given(
    weights=st.lists(st.integers(1, 1000), min_size=1, max_size=6),
    start=st.integers(0, 10**9),
)
def test_every_weight_gets_its_share_from_any_turn_on(weights: list[int], start: int) -> None:
    shares = [LineShare(name=str(i), weight=weight) for i, weight in enumerate(weights)]
    room = {share.name: 1 for share in shares}
    counted = Counter(pick(shares, {}, (), room, start + turn) for turn in range(500))
    for share in shares:
        assert abs(counted[share.name] - 500 * share.weight / sum(weights)) <= 12


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ((), {"main", "second"}),
        (("main",), {"second"}),
        (("main", "second"), {"spare"}),
        (("main", "second", "spare"), {"last"}),
        (("second", "spare"), {"main"}),
        (("main", "second", "spare", "last"), {None}),
    ],
)
def test_a_line_that_is_out_is_passed_over(out: tuple[str, ...], expected: set[str]) -> None:
    assert {pick(ALL, {}, out, ROOM, turn) for turn in range(50)} == expected
    assert set(usable(ALL, out)) == expected - {None}


def test_a_full_line_leaves_its_calls_to_those_with_weight() -> None:
    assert {pick(ALL, {}, (), ROOM | {"main": 0}, turn) for turn in range(9)} == {"second"}
    full = ROOM | {"main": 0, "second": 0}
    assert pick(ALL, {}, (), full, 0) is None, "full is not out: nobody is sent to the spare"
    assert pick(ALL, {}, ("main", "second"), ROOM | {"spare": 0}, 0) is None


@pytest.mark.parametrize(
    ("marks", "out", "expected"),
    [
        ({"main": UNAVAILABLE}, (), {"second"}),
        ({"main": UNAVAILABLE, "second": REJECTED}, (), {"spare"}),
        ({"main": THROTTLED, "second": REJECTED}, ("spare",), {"last"}),
        # All have refused; those that did so for now are asked again.
        (
            {"main": THROTTLED, "second": REJECTED, "spare": UNAVAILABLE, "last": REJECTED},
            (),
            {"main"},
        ),
        ({"gone": UNAVAILABLE}, (), {"main", "second"}),
    ],
)
def test_who_was_refused_goes_elsewhere(
    marks: Marks, out: tuple[str, ...], expected: set[str]
) -> None:
    assert {pick(ALL, marks, out, ROOM, turn) for turn in range(50)} == expected


def test_who_may_be_in_a_call_never_moves_to_another_line() -> None:
    marks = {"second": UNKNOWN, "main": REJECTED}
    assert {pick(ALL, marks, (), ROOM, turn) for turn in range(50)} == {"second"}
    assert pick(ALL, marks, (), ROOM | {"second": 0}, 0) is None
    assert pick(ALL, marks, ("second",), ROOM, 0) is None


TWO = (MAIN, SECOND)


@pytest.mark.parametrize(
    ("marks", "failure", "rang", "moved"),
    [
        # Refused before it rang: another line, then those that may change their mind.
        ({}, UNAVAILABLE, False, Moved({"main": UNAVAILABLE}, Left.ANOTHER)),
        ({}, THROTTLED, False, Moved({"main": THROTTLED}, Left.ANOTHER)),
        ({}, REJECTED, False, Moved({"main": REJECTED}, Left.ANOTHER)),
        ({"second": UNAVAILABLE}, THROTTLED, False, Moved({}, Left.LATER)),
        ({"second": REJECTED}, THROTTLED, False, Moved({"second": REJECTED}, Left.LATER)),
        (
            {"second": REJECTED},
            REJECTED,
            False,
            Moved({"main": REJECTED, "second": REJECTED}, Left.NONE),
        ),
        # Withdrawn: nothing was learned.
        ({"second": UNAVAILABLE}, None, False, Moved({"second": UNAVAILABLE}, Left.LATER)),
        # It may have rung, so earlier refusals are over.
        ({"second": UNAVAILABLE}, None, True, Moved({}, Left.LATER)),
        ({"second": REJECTED}, None, True, Moved({"second": REJECTED}, Left.LATER)),
        ({}, UNAVAILABLE, True, Moved({"main": UNAVAILABLE}, Left.LATER)),
        ({"second": REJECTED}, UNAVAILABLE, True, Moved({"second": REJECTED}, Left.LATER)),
        ({}, REJECTED, True, Moved({"main": REJECTED}, Left.NONE)),
        # Nobody knows: it stays where it is, whatever comes.
        ({}, UNKNOWN, True, Moved({"main": UNKNOWN}, Left.LATER)),
        ({"main": UNKNOWN}, THROTTLED, False, Moved({"main": UNKNOWN}, Left.LATER)),
        ({"main": UNKNOWN}, None, True, Moved({}, Left.LATER)),
    ],
)
def test_what_the_end_of_a_call_leaves(
    marks: Marks, failure: FailureClass | None, rang: bool, moved: Moved
) -> None:
    assert moved_after(TWO, marks, "main", failure, may_have_rung=rang) == moved


@pytest.mark.parametrize(
    ("failure", "left"), [(UNAVAILABLE, Left.LATER), (THROTTLED, Left.LATER), (REJECTED, Left.NONE)]
)
def test_a_campaign_with_one_line_has_nowhere_to_go(failure: FailureClass, left: Left) -> None:
    moved = moved_after((MAIN,), {}, "main", failure, may_have_rung=False)
    assert moved.left is left
