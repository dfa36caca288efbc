"""A sweep begins nothing more once its time is over, through all of its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from activities.sweeping import BATCH, Deadline, each, pages


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    moved = Time()
    monkeypatch.setattr("activities.sweeping.time", moved)
    return moved


async def test_no_item_of_a_page_is_begun_after_the_deadline(time: Time) -> None:
    begun = []

    async def slow(item: int) -> bool:
        begun.append(item)
        time.now += 30
        return True

    until = Deadline(timedelta(seconds=60))
    done = await each(range(BATCH), slow, what="item", key=lambda item: item, until=until)
    assert begun == [0, 1]
    assert done == [True, True] + [False] * (BATCH - 2)


async def test_no_page_is_read_after_the_deadline(time: Time) -> None:
    read = []

    async def page(after: int | None) -> Sequence[int]:
        read.append(after)
        time.now += 40
        return range(BATCH)

    until = Deadline(timedelta(seconds=60))
    assert len([one_page async for one_page in pages(page, until=until)]) == 2
    # What follows in the same activity has no time of its own.
    assert [one_page async for one_page in pages(page, until=until.share(2))] == [range(BATCH)]
    assert len(read) == 3


def test_steps_share_what_is_left(time: Time) -> None:
    until = Deadline(timedelta(seconds=60))
    first = until.share(4)
    time.now = 15
    rest = until.share(3)
    passed = []
    for now in (15, 29, 31, 60):
        time.now = now
        passed.append((first.passed, rest.passed, until.passed))
    alone = (True, False, False)
    assert passed == [alone, alone, (True, True, False), (True, True, True)]
