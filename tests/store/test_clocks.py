"""Clocks that differ: of workers among themselves, of a host and the database, of a provider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CallRecord
from outdial.store.call import calls, events
from outdial.store.db.clocks import measure_skew
from tests.builders import LINE, House, event

pytestmark = pytest.mark.both_databases


def _read(house: House, call_id: str) -> CallRecord:
    found = house.write(lambda s: calls.get_call(s, call_id))
    assert found is not None
    return found


@pytest.mark.parametrize("hours", [1, 6, 24 * 400])
def test_a_worker_whose_clock_is_ahead_keeps_no_line_waiting(house: House, hours: int) -> None:
    house.line(per_second=1)
    ahead, right, next_one = (c.call_id for c in house.claim(house.launch(3), limit=3).calls)
    now = house.now
    house.now += timedelta(hours=hours)
    house.fence(ahead)
    house.now = now
    assert house.fence(right).verdict is FenceVerdict.GO
    assert house.fence(next_one).verdict is FenceVerdict.WAIT_FOR_RATE, "the line's pace holds"


@pytest.mark.parametrize("behind", [1, 6, 3600])
def test_a_claim_says_how_long_to_wait_whatever_its_clock_says(house: House, behind: int) -> None:
    house.line(most=1)
    first = house.launch(2, "first")
    house.claim(first)
    second = house.launch(2, "second", first=10)
    house.now -= timedelta(seconds=behind)
    claim = house.claim(second)
    assert claim.wake_after is not None
    assert claim.wake_after >= timedelta(seconds=5)


@pytest.mark.parametrize("off", [timedelta(hours=6), timedelta(seconds=-6), timedelta(0)])
def test_a_skew_is_measured_to_a_fraction_of_a_second(
    house: House, backend: str, off: timedelta
) -> None:
    skew = house.database.read_sync(lambda s: measure_skew(s, lambda: datetime.now(UTC) + off))
    assert skew is not None
    expected = off if backend == "postgresql" else timedelta(0)
    assert abs(skew - expected) < timedelta(seconds=1)


def test_an_answer_that_took_too_long_tells_nothing(house: House, backend: str) -> None:
    def slow() -> Iterator[datetime]:
        now = datetime.now(UTC)
        while True:
            now += timedelta(seconds=2)
            yield now

    host = slow()
    skew = house.database.read_sync(lambda s: measure_skew(s, lambda: next(host)))
    assert skew == (None if backend == "postgresql" else timedelta(0))


@pytest.mark.parametrize("off", [timedelta(days=900), timedelta(days=-900), timedelta(0)])
def test_instants_of_a_provider_lie_between_placement_and_receipt(
    house: House, off: timedelta
) -> None:
    campaign = house.launch(1, retry={"busy": {"delays": "10m"}})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    placed = house.now
    for status in (CallStatus.RINGING, CallStatus.IN_PROGRESS):
        house.later(seconds=5)
        told = event(str(status), call_id=call_id, status=status).model_copy(
            update={"at": house.now + off}
        )
        house.write(lambda s, e=told: events.store_events(s, LINE, [e], now=house.now))  # type: ignore[misc]
    house.later(seconds=5)
    house.end(call_id, CallStatus.BUSY, at=house.now + off)
    found = _read(house, call_id)
    for instant in (found.ringing_at, found.answered_at, found.ended_at):
        assert instant is not None
        assert placed <= instant <= house.now


def test_a_redial_is_counted_from_what_can_be(house: House) -> None:
    campaign = house.launch(1, retry={"busy": {"delays": "10m"}})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    house.end(call_id, CallStatus.BUSY, at=house.now + timedelta(days=900))
    house.later(minutes=11)
    assert len(house.claim(campaign).calls) == 1
