"""What a campaign waits for, counted by reason; the decisions are those of a claim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.campaign.progress import read_progress
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.roster import roster
from outdial.store.roster.explanation import explain_recipients
from outdial.store.roster.waiting import WaitingSummary, read_waiting
from tests.builders import House, draft, located, phone

DAY = {"hours": "09:00-18:00"}


def summary(house: House, campaign: CampaignRecord) -> WaitingSummary:
    def read(s: Session) -> WaitingSummary:
        record = require_campaign(s, campaign.id)
        return read_waiting(s, record, read_progress(s, campaign.id).in_flight, house.now)

    return house.database.read_sync(read)


def test_recipients_outside_their_hours_and_a_suppressed_one(house: House) -> None:
    house.now = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)  # 20:00 in New York
    campaign = house.launch(5, schedule=DAY)
    house.write(
        lambda s: suppress_all(s, "default", [phone(0)], "no", now=house.now, source="desk")
    )
    waits = summary(house, campaign)
    assert [(group.reason.code, group.people) for group in waits.groups] == [
        ("outside_hours", 4), ("suppressed", 1),
    ]  # fmt: skip
    assert waits.groups[0].next_call_at == datetime(2026, 3, 4, 14, tzinfo=UTC)
    assert waits.groups[0].zone == "America/New_York"
    assert waits.groups[1].next_call_at is None
    assert (waits.limits, waits.decided) == ((), 5)


def test_pacing_and_lines_that_admit_no_call(house: House) -> None:
    campaign = house.launch(5, pacing={"max_concurrent": 1})
    house.place(house.claim_one(campaign).call_id)
    assert summary(house, campaign).limits == ("1 of 1 calls in flight",)
    house.line(most=2)
    other = house.launch(5, "other", first=10)
    house.claim(other)
    assert summary(house, other).limits == ("all 2 calls of line simulated in flight",)


def test_it_changes_nothing(house: House) -> None:
    campaign = house.launch(3, schedule=DAY)
    before = read = summary(house, campaign)
    assert [group.reason.code for group in read.groups] == ["callable"]
    assert summary(house, campaign) == before
    assert len(house.claim(campaign).calls) == 3


def test_a_retry_that_waits_for_its_delay(house: House) -> None:
    campaign = house.launch(1, retry={"max_attempts": 2, "busy": {"delays": "1h"}})
    call = house.claim_one(campaign)
    house.place(call.call_id)
    house.end(call.call_id, CallStatus.BUSY)
    (group,) = summary(house, campaign).groups
    assert (group.reason.code, group.people) == ("not_before", 1)
    assert group.next_call_at == house.now + timedelta(hours=1)


def test_a_number_that_is_dropped_leaves_the_person_another(house: House) -> None:
    """A claim drops the first number and decides about the next one: nobody of them is lost."""
    house.now = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)  # 20:00 in New York
    opens = datetime(2026, 3, 4, 14, tzinfo=UTC)
    campaign = house.launch(0, schedule=DAY)
    rows = located([draft(0, alternate_phones=[phone(50)])])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    house.write(
        lambda s: suppress_all(s, "default", [phone(0)], "no", now=house.now, source="desk")
    )
    (group,) = summary(house, campaign).groups
    assert (group.reason.code, group.next_call_at) == ("next_number", opens)
    (one,) = house.write(lambda s: explain_recipients(s, campaign, phone(0), house.now))
    assert (one.decision.until, one.decision.reason.code) == (opens, "next_number")  # type: ignore[union-attr]
    house.now = opens
    (group,) = summary(house, campaign).groups
    assert group.next_call_at == opens
    calls = house.claim(campaign).calls or house.claim(campaign).calls
    assert house.request_of(calls[0].call_id).to == phone(50)


def test_of_people_with_the_same_reason_one_who_can_be_called_says_when(house: House) -> None:
    """The cap of one of them frees up, that of the other never does."""
    for name, people in (("first", 2), ("second", 1)):
        for call in house.claim(house.launch(people, name)).calls:
            house.place(call.call_id)
            house.end(call.call_id)
    caps = [{"calls": 1, "within": "7d"}, {"calls": 2}]
    (group,) = summary(house, house.launch(2, "third", schedule=DAY, caps=caps)).groups
    assert (group.reason.code, group.people) == ("cap", 2)
    assert group.next_call_at is not None
    assert group.next_call_at > house.now
