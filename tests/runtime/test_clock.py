"""A process has the database's time, whatever its host's clock shows."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import cast

import pytest

from outdial.runtime.clock import DatabaseClock, keeping_time, system_clock
from outdial.store.db.database import Database
from outdial.store.db.errors import DatabaseUnavailable


class _Skewed:
    def __init__(self, *skews: timedelta | Exception | None) -> None:
        self._skews = list(skews)

    async def measure_skew(self) -> timedelta | None:
        skew = self._skews.pop(0)
        if isinstance(skew, Exception):
            raise skew
        return skew


def _clock(*skews: timedelta | Exception | None) -> DatabaseClock:
    return DatabaseClock(cast("Database", _Skewed(*skews)))


@pytest.mark.parametrize("skew", [timedelta(hours=6), timedelta(seconds=-6), timedelta(0)])
async def test_a_skew_is_corrected_and_one_of_seconds_is_reported(
    skew: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    clock = _clock(skew)
    with caplog.at_level(logging.WARNING):
        async with keeping_time(clock):
            assert abs(system_clock() - clock() - skew) < timedelta(seconds=1)
    assert bool(caplog.records) is (skew != timedelta(0))


async def test_what_was_measured_holds_while_nothing_can_be() -> None:
    clock = _clock(timedelta(seconds=9), None)
    await clock.measure()
    await clock.measure()
    assert clock.skew == timedelta(seconds=9)


async def test_a_database_that_is_down_stops_nobody() -> None:
    clock = _clock(DatabaseUnavailable("down"))
    async with keeping_time(clock):
        assert clock.skew == timedelta(0)
