"""Blocked places and rules of one's own: from the commit on, for claims and fences."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.definition.purpose import Purpose
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import Block, shipped_rulebook
from outdial.domain.rules.zone import zone_evidence
from outdial.store.claims.state import lock_claim_state
from outdial.store.compliance import rulings
from outdial.store.roster import roster
from tests.builders import House, draft, located_as
from tests.store.racing import WAITS, apart, until_somebody_waits

NEW_ORLEANS, NEW_YORK = "+15045551234", "+12125551234"
CONSENT = Consent(level=ConsentLevel.WRITTEN, proof="form 9")


def _campaign(house: House, *numbers: str, **changes: Any) -> CampaignRecord:
    values = {"purpose": "telemarketing"} | changes
    campaign = house.launch(0, **values)
    rows = []
    for position, number in enumerate(numbers):
        person = draft(position, phone=number, consent=CONSENT)
        rows.append(located_as(person, zone_evidence(number)))
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    return campaign


def _block(house: House, place: str = "US-LA", **changes: Any) -> Block:
    values = {
        "jurisdiction": place,
        "until": house.now + timedelta(days=2),
        "reason": "emergency",
    }
    blocked = Block.model_validate(values | changes)
    house.write(lambda s: rulings.block(s, "default", blocked, now=house.now))
    return blocked


def test_nobody_is_claimed_in_a_blocked_place(house: House) -> None:
    campaign = _campaign(house, NEW_ORLEANS, NEW_YORK)
    blocked = _block(house)
    claim = house.claim(campaign)
    assert [call.masked for call in claim.calls] == ["+1212•••1234"]
    # 09:00 in New Orleans when the block ends: its window is open by then.
    assert claim.wake_at == blocked.until
    house.now = blocked.until
    assert [call.masked for call in house.claim(campaign).calls] == ["+1504•••1234"]


def test_a_block_after_the_claim_counts_at_the_fence(house: House) -> None:
    claimed = house.claim_one(_campaign(house, NEW_ORLEANS))
    _block(house)
    passed = house.fence(claimed.call_id)
    assert passed.verdict is FenceVerdict.WITHDRAWN
    assert "US-LA is blocked until" in passed.reason


def test_a_lifted_block_requeues_recipients(house: House) -> None:
    campaign = _campaign(house, NEW_ORLEANS)
    _block(house)
    assert house.claim(campaign).calls == ()
    house.later(hours=1)
    assert house.write(lambda s: rulings.unblock(s, "default", "US-LA", now=house.now))
    assert not house.write(lambda s: rulings.unblock(s, "default", "US-LA", now=house.now))
    assert len(house.claim(campaign).calls) == 1


def test_a_block_may_be_of_one_purpose_and_replaces_the_one_before(house: House) -> None:
    campaign = _campaign(house, NEW_ORLEANS, purpose="informational")
    _block(house, purpose=Purpose.TELEMARKETING)
    _block(house, "US", purpose=Purpose.TELEMARKETING)
    assert len(house.claim(campaign).calls) == 1
    longer = _block(house, until=house.now + timedelta(days=9), purpose=Purpose.TELEMARKETING)
    blocks = house.write(lambda s: rulings.read_rulebook(s, "default", house.now)).blocks
    assert [block.jurisdiction for block in blocks] == ["US", "US-LA"]
    assert blocks[1] == longer


def test_blocks_of_other_tenants_are_not_ours(house: House) -> None:
    blocked = Block(jurisdiction="US", until=house.now + timedelta(days=1), reason="theirs")
    house.write(lambda s: rulings.block(s, "other", blocked, now=house.now))
    assert len(house.claim(_campaign(house, NEW_YORK)).calls) == 1


def test_an_operators_rules_are_added_and_replaced(house: House) -> None:
    rule = Rule.model_validate(
        {"id": "house.late", "jurisdiction": "*", "cite": "policy", "windows": "daily 12:00-18:00"}
    )
    house.write(lambda s: rulings.replace_rules(s, "default", [rule], now=house.now))
    campaign = _campaign(house, NEW_YORK)
    claim = house.claim(campaign)
    assert claim.calls == ()
    assert claim.wake_at == house.now + timedelta(hours=2)
    replaced = house.write(lambda s: rulings.replace_rules(s, "default", [], now=house.now))
    assert replaced == 1
    book = house.write(lambda s: rulings.read_rulebook(s, "default", house.now))
    assert book is shipped_rulebook()
    assert len(house.claim(campaign).calls) == 1


def test_sales_without_consent_end_with_the_reason(house: House) -> None:
    campaign = house.launch(0, purpose="telemarketing")
    rows = [located_as(draft(0, phone=NEW_YORK), zone_evidence(NEW_YORK))]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    assert house.claim(campaign).calls == ()
    (person,) = house.write(lambda s: roster.list_recipients(s, campaign.id, launch=1))
    assert (person.state, person.outcome) == (RecipientState.DONE, "consent_missing")
    assert "64.1200" in str(person.reason)


def test_zones_of_older_data_are_resolved_again(house: House) -> None:
    campaign = house.launch(0, schedule={"hours": "09:00-18:00"})
    number = "+18506812011"  # Tallahassee; an older table knew its area code as Central alone
    old = zone_evidence(number).model_copy(
        update={"candidates": ("Asia/Tokyo",), "data_version": "older"}
    )
    rows = [located_as(draft(0, phone=number), old)]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    claimed = house.claim_one(campaign)  # 10:00 and 09:00 there, midnight in Tokyo
    assert house.fence(claimed.call_id).verdict is FenceVerdict.GO


@pytest.mark.parametrize(
    "change",
    [
        lambda house: _block(house),
        lambda house: house.write(lambda s: rulings.unblock(s, "default", "US-LA", now=house.now)),
        lambda house: house.write(lambda s: rulings.replace_rules(s, "default", [], now=house.now)),
    ],
    ids=["block", "unblock", "rules"],
)
def test_whoever_changes_rulings_waits_for_campaigns_before_they_hold_a_row(
    house: House, on_postgresql: None, change: Callable[[House], object]
) -> None:
    def hold(s: Session) -> None:
        lock_claim_state(s, campaign.id)
        started.set()
        until_somebody_waits(house.database)
        s.connection().execute(text("SELECT id FROM ruling FOR UPDATE NOWAIT"))

    campaign = _campaign(house, NEW_ORLEANS)
    _block(house)
    rules = shipped_rulebook().rules[:1]
    house.write(lambda s: rulings.replace_rules(s, "default", rules, now=house.now))
    started = threading.Event()
    with apart(lambda: house.write(hold)) as held:
        assert started.wait(WAITS)
        change(house)
        held.result(WAITS)
