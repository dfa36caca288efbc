"""One number over all campaigns: its calls, and its places on rosters that are open."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.decision.decision import Dial, Wait
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.call import requests
from outdial.store.call.requests import NewRequest
from outdial.store.campaign import campaigns
from outdial.store.campaign.states import finish_campaign
from outdial.store.roster import roster
from outdial.store.roster.person import (
    RosterPlace,
    calls_to_number,
    places_of_number,
    read_histories,
)
from tests.builders import House, draft, located, phone, request, zones

pytestmark = pytest.mark.both_databases
_TOMORROW = "2026-03-05T15:00:00Z"


def places(house: House, number: str, tenant: str = DEFAULT_TENANT) -> list[RosterPlace]:
    return house.write(lambda s: places_of_number(s, tenant, number, house.now))


def names(house: House, number: str) -> list[str]:
    return [place.campaign.name for place in places(house, number)]


def test_calls_of_all_campaigns_are_paged_newest_first(house: House) -> None:
    made = []
    for name in ("first", "second", "third"):
        call = house.claim_one(house.launch(2, name))
        house.place(call.call_id)
        house.end(call.call_id, CallStatus.NO_ANSWER)
        made.append(call.call_id)
        house.later(days=1)

    def page(after: tuple[object, str] | None = None) -> list[str]:
        listed = house.write(
            lambda s: calls_to_number(s, DEFAULT_TENANT, phone(0), limit=2, after=after)  # type: ignore[arg-type]
        )
        return [call.id for call in listed]

    assert page() == made[:0:-1]
    calls = house.write(lambda s: calls_to_number(s, DEFAULT_TENANT, phone(0), limit=2))
    assert page((calls[-1].created_at, calls[-1].id)) == made[:1]
    assert house.write(lambda s: calls_to_number(s, "other", phone(0), limit=2)) == []
    (history, _) = house.write(lambda s: read_histories(s, calls))
    assert history.call.id == made[-1]
    assert history.receipt is not None
    assert history.receipt.call_id == made[-1]
    assert (history.callbacks, history.appointments) == (None, ())


def test_places_are_those_of_open_campaigns(house: House) -> None:
    over, running, starts_later = (
        house.launch(1, "over"),
        house.launch(1, "running"),
        house.launch(1, "starts-later", schedule={"hours": "00:00-24:00", "start": _TOMORROW}),
    )
    house.set_state(over, CampaignState.STOPPING)
    house.write(lambda s: finish_campaign(s, over.id, now=house.now))
    listed = places(house, phone(0))
    assert [place.campaign.id for place in listed] == [starts_later.id, running.id]
    later, now = (place.explanation for place in listed)
    assert later is not None
    assert now is not None
    assert isinstance(later.decision, Wait)
    assert isinstance(now.decision, Dial)
    assert places(house, phone(0), "other") == []
    assert places(house, phone(7)) == []


def test_a_request_is_a_place_until_it_is_done(house: House) -> None:
    direct = house.write(
        lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=house.now)
    )
    new = NewRequest(
        public_id=str(uuid.uuid4()),
        request=request(3),
        phone=phone(3),
        zones=zones(),
        agent="agent-2",
        origin="v1",
        refused=None,
    )
    house.write(lambda s: requests.create_request(s, direct, new, now=house.now))
    assert names(house, phone(3)) == [direct.name]
    call = house.claim_one(direct)
    house.place(call.call_id)
    house.end(call.call_id)
    assert names(house, phone(3)) == []


def test_one_who_was_called_on_this_number_is_found_by_it(house: House) -> None:
    """Their next number is another one by now."""
    retry = {"no_answer": {"delays": "1h"}}
    campaign = house.launch(0, retry=retry)
    both = located([draft(0, alternate_phones=[phone(5)])])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, both))
    call = house.claim_one(campaign)
    house.place(call.call_id)
    house.end(call.call_id, CallStatus.NO_ANSWER)
    house.now += timedelta(minutes=1)
    (place,) = places(house, phone(0))
    assert place.recipient.phone in (phone(0), phone(5))
    assert place.explanation is not None
