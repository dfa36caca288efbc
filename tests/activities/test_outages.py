"""A round of a sweeper in an outage of Temporal or of the database, and beside broken items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from activities.sweeping import AT_ONCE, OUTAGE, Deadline, each
from activities.sweeps import Sweeps
from outdial.dispatch import signals
from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable
from outdial.resources.resources import Resources
from outdial.store.call.events import UnsignalledEvent
from outdial.store.call.requests import Requester
from outdial.store.db.errors import DatabaseUnavailable
from tests.builders import event

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
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


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_an_outage_that_one_step_found_is_one_of_the_round(failing: int) -> None:
    """It ends no other step: what they need may be there."""
    until, begun = Deadline(), [0, 0, 0]

    async def work(step: int) -> bool:
        begun[step] += 1
        if step == failing:
            raise TemporalUnavailable("it is left")
        return True

    for step in range(3):
        of_step = until.share(3 - step) if step < 2 else until
        await each([step] * len(ITEMS), work, what="item", key=lambda item: item, until=of_step)
    assert [count for step, count in enumerate(begun) if step != failing] == [len(ITEMS)] * 2
    assert begun[failing] < len(ITEMS)
    with pytest.raises(TemporalUnavailable):
        until.raise_outage()


class Stored:
    """A database that has so many requesters and events to signal, once."""

    def __init__(self, *pages: Sequence[object]) -> None:
        self._pages = list(pages)

    async def read(self, _work: object) -> Sequence[object]:
        return self._pages.pop(0) if self._pages else []

    async def write(self, _work: object) -> None:
        """What was signalled is marked."""


def _sweeps(monkeypatch: pytest.MonkeyPatch, *pages: Sequence[object]) -> tuple[Sweeps, list[str]]:
    """Sweeps over a client that can send no signal, and the workflows that it was to reach."""
    sent: list[str] = []

    async def send(_: object, workflow_id: str, *_more: object) -> None:
        sent.append(workflow_id)
        raise TemporalUnavailable("the signal was not delivered")

    monkeypatch.setattr(signals, "_send", send)
    resources = SimpleNamespace(
        database=Stored(*pages), temporal=None, clock=lambda: NOW, analysis_grace=timedelta(0)
    )
    return Sweeps(cast("Resources", resources)), sent


async def test_requesters_that_no_signal_reaches_are_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps, sent = _sweeps(monkeypatch, [Requester(n, f"request/{n}") for n in ITEMS])
    with pytest.raises(TemporalUnavailable):
        await sweeps.sweep_requests()
    assert OUTAGE <= len(sent) <= OUTAGE + AT_ONCE


async def test_events_that_no_signal_reaches_are_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported = event("ringing", status="ringing").model_dump_json()
    stored = [UnsignalledEvent(n, "t", "l", f"{n}", f"c{n}", f"call/{n}", reported) for n in ITEMS]
    sweeps, sent = _sweeps(monkeypatch, stored)
    with pytest.raises(TemporalUnavailable):
        await sweeps.sweep_events()
    assert OUTAGE <= len(sent) <= OUTAGE + AT_ONCE
