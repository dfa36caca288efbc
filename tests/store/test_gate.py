"""A pause, a stop, a block and an edit take effect at once, whatever transactions are open.

PostgreSQL: SQLite has one writer at a time, which is order enough.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState, FencePass, FenceVerdict
from outdial.domain.call.status import CallStatus
from outdial.domain.decision.receipt import check_chain
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.rulebook import Block
from outdial.domain.rules.zone import zone_evidence
from outdial.store.call import events, settlement
from outdial.store.campaign import campaigns
from outdial.store.claims import fence
from outdial.store.claims.fence import raise_fence
from outdial.store.claims.rate import take_token
from outdial.store.claims.reservation import claim_calls
from outdial.store.compliance import rulings, suppressions
from outdial.store.compliance.receipts import read_receipts
from outdial.store.db.tables import recipient
from outdial.store.roster import roster
from outdial.store.roster.flip import add_at_once
from tests.backends import Kept
from tests.builders import (
    LINE,
    TIMEOUT,
    House,
    definition,
    drafts,
    ended,
    event,
    located,
    phone,
)
from tests.databases import empty
from tests.waiting import until_sync

WITHIN = 15
_WAITERS = text(
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
)
Change = Callable[[House, CampaignRecord], object]


@pytest.fixture
def house(kept: Kept) -> House:
    _, database = kept("postgresql")
    empty(database)
    built = House(database)
    built.line()
    return built


def _pause(house: House, campaign: CampaignRecord) -> object:
    return house.set_state(campaign, CampaignState.PAUSED)


def _stop(house: House, campaign: CampaignRecord) -> object:
    return house.set_state(campaign, CampaignState.STOPPING)


def _suppress(house: House, campaign: CampaignRecord) -> object:
    return house.write(
        lambda s: suppressions.suppress_all(
            s, "default", [phone(1)], "asked", now=house.now, source="test"
        )
    )


def _block(house: House, campaign: CampaignRecord) -> object:
    blocked = Block(jurisdiction="US", until=house.now + timedelta(days=1), reason="storm")
    return house.write(lambda s: rulings.block(s, "default", blocked, now=house.now))


def _apply(house: House, campaign: CampaignRecord) -> object:
    closed = definition(schedule={"hours": "02:00-03:00"})
    return house.write(
        lambda s: campaigns.apply_definition(s, campaign.id, closed, "", now=house.now)
    )


CHANGES = [_pause, _stop, _suppress, _block, _apply]


@contextmanager
def _open(house: House, work: Callable[[Session], object]) -> Iterator[None]:
    """A transaction that has done its work and does not commit until the end of the block."""
    done, finish = threading.Event(), threading.Event()

    def hold(s: Session) -> None:
        work(s)
        done.set()
        assert finish.wait(2 * WITHIN)

    with ThreadPoolExecutor(1) as executor:
        held = executor.submit(house.write, hold)
        try:
            assert done.wait(WITHIN) or held.result()
            yield
        finally:
            finish.set()
        held.result()


def _works(house: House, campaign: CampaignRecord) -> dict[str, Callable[[Session], object]]:
    """Transactions of a campaign that are no fence, each about a call of its own."""
    ending, reported, placed = (c.call_id for c in house.claim(campaign, limit=3).calls)
    house.place(ending)
    house.fence(placed)
    house.fence(reported)
    ringing = event("e1", call_id=reported, provider_call_id="p1", status=CallStatus.RINGING)
    return {
        "end": lambda s: settlement.end_call(
            s, ending, ended(CallStatus.BUSY, at=house.now), now=house.now
        ),
        "report": lambda s: events.store_events(s, LINE, [ringing], now=house.now),
        "placed": lambda s: events.record_placed(s, placed, "p2", now=house.now),
    }


@pytest.mark.parametrize("work", ["end", "report", "placed", "claim"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_waits_for_no_end_and_no_report(house: House, change: Change, work: str) -> None:
    campaign = house.launch(12, pacing={"max_concurrent": 8})
    works = _works(house, campaign)
    works["claim"] = lambda s: claim_calls(s, campaign.id, "open", now=house.now, limit=2).claim
    if work == "claim" and change in (_stop, _apply):
        pytest.skip("one claim at most is waited for, since it takes people whom this ends")
    with _open(house, works[work]), ThreadPoolExecutor(1) as executor:
        executor.submit(change, house, campaign).result(WITHIN)


@pytest.mark.parametrize("change", [_pause, _stop, _block, _apply])
def test_a_change_goes_before_fences_that_come_after_it(house: House, change: Change) -> None:
    """Of fences that overlap at all times, only those that came first are waited for."""
    campaign = house.launch(12, pacing={"max_concurrent": 8})
    first, second, third = (c.call_id for c in house.claim(campaign, limit=3).calls)
    located = zone_evidence(phone(0)).model_dump_json()
    house.write(lambda s: s.connection().execute(update(recipient).values(zones=located)))

    def raise_first(s: Session) -> object:
        return raise_fence(s, first, now=house.now, placement_timeout=TIMEOUT)

    with ThreadPoolExecutor(3) as executor:
        with _open(house, raise_first):
            changed = executor.submit(change, house, campaign)
            _wait_for(house, 1)
            later: list[Future[FencePass]] = []
            for waiting, call_id in enumerate((second, third), start=2):
                later.append(executor.submit(house.fence, call_id))
                _wait_for(house, waiting)
        changed.result(WITHIN)
        assert [one.result(WITHIN).verdict for one in later] == [FenceVerdict.WITHDRAWN] * 2


def test_fences_pass_side_by_side_and_a_pause_waits_for_all_of_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two fences of a campaign decide at the same time, on one line. A third comes after the pause
    and passes after it, though the gate is open for fences when it comes."""
    campaign = house.launch(12, pacing={"max_concurrent": 8})
    first, second, third = (c.call_id for c in house.claim(campaign, limit=3).calls)
    both, finish = threading.Barrier(3), threading.Event()

    def held(*values: Any) -> Any:
        both.wait(WITHIN)
        assert finish.wait(2 * WITHIN)
        return take_token(*values)

    with ThreadPoolExecutor(4) as executor:
        with monkeypatch.context() as patched:
            patched.setattr(fence, take_token.__name__, held)
            passing = [executor.submit(house.fence, call_id) for call_id in (first, second)]
            both.wait(WITHIN)
        paused = executor.submit(_pause, house, campaign)
        _wait_for(house, 1)
        later = executor.submit(house.fence, third)
        _wait_for(house, 2)
        assert not paused.done()
        finish.set()
        assert [one.result(WITHIN).verdict for one in passing] == [FenceVerdict.GO] * 2
        paused.result(WITHIN)
        assert later.result(WITHIN).verdict is FenceVerdict.WITHDRAWN
    receipts = house.database.read_sync(lambda s: list(read_receipts(s, campaign.id)))
    _, count, faults = check_chain(receipts)
    assert (count, faults) == (2, [])


def _wait_for(house: House, waiters: int) -> None:
    def waiting() -> bool:
        count = house.database.read_sync(lambda s: s.connection().execute(_WAITERS).scalar_one())
        return bool(count >= waiters)

    until_sync(waiting, timeout=WITHIN)


def test_people_who_are_added_at_all_times_keep_no_pause_waiting(house: House) -> None:
    """Whoever adds people locks the campaign for itself, so that waiters come in their order."""
    campaign = house.launch(1)

    def add(s: Session) -> None:
        add_at_once(s, campaign.id, "more", located(drafts(2, first=10)), now=house.now)

    with ThreadPoolExecutor(1) as executor:
        with _open(house, add):
            paused = executor.submit(_pause, house, campaign)
        assert paused.result(WITHIN) is not None
    rows = located(drafts(2, first=20))
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, rows))
    people = house.write(lambda s: roster.list_recipients(s, campaign.id, launch=1, limit=9))
    assert {person.state for person in people} == {RecipientState.WAITING}
