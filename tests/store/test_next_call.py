"""The next call that a campaign shows is one that it makes then, and none before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord, Progress
from outdial.store.campaign.progress import read_progress
from outdial.store.claims.next_call import FEW
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.roster import roster
from tests.builders import House, draft, located_as, phone, zones

NEW_YORK, DENVER, HONOLULU = "America/New_York", "America/Denver", "Pacific/Honolulu"
DAY = {"hours": "09:00-18:00"}


def launched(house: House, *places: str, **changes: Any) -> CampaignRecord:
    """One recipient for each zone."""
    campaign = house.launch(0, **({"schedule": DAY} | changes))
    rows = [located_as(draft(i, phone=phone(i)), zones(place)) for i, place in enumerate(places)]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    return campaign


def progress(house: House, campaign: CampaignRecord) -> Progress:
    return house.write(lambda s: read_progress(s, campaign.id))


def call_all(house: House, campaign: CampaignRecord) -> None:
    """Call everybody who may be called now; nobody answers."""
    while calls := house.claim(campaign).calls:
        for call in calls:
            house.place(call.call_id)
            house.end(call.call_id, CallStatus.NO_ANSWER)


@pytest.mark.parametrize(
    ("places", "retry", "expected", "zone"),
    [
        # The delay ends at 22:16 in New York; the hours begin at 09:00.
        ([NEW_YORK], {"delays": "7h"}, datetime(2026, 3, 5, 14, tzinfo=UTC), NEW_YORK),
        # It ends within them.
        ([NEW_YORK], {"delays": "1h"}, datetime(2026, 3, 4, 21, 16, tzinfo=UTC), NEW_YORK),
        # Denver's hours begin later than New York's, whoever is due first.
        ([DENVER, NEW_YORK], {"delays": "7h"}, datetime(2026, 3, 5, 14, tzinfo=UTC), NEW_YORK),
        # In Honolulu they have not ended by then.
        ([NEW_YORK, HONOLULU], {"delays": "7h"}, datetime(2026, 3, 5, 3, 16, tzinfo=UTC), HONOLULU),
    ],
)
def test_it_is_an_instant_at_which_somebody_is_called(
    house: House, places: list[str], retry: dict[str, str], expected: datetime, zone: str
) -> None:
    house.now = datetime(2026, 3, 4, 20, 16, tzinfo=UTC)  # 15:16 in New York
    campaign = launched(house, *places, retry={"max_attempts": 3, "no_answer": retry})
    call_all(house, campaign)
    shown = progress(house, campaign)
    assert (shown.next_call_at, shown.next_call_zone) == (expected, zone)
    assert shown.reason is not None
    assert f"{expected:%H:%M} UTC) for 1 person" in shown.reason
    while shown.wake_at is not None and shown.wake_at < expected:
        house.now = shown.wake_at
        assert house.claim(campaign).calls == (), "somebody is decided about, and not called"
        shown = progress(house, campaign)
        assert (shown.next_call_at, shown.next_call_zone) == (expected, zone)
    house.now = expected - timedelta(seconds=1)
    assert house.claim(campaign).calls == ()
    house.now = expected
    assert house.claim(campaign).calls


def test_a_limit_of_attempts_a_day_counts_too(house: House) -> None:
    house.now = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
    retry = {"max_attempts": 3, "max_attempts_per_day": 1, "no_answer": {"delays": "1h"}}
    campaign = launched(house, NEW_YORK, retry=retry)
    call_all(house, campaign)
    shown = progress(house, campaign)
    assert shown.wake_at == house.now + timedelta(hours=1)
    assert shown.next_call_at == datetime(2026, 3, 5, 14, tzinfo=UTC)


def test_people_who_can_never_be_called_again_have_no_next_call(house: House) -> None:
    """They are decided about when they are due, and end."""
    house.now = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
    campaign = launched(house, NEW_YORK, retry={"max_attempts": 3, "no_answer": {"delays": "7h"}})
    call_all(house, campaign)
    house.write(
        lambda s: suppress_all(s, "default", [phone(0)], "no", now=house.now, source="desk")
    )
    house.claim(campaign)
    shown = progress(house, campaign)
    assert (shown.next_call_at, shown.reason) == (None, "recipients to decide about")
    assert shown.wake_at is not None
    house.now = shown.wake_at
    house.claim(campaign)
    assert progress(house, campaign).by_state["done"] == 1


def test_of_many_the_first_few_are_decided_about(house: House) -> None:
    house.now = datetime(2026, 3, 4, 20, 16, tzinfo=UTC)
    retry = {"max_attempts": 3, "no_answer": {"delays": "7h"}}
    campaign = launched(house, *[NEW_YORK] * (FEW + 5), retry=retry)
    call_all(house, campaign)
    shown = progress(house, campaign)
    assert shown.next_call_at == datetime(2026, 3, 5, 14, tzinfo=UTC)
    assert shown.reason is not None
    assert shown.reason.endswith(f" for {FEW}+ people")


def test_a_person_whose_number_is_dropped_is_called_at_the_next_one(house: House) -> None:
    house.now = datetime(2026, 3, 4, 20, 16, tzinfo=UTC)
    retry = {"max_attempts": 3, "no_answer": {"delays": "7h"}}
    campaign = house.launch(0, schedule=DAY, retry=retry)
    rows = [located_as(draft(0, alternate_phones=[phone(50)]), zones(NEW_YORK))]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    call_all(house, campaign)  # the other number is next
    house.write(
        lambda s: suppress_all(s, "default", [phone(50)], "no", now=house.now, source="desk")
    )
    house.claim(campaign)
    assert progress(house, campaign).next_call_at == datetime(2026, 3, 5, 14, tzinfo=UTC)
