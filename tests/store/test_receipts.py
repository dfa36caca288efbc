"""A receipt for every dial, and what a change to any of them shows."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import delete, update
from sqlmodel import Session

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.decision.receipt import Receipt, check_chain, number_digest
from outdial.domain.hash_links import FIRST
from outdial.domain.record import CampaignRecord
from outdial.store.compliance.receipts import read_receipts, unlike_their_calls
from outdial.store.db.tables import call, receipt
from tests.builders import House, phone
from tests.store.racing import race


def _dial(house: House, people: int = 5) -> CampaignRecord:
    campaign = house.launch(people)
    for claimed in house.claim(campaign).calls:
        assert house.fence(claimed.call_id).verdict is FenceVerdict.GO
    return campaign


def _receipts(house: House, campaign: CampaignRecord) -> list[Receipt]:
    return house.write(lambda s: list(read_receipts(s, campaign.id)))


def test_every_dial_has_a_receipt_with_its_evidence(house: House) -> None:
    campaign = _dial(house)
    receipts = _receipts(house, campaign)
    head, count, faults = check_chain(receipts)
    assert (count, faults) == (5, [])
    assert head == receipts[-1].hash != FIRST
    body = json.loads(receipts[0].body)
    assert body["local_times"] == {"America/New_York": "2026-03-04T10:00:00-05:00"}
    assert body["rules_version"]
    assert {"rules", "caps", "accepted_risks", "hours", "zone_source", "closes_at"} <= body.keys()
    assert body["number"] in {number_digest(receipts[0].call_id, phone(n)) for n in range(5)}
    assert phone(0)[1:] not in "".join(found.body for found in receipts)
    assert house.write(lambda s: unlike_their_calls(s, campaign.id)) == []


def test_what_is_withdrawn_has_none_and_chains_are_the_campaigns_own(house: House) -> None:
    first, second = _dial(house), house.launch(2, "second", first=50)
    calls = house.claim(second).calls
    house.write(lambda s: s.connection().execute(update(call).values(status="canceled")))
    assert house.fence(calls[0].call_id).verdict is FenceVerdict.WITHDRAWN
    assert _receipts(house, second) == []
    assert len(_receipts(house, first)) == 5


@pytest.mark.both_databases
def test_receipts_of_dials_at_once_are_one_chain(house: House) -> None:
    campaign = house.launch(24, pacing={"max_concurrent": 24})
    calls = house.claim(campaign).calls
    race([lambda c=c: house.fence(c.call_id) for c in calls])  # type: ignore[misc]
    _, count, faults = check_chain(_receipts(house, campaign))
    assert (count, faults) == (24, [])


def _change(house: House, work: object) -> None:
    house.write(lambda s: s.connection().execute(work))  # type: ignore[call-overload]


def test_a_changed_receipt_shows(house: House) -> None:
    campaign = _dial(house)
    second = _receipts(house, campaign)[1]
    forged = second.body.replace("10:00:00", "11:00:00")
    assert forged != second.body
    _change(house, update(receipt).where(receipt.c.sequence == 2).values(body=forged))
    _, _, faults = check_chain(_receipts(house, campaign))
    assert [fault.sequence for fault in faults] == [2]


def test_a_removed_receipt_shows_and_so_does_a_removed_end(house: House) -> None:
    campaign = _dial(house)
    kept, _, _ = check_chain(_receipts(house, campaign))
    _change(house, delete(receipt).where(receipt.c.sequence == 3))
    _, _, faults = check_chain(_receipts(house, campaign))
    assert [fault.problem for fault in faults] == [
        "receipts 3 to 3 are gone",
        "its content or the receipt before it was changed",
    ]
    missing = house.write(lambda s: unlike_their_calls(s, campaign.id))
    assert [one.problem for one in missing] == ["it was dialed and has no receipt"]
    _change(house, delete(receipt).where(receipt.c.sequence > 2))
    head, count, faults = check_chain(_receipts(house, campaign))
    assert (count, faults) == (2, [])
    assert head != kept


def test_a_number_changed_afterwards_shows(house: House) -> None:
    campaign = _dial(house)

    def forge(s: Session) -> None:
        s.connection().execute(update(call).where(call.c.phone == phone(3)).values(phone=phone(99)))

    house.write(forge)
    (found,) = house.write(lambda s: unlike_their_calls(s, campaign.id))
    assert found.problem == "its number is not the one that was dialed"
