from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import delete
from sqlmodel import Session

from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import CallRecord
from outdial.store.call import calls
from outdial.store.claims.leases import (
    LeaseCheck,
    calls_in_flight,
    close_fence,
    leases_to_check,
    release_unplaced,
)
from outdial.store.db.errors import UnknownCall
from outdial.store.db.tables import lease
from outdial.store.roster import roster
from tests.builders import TIMEOUT, House

LONGEST = timedelta(minutes=10, seconds=30) + timedelta(minutes=1)


def _old(house: House, limit: int = 10) -> list[LeaseCheck]:
    age = timedelta(seconds=30)
    return house.write(lambda s: leases_to_check(s, now=house.now, older_than=age, limit=limit))


def _close(house: House, call_id: str) -> Fence:
    return house.write(lambda s: close_fence(s, call_id, now=house.now))


def _call(house: House, call_id: str) -> CallRecord:
    record = house.write(lambda s: calls.get_call(s, call_id))
    assert record is not None
    return record


def test_old_leases_are_found_oldest_first(house: House) -> None:
    campaign = house.launch(3)
    first = house.claim_one(campaign).call_id
    house.later(seconds=10)
    second = house.claim_one(campaign).call_id
    house.later(seconds=20)
    assert [check.call.id for check in _old(house)] == [first]
    house.later(seconds=10)
    assert [check.call.id for check in _old(house)] == [first, second]
    assert [check.call.id for check in _old(house, limit=1)] == [first]


class Between:
    """A session in which some slots are freed between the first statement and the second."""

    def __init__(self, s: Session, freed: list[str]) -> None:
        self._s = s
        self._freed = freed
        self._executed = 0

    def connection(self) -> Between:
        return self

    def execute(self, *statement: Any) -> Any:
        self._executed += 1
        if self._executed == 2:
            free = delete(lease).where(lease.c.call_id.in_(self._freed))
            self._s.connection().execute(free)
        return self._s.connection().execute(*statement)


@pytest.mark.parametrize("freed", range(4))
def test_a_page_is_full_while_there_are_more(house: House, freed: int) -> None:
    """Else a sweep would end with it."""
    campaign, ids = house.launch(5), []
    for _ in range(5):
        house.later(seconds=1)
        ids.append(house.claim_one(campaign).call_id)

    def work(s: Session) -> list[LeaseCheck]:
        between = cast("Session", Between(s, ids[:freed]))
        return leases_to_check(between, now=house.now, older_than=timedelta(0), limit=3)

    assert [check.call.id for check in house.write(work)] == ids[freed : freed + 3]


def test_a_lease_lasts_as_long_as_the_longest_call(house: House) -> None:
    claimed_at = house.now
    call_id = house.claim_one(house.launch(1)).call_id
    house.later(minutes=5)
    (check,) = _old(house)
    assert check.expires_at == claimed_at + LONGEST
    house.fence(call_id)
    (check,) = _old(house)
    assert check.expires_at == house.now + TIMEOUT + LONGEST


def test_only_what_has_not_left_is_closed(house: House) -> None:
    campaign = house.launch(4)
    claimed, placing, placed, ended = (house.claim_one(campaign).call_id for _ in range(4))
    house.fence(placing)
    house.place(placed)
    house.end(ended, CallStatus.CANCELED, may_have_rung=False)
    fences = [_close(house, call_id) for call_id in (claimed, placing, placed, ended)]
    assert fences == [Fence.CLAIMED, Fence.PLACING, Fence.PLACED, Fence.CLOSED]
    assert _close(house, claimed) is Fence.CLOSED
    assert _call(house, placing).fence is Fence.PLACING


def test_a_call_that_never_left_gives_its_recipient_back(house: House) -> None:
    campaign = house.launch(1)
    call_id = house.claim_one(campaign).call_id
    _close(house, call_id)
    settled = house.write(lambda s: release_unplaced(s, call_id, now=house.now))
    assert (settled.changed, settled.settled) == (True, True)
    assert house.write(lambda s: len(calls_in_flight(s, campaign.id))) == 0
    call = _call(house, call_id)
    assert (call.status, call.detail, call.outcome) == (CallStatus.CANCELED, "swept", "canceled")
    house.later(seconds=5)
    again = house.claim_one(campaign)
    assert again.attempt == 1
    assert not house.write(lambda s: release_unplaced(s, call_id, now=house.now)).changed
    assert house.write(lambda s: len(calls_in_flight(s, campaign.id))) == 1


def test_a_call_that_was_refused_gives_its_recipient_back(house: House) -> None:
    campaign = house.launch(1)
    call_id = house.claim_one(campaign).call_id
    house.fence(call_id)
    house.write(
        lambda s: calls.record_not_placed(
            s, call_id, failure=FailureClass.UNAVAILABLE, detail="503", now=house.now
        )
    )
    settled = house.write(lambda s: release_unplaced(s, call_id, now=house.now))
    assert settled.changed
    person = house.write(lambda s: roster.recipient_result(s, settled.recipient_id))
    assert person is not None
    assert person.recipient.attempts == 0


@pytest.mark.parametrize("placed", [False, True])
def test_a_call_that_may_have_left_keeps_its_slot(house: House, placed: bool) -> None:
    campaign = house.launch(1)
    call_id = house.claim_one(campaign).call_id
    house.fence(call_id)
    if placed:
        house.place(call_id)
    assert not house.write(lambda s: release_unplaced(s, call_id, now=house.now)).changed
    assert house.write(lambda s: len(calls_in_flight(s, campaign.id))) == 1


def test_unknown_calls_are_errors(house: House) -> None:
    with pytest.raises(UnknownCall):
        _close(house, "no-such-call")
    with pytest.raises(UnknownCall):
        house.write(lambda s: release_unplaced(s, "no-such-call", now=house.now))
