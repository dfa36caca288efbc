"""Direct campaigns are woken once for many requests, and again while Temporal is away."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from outdial.dispatch import wakeups
from outdial.dispatch.errors import TemporalUnavailable
from outdial.dispatch.wakeups import GATHER_SECONDS, LONGEST_SECONDS, Wakeups
from outdial.domain.record import CampaignRecord


class FakeClock:
    """Time passes when somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class FakeTemporal:
    """Wakes campaigns, unless it is told to fail."""

    def __init__(self) -> None:
        self.errors: dict[int, list[Exception]] = {}
        self.tries = Counter[int]()
        self.woken: asyncio.Queue[int] = asyncio.Queue()

    async def wake(self, _client: object, direct: CampaignRecord) -> None:
        self.tries[direct.id] += 1
        if self.errors.get(direct.id):
            raise self.errors[direct.id].pop(0)
        self.woken.put_nowait(direct.id)


@pytest.fixture
def temporal(monkeypatch: pytest.MonkeyPatch) -> FakeTemporal:
    fake = FakeTemporal()
    monkeypatch.setattr(wakeups, "wake_direct_campaign", fake.wake)
    return fake


def _away(times: int) -> list[Exception]:
    return [TemporalUnavailable("nothing was woken") for _ in range(times)]


def _direct(campaign_id: int) -> CampaignRecord:
    return cast("CampaignRecord", SimpleNamespace(id=campaign_id))


def _wakeups(clock: FakeClock) -> Wakeups:
    client: Any = None
    return Wakeups(client, sleep=clock.sleep)


async def test_many_requests_are_one_signal(temporal: FakeTemporal) -> None:
    clock = FakeClock()
    async with _wakeups(clock) as waking:
        for _ in range(100):
            waking.wake_soon(_direct(1))
        assert await temporal.woken.get() == 1
    assert temporal.tries == {1: 1}
    assert clock.slept == [GATHER_SECONDS]


async def test_pauses_double_while_temporal_is_away_and_begin_again_after(
    temporal: FakeTemporal,
) -> None:
    clock = FakeClock()
    temporal.errors[1] = _away(8)
    async with _wakeups(clock) as waking:
        waking.wake_soon(_direct(1))
        assert await temporal.woken.get() == 1
        assert clock.slept == [0.25, 0.5, 1, 2, 4, 8, *[LONGEST_SECONDS] * 3]
        clock.slept.clear()
        temporal.errors[2] = _away(1)
        waking.wake_soon(_direct(2))
        assert await temporal.woken.get() == 2
        assert clock.slept == [GATHER_SECONDS, 2 * GATHER_SECONDS]
    assert temporal.tries == {1: 9, 2: 2}


async def test_campaigns_that_were_woken_are_not_woken_again_with_those_that_were_not(
    temporal: FakeTemporal,
) -> None:
    temporal.errors[1] = _away(3)
    async with _wakeups(FakeClock()) as waking:
        waking.wake_soon(_direct(1))
        waking.wake_soon(_direct(2))
        assert [await temporal.woken.get(), await temporal.woken.get()] == [2, 1]
    assert temporal.tries == {1: 4, 2: 1}


async def test_a_defect_is_not_tried_again_and_keeps_no_other_campaign_asleep(
    temporal: FakeTemporal, caplog: pytest.LogCaptureFixture
) -> None:
    temporal.errors[1] = [LookupError("a defect")]
    async with _wakeups(FakeClock()) as waking:
        waking.wake_soon(_direct(1))
        waking.wake_soon(_direct(2))
        assert await temporal.woken.get() == 2
    assert temporal.tries == {1: 1, 2: 1}
    assert "was not woken" in caplog.text


async def test_what_waits_at_the_end_is_woken_before_it_is_over(temporal: FakeTemporal) -> None:
    async with Wakeups(None) as waking:  # type: ignore[arg-type]
        waking.wake_soon(_direct(1))
    assert temporal.tries == {1: 1}
