"""Whom a claim looks at, when, and in which order."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from outdial.domain.call.batches import RESCHEDULED, SMALLEST_STEP
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord, RecipientRecord, RecipientState
from outdial.store.campaign import campaigns
from outdial.store.roster import roster
from tests.builders import House, definition, draft, located_as, zones

NEW_YORK, CHICAGO, DENVER, LOS_ANGELES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
DAY = {"hours": "09:00-18:00"}


def _campaign(house: House, *places: str, **changes: Any) -> CampaignRecord:
    """One recipient for each zone."""
    campaign = house.launch(0, **({"schedule": DAY} | changes))
    _enroll(house, campaign, *places)
    return campaign


def _enroll(house: House, campaign: CampaignRecord, *places: str) -> None:
    rows = [located_as(draft(i), zones(place)) for i, place in enumerate(places)]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))


def _people(house: House, campaign: CampaignRecord) -> list[RecipientRecord]:
    return house.write(
        lambda s: roster.list_recipients(s, campaign.id, launch=campaign.launch, limit=1000)
    )


def test_people_are_called_when_their_window_opens(house: House) -> None:
    house.now = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)  # 09:30, 08:30 and 07:30
    campaign = _campaign(house, DENVER, NEW_YORK, CHICAGO)
    claim = house.claim(campaign)
    assert [call.masked for call in claim.calls] == ["+1212•••0001"]
    assert claim.wake_at == datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
    assert claim.reason == "next: Wed 2026-03-04 09:00 in America/Chicago (15:00 UTC) for 1 person"
    house.later(minutes=29)
    assert house.claim(campaign).calls == ()
    house.later(minutes=1)
    claim = house.claim(campaign)
    assert [call.masked for call in claim.calls] == ["+1212•••0002"]
    assert claim.wake_at == datetime(2026, 3, 4, 16, 0, tzinfo=UTC)


def test_whose_window_closes_first_goes_first(house: House) -> None:
    house.now = datetime(2026, 3, 4, 19, 0, tzinfo=UTC)
    campaign = _campaign(house, LOS_ANGELES, CHICAGO, NEW_YORK, DENVER)
    order = [house.claim_one(campaign).masked[-1] for _ in range(4)]
    assert order == ["2", "1", "3", "0"]


def test_who_was_promised_a_time_goes_before_those_who_were_not(house: House) -> None:
    campaign = house.launch(200, pacing={"max_concurrent": 1}, retry={"busy": {"delays": "1m"}})
    call = house.claim_one(campaign)
    house.end(call.call_id, CallStatus.BUSY)
    house.later(minutes=1)
    again = house.claim_one(campaign)
    assert again.masked == call.masked
    assert again.attempt == 2


def test_who_is_not_reached_before_the_window_closes_waits_for_the_next(house: House) -> None:
    house.now = datetime(2026, 3, 4, 22, 59, tzinfo=UTC)  # 17:59 in New York
    campaign = _campaign(house, NEW_YORK, NEW_YORK, pacing={"max_concurrent": 1})
    call = house.claim_one(campaign)
    assert {p.state for p in _people(house, campaign)} == {
        RecipientState.CALLING,
        RecipientState.READY,
    }
    house.later(minutes=1)
    house.end(call.call_id)
    claim = house.claim(campaign)
    assert claim.calls == ()
    assert claim.wake_at == datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
    assert claim.reason == "next: Thu 2026-03-05 09:00 in America/New_York (14:00 UTC) for 1 person"
    waits = _people(house, campaign)[1]
    assert (waits.state, waits.not_before) == (RecipientState.WAITING, claim.wake_at)
    assert waits.reason is not None
    assert waits.reason.startswith("calls are made 09:00-18:00; it is Wed 18:00")


def test_who_can_never_be_called_ends_with_the_reason(house: House) -> None:
    end = {"hours": "09:00-18:00", "end": house.now + timedelta(minutes=30)}
    campaign = _campaign(house, NEW_YORK, LOS_ANGELES, schedule=end)
    claim = house.claim(campaign)
    assert len(claim.calls) == 1
    late = _people(house, campaign)[1]
    assert (late.state, late.outcome) == (RecipientState.DONE, "campaign_ends_first")


def test_daily_limits_count_the_calls_of_all_campaigns(house: House) -> None:
    retry = {"max_attempts_per_day": 1}
    first = house.launch(1, "first", retry=retry, schedule=DAY)
    house.end(house.claim_one(first).call_id)
    second = house.launch(1, "second", retry=retry, schedule=DAY)
    claim = house.claim(second)
    assert claim.calls == ()
    assert claim.wake_at == datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
    house.now = claim.wake_at
    assert len(house.claim(second).calls) == 1


def test_more_people_than_are_decided_about_in_one_claim(house: House) -> None:
    house.now = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    campaign = _campaign(house, *[NEW_YORK] * (RESCHEDULED - 1))
    claim = house.claim(campaign)
    assert claim.wake_at == datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
    assert (
        claim.reason == "next: Wed 2026-03-04 09:00 in America/New_York (14:00 UTC) for 100+ people"
    )


def test_a_claim_says_how_many_recipients_are_open(house: House) -> None:
    campaign = _campaign(house, *[NEW_YORK] * 30, pacing={"max_concurrent": 2})
    first = house.claim(campaign)
    assert (len(first.calls), first.open_recipients) == (2, 30)
    for call in first.calls:
        house.end(call.call_id)
    more = [located_as(draft(2000 + i), zones()) for i in range(10)]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 2, more))
    second = house.claim(campaign)
    assert (len(second.calls), second.open_recipients) == (2, 38)


def test_an_applied_revision_requeues_recipients(house: House) -> None:
    house.line("second")
    house.now = datetime(2026, 3, 4, 13, 30, tzinfo=UTC)  # 08:30 in New York
    campaign = _campaign(house, NEW_YORK, CHICAGO)
    claim = house.claim(campaign)
    assert claim.calls == ()
    earlier = definition(schedule={"hours": "08:00-18:00"}, line="second")
    applied = house.write(
        lambda s: campaigns.apply_definition(s, campaign.id, earlier, "new", now=house.now)
    )
    assert (applied.revision, applied.plan.line) == (2, "second")
    claim = house.claim(campaign)
    assert [(call.masked[-1], call.line) for call in claim.calls] == [("0", "second")]
    assert claim.revision == 2
    assert claim.wake_at == datetime(2026, 3, 4, 14, 0, tzinfo=UTC)


def test_an_applied_revision_keeps_the_delay_of_a_retry(house: House) -> None:
    campaign = house.launch(1, retry={"busy": {"delays": "10m"}})
    house.end(house.claim_one(campaign).call_id, CallStatus.BUSY)
    assert house.claim(campaign).wake_at == house.now + timedelta(minutes=10)
    same = definition(retry={"busy": {"delays": "1h"}})
    house.write(lambda s: campaigns.apply_definition(s, campaign.id, same, "", now=house.now))
    assert house.claim(campaign).wake_at == house.now + timedelta(minutes=10)


def test_recipients_decided_and_not_called_stay_ready(house: House) -> None:
    """More people are looked at than there is room for: they are not looked at again."""
    campaign = house.launch(40, pacing={"max_concurrent": 5})
    assert len(house.claim(campaign).calls) == 5
    states = Counter(
        one.state for one in house.write(lambda s: roster.list_recipients(s, campaign.id, launch=1))
    )
    assert states == {
        RecipientState.CALLING: 5,
        RecipientState.READY: SMALLEST_STEP - 5,
        RecipientState.WAITING: 40 - SMALLEST_STEP,
    }
