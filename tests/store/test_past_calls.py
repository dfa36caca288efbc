"""The calls that a people model is fitted to."""

from __future__ import annotations

import pytest

from outdial.domain.call.past_call import PastPerson
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.record import CampaignRecord
from outdial.store.call import events
from outdial.store.campaign.past_calls import read_past_calls
from outdial.store.campaign.states import finish_campaign
from tests.builders import LINE, ZONE, House, event

pytestmark = pytest.mark.both_databases


def past(house: House, campaign: CampaignRecord, *, limit: int) -> list[list[PastPerson]]:
    """The pages of the campaign's present launch."""
    pages, after = [], None
    while True:
        page = house.write(
            lambda s, after=after: read_past_calls(  # type: ignore[misc]
                s, campaign.id, campaign.launch, after=after, limit=limit
            )
        )
        pages.append(list(page.people))
        after = page.last
        if after is None:
            return pages


def test_a_call_is_read_with_its_times(house: House) -> None:
    house.line()
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    house.later(seconds=1)
    placed_at = house.now
    house.place(call.call_id)
    for seconds, status in ((2, CallStatus.RINGING), (7, CallStatus.IN_PROGRESS)):
        house.later(seconds=seconds)
        reported = event(
            status.value, call_id=call.call_id, status=status, at=house.now,
            answered_by=AnsweredBy.HUMAN if status is CallStatus.IN_PROGRESS else None,
        )  # fmt: skip
        house.write(
            lambda s, e=reported: events.store_events(s, LINE, [e], now=house.now)  # type: ignore[misc]
        )
    house.later(seconds=40)
    house.end(call.call_id, answered=True, duration_seconds=40.0)
    ((person,),) = past(house, campaign, limit=10)
    assert person.zone == ZONE
    (one,) = person.calls
    assert (one.at, one.status, one.answered_by) == (
        placed_at,
        CallStatus.COMPLETED,
        AnsweredBy.HUMAN,
    )
    assert (one.dial_seconds, one.ring_seconds, one.talk_seconds) == (2.0, 7.0, 40.0)


def test_people_are_read_in_pages_with_their_calls_that_have_ended(house: House) -> None:
    house.line()
    campaign = house.launch(5, retry={"max_attempts": 2, "busy": {"delays": "1m"}})
    claimed = house.claim(campaign).calls
    for call in claimed[:4]:
        house.place(call.call_id)
        house.end(call.call_id, CallStatus.BUSY)
    house.later(minutes=2)
    again = house.claim_one(campaign)
    house.place(again.call_id)
    house.end(again.call_id, CallStatus.FAILED, failure=FailureClass.UNAVAILABLE)
    pages = past(house, campaign, limit=2)
    assert (len(pages), sum(map(len, pages))) == (3, 4), "the fifth is still called"
    calls = [call for page in pages for person in page for call in person.calls]
    assert sorted(call.status for call in calls) == ["busy"] * 4 + ["failed"]


def test_each_launch_has_its_own(house: House) -> None:
    house.line()
    first = house.launch(1, retry={"max_attempts": 1})
    call = house.claim_one(first)
    house.place(call.call_id)
    house.end(call.call_id, CallStatus.NO_ANSWER)
    house.write(lambda s: finish_campaign(s, first.id, now=house.now))
    second = house.launch(1)
    assert second.launch == first.launch + 1
    assert past(house, second, limit=10) == [[]]
    ((person,),) = past(house, first, limit=10)
    assert [one.status for one in person.calls] == [CallStatus.NO_ANSWER]
