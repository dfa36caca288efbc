"""A round of a sweeper in an outage of Temporal or of the database, and beside broken items."""

from __future__ import annotations

import pytest

from activities.sweeping import AT_ONCE, OUTAGE, Deadline, each
from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable
from outdial.store.db.errors import DatabaseUnavailable

ITEMS = range(10 * OUTAGE)


async def _work_on_all(error: Exception, *, fails: int) -> tuple[int, Deadline]:
    """How many of the items are begun, where all fail but each `fails`th, if that is not 0."""
    begun = 0

    async def work(item: int) -> bool:
        nonlocal begun
        begun += 1
        if not fails or item % fails:
            raise error
        return True

    until = Deadline()
    await each(ITEMS, work, what="item", key=lambda item: item, until=until)
    return begun, until


@pytest.mark.parametrize("error", [TemporalUnavailable("it is left"), DatabaseUnavailable("gone")])
async def test_an_outage_ends_a_round_and_reads_as_one(error: Exception) -> None:
    begun, until = await _work_on_all(error, fails=0)
    assert OUTAGE <= begun <= OUTAGE + AT_ONCE
    assert until.passed
    with pytest.raises(type(error)):
        until.raise_outage()


@pytest.mark.parametrize(
    "error",
    [
        TemporalRefused("its own words", "it is left"),
        DatabaseUnavailable("locked", rows_locked=True),
        RuntimeError("nobody foresaw that"),
    ],
)
async def test_broken_items_are_no_outage(error: Exception) -> None:
    begun, until = await _work_on_all(error, fails=0)
    assert begun == len(ITEMS)
    until.raise_outage()


async def test_items_that_are_unavailable_by_themselves_keep_no_others_waiting() -> None:
    begun, until = await _work_on_all(TemporalUnavailable("it is left"), fails=OUTAGE)
    assert begun == len(ITEMS)
    until.raise_outage()
